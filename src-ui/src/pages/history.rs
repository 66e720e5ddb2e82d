//! Riwayat: everything that was ever written to a record, so that what was written over is still found.

use lentera_api::view::{HistoryEntry, HistoryField};
use lentera_api::{RecordHistory, field_name};
use lentera_domain::RecordId;
use leptos::prelude::*;

use super::log::fact_list;
use crate::components::page::{empty, loaded, opened_head};
use crate::components::rows::{delivered_code, state_line};
use crate::platform;
use crate::state::query::query;
use crate::state::{Route, app};

/// All of a record's.
pub fn history(record: RecordId) -> impl IntoView {
    let words = app().words();
    let answer = query(move || RecordHistory { record });
    view! {
        {opened_head(Route::History(record), words.history)}
        {loaded(
            answer,
            move |data| {
                move || {
                    let entries = data.get().unwrap_or_default();
                    if entries.is_empty() {
                        return empty(words.no_history).into_any();
                    }
                    view! {
                        <p>{words.history_about}</p>
                        <p>
                            <a class="link" href=Route::of_record(record).path()>{words.open_record}</a>
                        </p>
                        <ol class="history">{entries.iter().map(written).collect_view()}</ol>
                    }
                        .into_any()
                }
            },
        )}
    }
}

/// The way there from a record's page.
pub fn history_link(record: RecordId) -> impl IntoView {
    view! {
        <p>
            <a class="link" href=Route::History(record).path() data-test="history">
                {app().words().history}
            </a>
        </p>
    }
}

/// What one person wrote at one moment.
fn written(entry: &HistoryEntry) -> impl IntoView + use<> {
    let app = app();
    let words = app.words();
    let language = app.language.get_untracked();
    let author = if entry.own { words.you.into() } else { entry.author.clone() };
    let at = entry.at.map(|at| format!(", {}", words.moment(at, platform::now().day())));
    let text_of = |HistoryField { field, text }: &HistoryField| {
        if text.is_empty() { words.emptied.into() } else { words.value(field, text) }
    };
    let facts = entry.fields.iter().map(|field| (field_name(&field.field, language), text_of(field)));
    view! {
        <li class="card" data-test="written" data-delivered=delivered_code(entry.delivered)>
            <h2>{author} {at}</h2>
            <p>{state_line(entry.delivered)}</p>
            {fact_list(facts.collect())}
        </li>
    }
}
