//! Logging in again, after the server stopped taking this device's key.

use lentera_api::view::Finding;
use lentera_api::{Error, LogInAgain, finding_sentence};
use leptos::prelude::*;

use super::fields::PasswordField;
use super::icon::{Icon, icon};
use super::page::refusal;
use crate::state::{Asking, app};

/// What happened, that nothing is lost, and the password; a new one where the server wants it.
pub fn log_in_again() -> impl IntoView {
    let app = app();
    let words = app.words();
    let password = RwSignal::new(String::new());
    let new_password = RwSignal::new(String::new());
    let asking = Asking::new();
    // Once it has been asked for, it stays.
    let wants_new = Memo::new(move |wanted: Option<&bool>| {
        wanted.copied().unwrap_or_default() || asking.failed.with(|failed| *failed == Some(Error::PasswordChangeNeeded))
    });
    let submit = move || {
        let command = LogInAgain { password: password.get_untracked(), new_password: new_password.get_untracked() };
        asking.ask(command, move |status| {
            app.take_status(status);
            app.did_change();
            app.say(words.logged_in_again.into(), None);
        });
    };
    let (what, _) = finding_sentence(&Finding::LogInAgain, app.language.get_untracked());
    view! {
        <form
            class="card card-alert"
            novalidate
            data-test="log-in-again"
            on:submit=move |event| {
                event.prevent_default();
                submit();
            }
        >
            <h2>{icon(Icon::Key)} {words.log_in_again}</h2>
            <p>{what}</p>
            <p>{(words.nothing_lost)(app.device())}</p>
            {refusal(asking)}
            <PasswordField
                name="password"
                label=words.password
                value=password
                autocomplete="current-password"
                test="again-password"
            />
            <Show when=move || wants_new.get()>
                <PasswordField
                    name="new_password"
                    label=words.new_password
                    hint=words.new_password_hint
                    value=new_password
                    autocomplete="new-password"
                    test="again-new-password"
                />
            </Show>
            <button type="submit" class="button button-main" data-test="again-submit" aria-disabled=move || asking.busy.get().to_string()>
                {move || if asking.busy.get() { words.enrolling } else { words.log_in_again }}
            </button>
        </form>
    }
}
