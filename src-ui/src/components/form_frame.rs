//! The frame of a form: its head with the draft's state, the summary of faults, the fields, and Save.

use lentera_api::{Error, sentence};
use leptos::prelude::*;

use super::fields::control_id;
use super::icon::{Icon, icon};
use super::page::opened_head;
use crate::locales::Words;
use crate::platform;
use crate::state::draft::DraftState;
use crate::state::form::{Form, FormState};
use crate::state::{Route, app};

/// Shows a form once its draft has been looked for. `save` is what Save does.
pub fn form_frame<F: Form, V: IntoView + 'static>(
    form: FormState<F>,
    route: Route,
    title: &'static str,
    fields: impl Fn() -> V + Send + Sync + 'static,
    save: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let words = app().words();
    view! {
        {opened_head(route, title)}
        {draft_line(form)}
        {move || {
            form.ready
                .get()
                .then(|| {
                    view! {
                        <form
                            class="form"
                            novalidate
                            on:submit=move |event| {
                                event.prevent_default();
                                save();
                            }
                        >
                            {summary(form)}
                            <fieldset class="plain" prop:disabled=move || form.busy.get()>
                                {fields()}
                                <div class="save-bar">
                                    <button type="submit" class="button button-main" data-test="save">
                                        {move || if form.busy.get() && form.slow.get() { words.saving } else { words.save }}
                                    </button>
                                </div>
                            </fieldset>
                        </form>
                    }
                })
        }}
    }
}

/// What the draft line says: its code for tests, and the words.
fn draft_words(state: &DraftState, words: &Words) -> (&'static str, String) {
    match state {
        DraftState::Empty => ("empty", words.draft_empty.into()),
        DraftState::Saving => ("saving", words.draft_saving.into()),
        DraftState::Saved(at) => ("saved", (words.draft_saved)(&words.clock(*at))),
        DraftState::Restored(at) => {
            let today = platform::now().day();
            ("restored", (words.draft_restored)(&words.moment(*at, today)))
        }
        DraftState::Failed(_) => ("failed", words.draft_failed.into()),
    }
}

fn draft_line<F: Form>(form: FormState<F>) -> impl IntoView {
    let app = app();
    let state = form.draft.with_value(|draft| draft.state);
    let shown = Memo::new(move |_| state.with(|state| draft_words(state, app.words())));
    view! {
        <p class="draft-line" data-test="draft-state" data-state=move || shown.with(|shown| shown.0)>
            {icon(Icon::Square)}
            <span>{move || shown.with(|shown| shown.1.clone())}</span>
        </p>
        {move || {
            let DraftState::Failed(error) = state.get() else { return None };
            Some(
                view! {
                    <p class="notice notice-refused" role="alert">
                        {icon(Icon::Refused)}
                        <span>{app.sentence(&error)}</span>
                    </p>
                },
            )
        }}
    }
}

/// What keeps the form from being saved; each fault leads to its field.
fn summary<F: Form>(form: FormState<F>) -> impl IntoView {
    let app = app();
    let words = app.words();
    let language = app.language.get_untracked();
    let fault_link = move |fault: &lentera_domain::FieldError| {
        let target = format!("#{}", control_id(&fault.field));
        let text = sentence(&Error::Field(fault.clone()), language);
        view! {
            <li>
                <button type="button" class="link" on:click=move |_| platform::focus(&target)>
                    {text}
                </button>
            </li>
        }
    };
    move || {
        let failed = form.failed.get();
        let faults = form.faults.get();
        (form.summed_up.get() && (failed.is_some() || !faults.is_empty())).then(|| {
            let heading = if failed.is_some() { words.not_saved.into() } else { (words.please_fix)(faults.len()) };
            view! {
                <div class="notice notice-refused" role="alert" tabindex="-1" data-test="error">
                    {icon(Icon::Refused)}
                    <div>
                        <p>
                            <strong>{heading}</strong>
                        </p>
                        {failed.map(|error| view! { <p>{app.sentence(&error)}</p> })}
                        <ul>{faults.iter().map(fault_link).collect_view()}</ul>
                    </div>
                </div>
            }
        })
    }
}
