//! Lainnya: what is used rarely.

use lentera_api::{ChangePassword, Language, Status, TakeInvite};
use leptos::prelude::*;

use super::log::fact_list;
use crate::components::fields::PasswordField;
use crate::components::icon::{Icon, icon};
use crate::components::invite_form::invite_form;
use crate::components::page::{head, opened_head, refusal};
use crate::state::query::query;
use crate::state::{Asking, Route, app};

/// The list.
pub fn more() -> impl IntoView {
    let app = app();
    let words = app.words();
    let entry = |route: Route, text: &'static str| {
        view! {
            <a class="row row-plain" href=route.path() data-test="more-row" data-id=route.path()>
                <span class="row-title">{text}</span>
                {icon(Icon::Forward)}
            </a>
        }
    };
    let language = move |language: Language, text: &'static str| {
        let is_spoken = app.language.get_untracked() == language;
        view! {
            <button
                type="button"
                class="chip"
                lang=if language == Language::Id { "id" } else { "en" }
                aria-pressed=is_spoken.to_string()
                on:click=move |_| app.speak(language)
            >
                {text}
            </button>
        }
    };
    let about = app.person.with_untracked(|person| {
        person.as_ref().map(|person| {
            fact_list(vec![
                (words.nip, person.nip.to_string()),
                (words.office, person.office.clone()),
                (words.server, person.server.clone()),
            ])
        })
    });
    // Who is below comes with the first exchange, after the enrolment.
    let status = query(|| Status {});
    let is_superior = Memo::new(move |_| {
        status
            .data
            .with(|status| status.as_ref().and_then(|status| status.person.as_ref()).is_some_and(|person| person.is_superior))
    });
    let who = app.person.with_untracked(|person| {
        person.as_ref().map(|person| {
            view! {
                <p class="detail-title">{person.name.clone()}</p>
                <p class="detail-time">{person.position.clone()} <br /> {person.unit.clone()}</p>
            }
        })
    });
    view! {
        {head(words.more, ())}
        <div class="rows">
            {entry(Route::Delivery, words.delivery)} {entry(Route::LogAll, words.all_entries)}
            {move || is_superior.get().then(|| entry(Route::Team(None), words.team))}
            {entry(Route::Password, words.change_password)} {entry(Route::Invite, words.new_invite)}
        </div>
        <section class="list-part">
            <h2>{words.language}</h2>
            <div class="chips" data-test="language">
                {language(Language::Id, "Bahasa Indonesia")} {language(Language::En, "English")}
            </div>
        </section>
        <section class="list-part">
            <h2>{words.about}</h2>
            {who}
            {about}
            <p class="hint">{(words.version)(&app.version.get_untracked())}</p>
        </section>
    }
}

/// A new invite: the office's server has moved.
pub fn invite() -> impl IntoView {
    let app = app();
    let words = app.words();
    let invite = RwSignal::new(String::new());
    let asking = Asking::new();
    let take = move || {
        asking.ask(TakeInvite { invite: invite.get_untracked() }, move |status| {
            app.go_instead(Route::Delivery);
            app.say(words.new_invite_taken.into(), None);
            app.take_status(status);
        });
    };
    view! {
        {opened_head(Route::Invite, words.new_invite)}
        {refusal(asking)}
        {invite_form(words.new_invite_about, words.new_invite_use, invite, asking, take)}
    }
}

/// Changing the password.
pub fn password() -> impl IntoView {
    let app = app();
    let words = app.words();
    let present = RwSignal::new(String::new());
    let new = RwSignal::new(String::new());
    let asking = Asking::new();
    let change = move || {
        let command = ChangePassword { password: present.get_untracked(), new_password: new.get_untracked() };
        asking.ask(command, move |_| {
            app.go_instead(Route::More);
            app.say(words.password_changed.into(), None);
        });
    };
    view! {
        {opened_head(Route::Password, words.change_password)}
        <form
            class="form"
            novalidate
            on:submit=move |event| {
                event.prevent_default();
                change();
            }
        >
            {refusal(asking)}
            <p class="hint">{words.password_about}</p>
            <PasswordField
                name="password"
                label=words.present_password
                value=present
                autocomplete="current-password"
                test="present-password"
            />
            <PasswordField
                name="new_password"
                label=words.new_password
                hint=words.new_password_hint
                value=new
                autocomplete="new-password"
                test="new-password"
            />
            <div class="save-bar">
                <button type="submit" class="button button-main" data-test="save">
                    {move || if asking.busy.get() { words.enrolling } else { words.change_password }}
                </button>
            </div>
        </form>
    }
}
