//! Fields that were filled in differently on two devices: told of on a record's page, and settled by one press.

use lentera_api::view::{Conflict, ConflictValue};
use lentera_api::{SettleConflict, field_name};
use leptos::either::Either;
use leptos::prelude::*;

use super::icon::{Icon, icon};
use super::page::refusal;
use crate::locales::Words;
use crate::platform;
use crate::state::{Asking, Route, app};

/// On the page of a record: which of its fields are to be settled, and the way there.
pub fn conflict_notice(conflicts: &[Conflict]) -> impl IntoView + use<> {
    let app = app();
    let words = app.words();
    let language = app.language.get_untracked();
    let record = conflicts.first().map(|conflict| conflict.record.id);
    let fields: Vec<_> = conflicts.iter().map(|conflict| field_name(&conflict.field, language)).collect();
    record.map(|record| {
        view! {
            <div class="notice notice-waiting" data-test="conflict-notice">
                {icon(Icon::Warning)}
                <div>
                    <p>{(words.conflicts_here)(&fields.join(", "))}</p>
                    <a class="button" href=Route::Conflicts(Some(record)).path() data-test="see-and-choose">
                        {words.see_and_choose}
                    </a>
                </div>
            </div>
        }
    })
}

/// What stands in a field, in words; that it was emptied is said, too.
fn text_of(words: &Words, field: &str, value: &ConflictValue) -> String {
    if value.text.is_empty() { words.emptied.into() } else { words.value(field, &value.text) }
}

/// A field to be settled, as its page keeps it.
#[derive(Clone)]
pub struct Open {
    /// What is to be settled.
    pub conflict: Conflict,
    /// What has been chosen here. Counted, not owned: it outlives the reading that brought it.
    pub settled: ArcRwSignal<Option<String>>,
}

/// One field with all its values. Once one has been chosen the field says so in its place: nothing moves under the finger.
pub fn conflict_card(Open { conflict, settled }: Open) -> impl IntoView {
    let app = app();
    let words = app.words();
    let asking = Asking::new();
    let Conflict { record, title, field, values } = conflict;
    let name = field_name(&field, app.language.get_untracked());
    let id = format!("c-{}-{}-{field}", record.kind.number(), record.id);
    let values: Vec<_> = values.into_iter().map(|value| (text_of(words, &field, &value), value)).collect();
    let place = format!("#{id} .settled");
    let command = SettleConflict { record, field: field.clone(), choice: String::new() };
    let chosen = settled.clone();
    let choose = Callback::new(move |(choice, text): (String, String)| {
        let (place, chosen) = (place.clone(), chosen.clone());
        asking.ask(SettleConflict { choice, ..command.clone() }, move |_| {
            chosen.set(Some(text));
            app.did_change();
            platform::focus_soon(place);
        });
    });
    view! {
        <section class="conflict" id=id data-test="conflict" data-field=field>
            <h2>{format!("{title}: {name}")}</h2>
            {refusal(asking)}
            {move || match settled.get() {
                Some(text) => {
                    Either::Left(
                        view! {
                            <p class="notice notice-plain settled" role="status" tabindex="-1" data-test="settled">
                                {icon(Icon::Square)}
                                <span>{(words.settled)(&text)}</span>
                            </p>
                        },
                    )
                }
                None => {
                    let boxes: Vec<_> = values.iter().map(|(text, value)| value_box(text, value, choose)).collect();
                    Either::Right(view! { <ul class="values">{boxes}</ul> })
                }
            }}
            <a class="link" href=Route::of_record(record).path()>{words.open_record}</a>
        </section>
    }
}

/// One value: what stands there, who wrote it and when, and the press that makes it stand.
fn value_box(text: &str, value: &ConflictValue, choose: Callback<(String, String)>) -> impl IntoView + use<> {
    let words = app().words();
    let today = platform::now().day();
    let author = if value.own { words.you.into() } else { value.author.clone() };
    let at = value.at.map(|at| format!(", {}", words.moment(at, today)));
    let verb = if value.shown { words.keep_this } else { words.use_this };
    let chosen = (value.choice.clone(), text.to_owned());
    view! {
        <li class="value" class:value-shown=value.shown>
            <p class="value-text">{text.to_owned()}</p>
            <p class="row-sub">{author} {at}</p>
            {value
                .shown
                .then(|| {
                    view! {
                        <p class="state state-saved">
                            {icon(Icon::Square)} <span>{words.shown_now}</span>
                        </p>
                    }
                })}
            <button
                type="button"
                class="button"
                data-test="use-value"
                data-choice=value.choice.clone()
                aria-label=format!("{verb}: {text}")
                on:click=move |_| choose.run(chosen.clone())
            >
                {verb}
            </button>
        </li>
    }
}
