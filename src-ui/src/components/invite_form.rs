//! The form that takes an invite: pasted, or out of a file.

use lentera_api::Error;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;

use super::fields::{control_id, described_by};
use crate::platform;
use crate::state::{Asking, app};

/// `about` says what the invite is for. It is in `invite` when `take` is called: the person pressed `go_on`, or has chosen a file.
pub fn invite_form(
    about: &'static str,
    go_on: &'static str,
    invite: RwSignal<String>,
    asking: Asking,
    take: impl Fn() + Copy + 'static,
) -> impl IntoView {
    let words = app().words();
    let choose = move |event: web_sys::Event| {
        let Some(file) = platform::chosen_file(&event) else { return };
        spawn_local(async move {
            match JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string()) {
                Some(text) => {
                    invite.set(text);
                    take();
                }
                None => asking.failed.set(Some(Error::BadInvite { detail: String::new() })),
            }
        });
    };
    view! {
        <form
            class="form"
            novalidate
            on:submit=move |event| {
                event.prevent_default();
                take();
            }
        >
            <p>{about}</p>
            <div class="field">
                <label for=control_id("invite")>{words.invite}</label>
                <span class="hint" id="h-invite">
                    {words.invite_hint}
                </span>
                <textarea
                    id=control_id("invite")
                    name="invite"
                    rows="4"
                    spellcheck="false"
                    autocapitalize="none"
                    aria-describedby=described_by("invite")
                    data-test="invite"
                    prop:value=move || invite.get()
                    on:input=move |event| invite.set(event_target_value(&event))
                ></textarea>
            </div>
            <label class="button file">
                <input type="file" accept=".json,.txt,application/json,text/plain" data-test="invite-file" on:change=choose />
                <span>{words.invite_file}</span>
            </label>
            <div class="save-bar">
                <button type="submit" class="button button-main" data-test="invite-go-on" aria-disabled=move || asking.busy.get().to_string()>
                    {move || if asking.busy.get() { words.trying } else { go_on }}
                </button>
            </div>
        </form>
    }
}
