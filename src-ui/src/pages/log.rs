//! The daily log: a day, all of it, and one entry.

use lentera_api::view::{LogDay, LogEntryView};
use lentera_api::{self as api, CancelLogEntry, ListLogEntries, RestoreLogEntry, evidence_sentence};
use lentera_domain::{Day, LogEntryId, Status};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::history::history_link;
use crate::components::conflict::conflict_notice;
use crate::components::duration_bar::duration_bar;
use crate::components::fields::SearchField;
use crate::components::icon::{Icon, icon};
use crate::components::page::{empty, head, loaded, opened_head};
use crate::components::paged_list::paged_list;
use crate::components::rows::{delivered_code, effects, log_row, state_line};
use crate::locales::Words;
use crate::platform;
use crate::state::query::{Query, query};
use crate::state::{App, Route, app};

/// One day.
pub fn day() -> impl IntoView {
    let app = app();
    let words = app.words();
    let shown_day = Memo::new(move |_| app.day.get().unwrap_or_else(|| platform::now().day()));
    let answer = query(move || api::LogDay { day: shown_day.get().to_string() });
    let shown = Query { data: RwSignal::new(None::<LogDay>), error: answer.error };
    let newer = RwSignal::new(None::<usize>);
    let own = StoredValue::new(app.own.get_untracked());
    Effect::new(move || {
        let Some(fresh) = answer.data.get() else { return };
        let is_own = own.get_value() != app.own.get_untracked();
        let added = shown.data.with_untracked(|shown| rows_added(shown.as_ref(), &fresh));
        match added {
            // Rows that came from elsewhere would move those under the finger: they are offered.
            Some(count) if !is_own => newer.set(Some(count)),
            _ => {
                own.set_value(app.own.get_untracked());
                newer.set(None);
                shown.data.set(Some(fresh));
            }
        }
    });
    view! {
        {head(
            words.log,
            view! {
                <a class="button" href=Route::LogAll.path()>
                    {icon(Icon::Search)} {words.search}
                </a>
            },
        )}
        {day_strip(shown_day)}
        {move || {
            let count = newer.get()?;
            Some(
                view! {
                    <button
                        type="button"
                        class="button newer"
                        on:click=move |_| {
                            newer.set(None);
                            shown.data.set(answer.data.get_untracked());
                        }
                    >
                        {(words.new_rows)(count)}
                    </button>
                },
            )
        }}
        {loaded(
            shown,
            move |data| {
                view! {
                    {move || data.with(|day| day.as_ref().map(day_total))}
                    <div class="rows" role="list">
                        <For
                            each=move || data.get().map(|day| day.entries).unwrap_or_default()
                            key=entry_key
                            children=|entry| view! { <div role="listitem">{log_row(&entry, false)}</div> }
                        />
                    </div>
                    {move || data.with(|day| day.as_ref().is_some_and(|day| day.entries.is_empty()).then(|| empty(words.no_entries)))}
                }
            },
        )}
    }
}

/// What makes a row look different: its row is made anew only then.
fn entry_key(view: &LogEntryView) -> (LogEntryId, String) {
    let entry = &view.entry;
    let conflicts = view.conflicts.len();
    (view.id, format!("{:?}{:?}{:?}{}{}{conflicts}", view.delivered, view.effects, entry.status, entry.time, entry.activity))
}

/// How many entries `fresh` has that `shown` of the same day has not; `None` where the rows are the same, or of another day.
fn rows_added(shown: Option<&LogDay>, fresh: &LogDay) -> Option<usize> {
    let shown = shown.filter(|shown| shown.day == fresh.day)?;
    let ids = |day: &LogDay| day.entries.iter().map(|view| view.id).collect::<Vec<_>>();
    let (old, new) = (ids(shown), ids(fresh));
    (old != new).then(|| new.iter().filter(|id| !old.contains(id)).count())
}

fn day_strip(shown: Memo<Day>) -> impl IntoView {
    let words = app().words();
    let place = |day: Day| Route::LogDay(Some(day)).path();
    view! {
        <div class="strip">
            <a class="button button-icon" href=move || place(shown.get().minus(1)) aria-label=words.previous_day>
                {icon(Icon::Back)}
            </a>
            {move || {
                let (day, today) = (shown.get(), platform::now().day());
                // The day itself and those around it, never beyond today.
                let last = today.min(day.plus(1));
                [2, 1, 0]
                    .map(|back| {
                        let other = last.minus(back);
                        view! {
                            <a class="strip-day" href=place(other) aria-current=(other == day).then_some("date")>
                                {if other == today { words.today.into() } else { words.day_short(other) }}
                            </a>
                        }
                    })
                    .collect_view()
            }}
            {move || {
                let day = shown.get();
                (day < platform::now().day())
                    .then(|| {
                        view! {
                            <a class="button button-icon" href=place(day.plus(1)) aria-label=words.next_day>
                                {icon(Icon::Forward)}
                            </a>
                        }
                    })
            }}
        </div>
    }
}

fn day_total(day: &LogDay) -> impl IntoView + use<> {
    let words = app().words();
    let times: Vec<_> =
        day.entries.iter().filter(|view| view.entry.status != Status::Cancelled).map(|view| view.entry.time).collect();
    let wanted = day.minutes_wanted.map(|wanted| format!(" / {}", words.duration(wanted)));
    view! {
        <div class="total">
            <p class="total-day">{words.day(day.day)}</p>
            <p class="total-time">
                {words.duration(day.minutes)} <span class="figure-of">{wanted}</span>
            </p>
            {duration_bar(&times, None)}
        </div>
    }
}

/// All entries, newest first, to search.
pub fn all() -> impl IntoView {
    let words = app().words();
    let search = RwSignal::new(String::new());
    let total = RwSignal::new(None);
    view! {
        {opened_head(Route::LogAll, words.all_entries)}
        <SearchField label=words.search_entries value=search test="log-search" />
        {paged_list(
            search,
            total,
            |search, offset, limit| ListLogEntries { search, offset, limit },
            |entry: &LogEntryView| log_row(entry, true),
            |search| {
                let words = app().words();
                empty(if search.is_empty() { words.no_entries_ever.into() } else { (words.not_found)(search) })
            },
        )}
    }
}

/// One entry.
pub fn entry(id: LogEntryId) -> impl IntoView {
    let words = app().words();
    let entry = query(move || api::LogEntryDetail { id });
    let title = Memo::new(move |_| entry.data.with(|entry| entry.as_ref().map(|entry| entry.entry.activity.to_string())));
    view! {
        {opened_head(Route::LogEntry(id), move || title.get().unwrap_or_else(|| words.note_log.into()))}
        {loaded(entry, move |data| move || data.with(|entry| entry.as_ref().map(detail)))}
    }
}

fn detail(view: &LogEntryView) -> impl IntoView + use<> {
    let app = app();
    let words = app.words();
    let entry = &view.entry;
    let id = view.id;
    let cancelled = entry.status == Status::Cancelled;
    view! {
        <article class="detail" data-id=id.to_string() data-delivered=delivered_code(view.delivered)>
            {cancelled
                .then(|| {
                    view! {
                        <div class="notice notice-plain">
                            {icon(Icon::Close)}
                            <div>
                                <p>{words.cancelled_kept}</p>
                                <button type="button" class="button" data-test="undo" on:click=move |_| restore(app, id)>
                                    {words.undo}
                                </button>
                            </div>
                        </div>
                    }
                })}
            <p class="detail-time">
                {words.day(entry.day)} <br /> {words.range(entry.time)} ", " {words.duration(entry.time.minutes().into())}
            </p>
            <p>{state_line(view.delivered)}</p>
            {conflict_notice(&view.conflicts)}
            <div class="effects">{effects(view)}</div>
            {fact_list(facts(view, words))}
            <p class="hint" data-test="evidence">{evidence_sentence(&view.evidence, app.language.get_untracked())}</p>
            {history_link(id.record())}
            {entry.visit.map(|visit| {
                view! {
                    <p>
                        {words.from_visit} " "
                        <a class="link" href=Route::Visit(visit).path()>{words.open_visit}</a>
                    </p>
                }
            })}
            <div class="actions">
                {(entry.visit.is_none() && !cancelled)
                    .then(|| {
                        view! {
                            <a class="button button-main" href=Route::LogEdit(id).path() data-test="edit">
                                {icon(Icon::Pencil)} {words.edit}
                            </a>
                        }
                    })}
                {(!cancelled)
                    .then(|| {
                        view! {
                            <button type="button" class="button" data-test="cancel" on:click=move |_| cancel(app, id)>
                                {words.cancel}
                            </button>
                        }
                    })}
            </div>
        </article>
    }
}

fn facts(view: &LogEntryView, words: &Words) -> Vec<(&'static str, String)> {
    let entry = &view.entry;
    let text = |text: Option<String>| text.unwrap_or_default();
    let volume = entry.volume.map(|volume| {
        let unit = entry.unit.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{volume} {unit}")
    });
    let [main, additional, assignment] = words.duties;
    let [performer, assistant] = words.roles;
    let duty = match entry.duty {
        lentera_domain::log_entry::Duty::Main => main,
        lentera_domain::log_entry::Duty::Additional => additional,
        lentera_domain::log_entry::Duty::Assignment => assignment,
    };
    let role = match entry.role {
        lentera_domain::log_entry::Role::Performer => performer,
        lentera_domain::log_entry::Role::Assistant => assistant,
    };
    vec![
        (words.category, entry.category.to_string()),
        (words.volume, text(volume)),
        (words.output, text(entry.output.as_ref().map(ToString::to_string))),
        (words.duty, duty.into()),
        (words.role, role.into()),
        (words.village, text(view.village_name.clone())),
        (words.letter, text(entry.letter.as_ref().map(ToString::to_string))),
        (words.obstacle, text(entry.obstacle.as_ref().map(ToString::to_string))),
    ]
}

/// Names and values; what has no value is left out.
pub fn fact_list<N: IntoView + 'static>(facts: Vec<(N, String)>) -> impl IntoView {
    let rows: Vec<_> = facts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| {
            view! {
                <div>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </div>
            }
        })
        .collect();
    view! { <dl class="facts">{rows}</dl> }
}

/// Cancels an entry, and offers to take that back.
fn cancel(app: App, id: LogEntryId) {
    spawn_local(async move {
        match app.call(CancelLogEntry { id }).await {
            Ok(_) => {
                app.did_change();
                app.say(app.words().cancelled_kept.into(), Some(id));
            }
            Err(error) => app.failed.set(Some(error)),
        }
    });
}

/// Takes a cancellation back.
pub fn restore(app: App, id: LogEntryId) {
    spawn_local(async move {
        match app.call(RestoreLogEntry { id }).await {
            Ok(_) => {
                app.did_change();
                app.say(app.words().restored.into(), None);
            }
            Err(error) => app.failed.set(Some(error)),
        }
    });
}
