//! Daftar: one step a screen, online once.

use lentera_api::{Enrol, Error, Invite, ReadInvite, sentence};
use lentera_domain::Nip;
use leptos::prelude::*;

use crate::components::fields::{PasswordField, control_id, described_by};
use crate::components::icon::{Icon, icon};
use crate::components::invite_form::invite_form;
use crate::components::page::refusal;
use crate::platform;
use crate::state::{App, Asking, Route, app};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Invite,
    Login,
    NewPassword,
}

/// What was typed so far, and how it went.
#[derive(Clone, Copy)]
struct Enrolment {
    app: App,
    step: RwSignal<Step>,
    invite: RwSignal<String>,
    office: RwSignal<Option<Invite>>,
    nip: RwSignal<String>,
    password: RwSignal<String>,
    new_password: RwSignal<String>,
    asking: Asking,
}

/// The steps.
pub fn enrol() -> impl IntoView {
    let app = app();
    let words = app.words();
    let state = Enrolment {
        app,
        step: RwSignal::new(Step::Invite),
        invite: RwSignal::default(),
        office: RwSignal::new(None),
        nip: RwSignal::default(),
        password: RwSignal::default(),
        new_password: RwSignal::default(),
        asking: Asking::new(),
    };
    // The first password opens one more step.
    Effect::new(move || {
        if state.asking.failed.with(|failed| *failed == Some(Error::PasswordChangeNeeded)) {
            state.go(Step::NewPassword);
        }
    });
    let number = move || (words.step)(state.step.get() as u32 + 1, 3);
    view! {
        <div class="app app-enrol">
            <header class="top">
                <span class="brand">
                    {icon(Icon::Lantern)}
                    <span>"Lentera"</span>
                </span>
            </header>
            <main class="pane pane-alone">
                <header class="head head-main">
                    <h1 tabindex="-1">{words.enrol}</h1>
                    <span class="hint">{number}</span>
                </header>
                {refusal(state.asking)}
                {move || match state.step.get() {
                    Step::Invite => state.invite_step().into_any(),
                    Step::Login => state.login_step().into_any(),
                    Step::NewPassword => state.new_password_step().into_any(),
                }}
            </main>
        </div>
    }
}

impl Enrolment {
    fn go(self, step: Step) {
        self.asking.failed.set(None);
        self.step.set(step);
        platform::focus_soon(match step {
            Step::Invite => "[data-test=invite]",
            Step::Login => "[data-test=enrol-nip]",
            Step::NewPassword => "[data-test=enrol-new-password]",
        });
    }

    fn invite_step(self) -> impl IntoView {
        let words = self.app.words();
        let read = move || {
            self.asking.ask(ReadInvite { invite: self.invite.get_untracked() }, move |invite| {
                if self.nip.with_untracked(String::is_empty) {
                    self.nip.set(invite.nip.clone());
                }
                self.office.set(Some(invite));
                self.go(Step::Login);
            });
        };
        invite_form(words.enrol_about, words.next, self.invite, self.asking, read)
    }

    fn office_line(self) -> impl IntoView {
        let words = self.app.words();
        move || {
            self.office.get().map(|invite| {
                view! {
                    <p class="notice notice-plain">
                        {icon(Icon::Arrived)}
                        <span>{(words.server_of)(&invite.office)}</span>
                    </p>
                }
            })
        }
    }

    fn login_step(self) -> impl IntoView {
        let words = self.app.words();
        let language = self.app.language.get_untracked();
        let left = RwSignal::new(false);
        // What the number says, as it is typed; what is wrong with it, once the field has been left.
        let told = move || {
            let nip = self.nip.get();
            match Nip::parse(&nip) {
                Ok(nip) => {
                    let born = nip.birth().map(|day| words.date(day)).unwrap_or_default();
                    Some((false, (words.born)(&born, nip.is_woman())))
                }
                Err(error) if left.get() && !nip.trim().is_empty() => Some((true, sentence(&Error::Field(error), language))),
                Err(_) => None,
            }
        };
        let told = Memo::new(move |_| told());
        view! {
            <form
                class="form"
                novalidate
                on:submit=move |event| {
                    event.prevent_default();
                    self.submit();
                }
            >
                {self.office_line()}
                <div class="field">
                    <label for=control_id("nip")>{words.nip}</label>
                    <span class="hint" id="h-nip">
                        {words.nip_hint}
                    </span>
                    <span id="e-nip" aria-live="polite">
                        {move || {
                            told.get()
                                .map(|(wrong, text)| {
                                    view! {
                                        <span class=if wrong { "fault" } else { "told" }>
                                            {icon(if wrong { Icon::Refused } else { Icon::Arrived })} <span>{text}</span>
                                        </span>
                                    }
                                })
                        }}
                    </span>
                    <input
                        id=control_id("nip")
                        name="nip"
                        type="text"
                        inputmode="numeric"
                        autocomplete="username"
                        aria-describedby=described_by("nip")
                        data-test="enrol-nip"
                        prop:value=move || self.nip.get()
                        on:input=move |event| self.nip.set(event_target_value(&event))
                        on:change=move |event| self.nip.set(event_target_value(&event))
                        on:blur=move |_| left.set(true)
                    />
                </div>
                <PasswordField
                    name="password"
                    label=words.password
                    hint=words.password_hint
                    value=self.password
                    autocomplete="current-password"
                    test="enrol-password"
                />
                {self.buttons(Step::Invite)}
            </form>
        }
    }

    fn new_password_step(self) -> impl IntoView {
        let words = self.app.words();
        view! {
            <form
                class="form"
                novalidate
                on:submit=move |event| {
                    event.prevent_default();
                    self.submit();
                }
            >
                {self.office_line()}
                <p>{sentence(&Error::PasswordChangeNeeded, self.app.language.get_untracked())}</p>
                <PasswordField
                    name="new_password"
                    label=words.new_password
                    hint=words.new_password_hint
                    value=self.new_password
                    autocomplete="new-password"
                    test="enrol-new-password"
                />
                {self.buttons(Step::Login)}
            </form>
        }
    }

    fn buttons(self, before: Step) -> impl IntoView {
        let words = self.app.words();
        view! {
            <div class="save-bar">
                <button type="submit" class="button button-main" data-test="enrol-submit" aria-disabled=move || self.asking.busy.get().to_string()>
                    {move || if self.asking.busy.get() { words.enrolling } else { words.enrol_submit }}
                </button>
                <button type="button" class="button" on:click=move |_| self.go(before)>
                    {words.previous}
                </button>
            </div>
        }
    }

    fn submit(self) {
        let command = Enrol {
            invite: self.invite.get_untracked(),
            nip: self.nip.get_untracked(),
            password: self.password.get_untracked(),
            new_password: self.new_password.get_untracked(),
        };
        let app = self.app;
        self.asking.ask(command, move |status| {
            app.go_instead(Route::Home);
            app.say(app.words().enrolled.into(), None);
            app.take_status(status);
        });
    }
}
