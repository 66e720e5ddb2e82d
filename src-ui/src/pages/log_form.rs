//! Noting an activity, and changing one.

use lentera_api::{AddLogEntry, EditLogEntry, LogDay, LogEntryDetail};
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::{LogEntryId, Status, TimeRange};
use leptos::prelude::*;

use crate::components::choices::OneOf;
use crate::components::chooser::VillageField;
use crate::components::duration_bar::{duration_bar, shared_minutes};
use crate::components::fields::TextField;
use crate::components::form_frame::form_frame;
use crate::components::page::{loaded, warning};
use crate::components::times::{DayField, time_pair};
use crate::locales::dotted;
use crate::platform;
use crate::state::form::{FormState, field};
use crate::state::query::{query, read_once};
use crate::state::{Route, app};

/// A new entry; of the day that the log shows.
pub fn new() -> impl IntoView {
    let app = app();
    let day = app.day.get_untracked().unwrap_or_else(|| platform::now().day());
    let form = FormState::open("log_entry/new", LogEntryForm { day: day.to_string(), ..LogEntryForm::default() }, |_| ());
    let save = move || {
        form.save(
            |_, form| AddLogEntry { form },
            move |saved| {
                app.go_instead(Route::LogDay(Some(saved.entry.day)));
                app.say((app.words().saved_on)(app.device()), None);
            },
        );
    };
    form_frame(form, Route::LogNew, app.words().new_entry, move || fields(form, None), save)
}

/// Changing an entry.
pub fn edit(id: LogEntryId) -> impl IntoView {
    let app = app();
    let entry = read_once(LogEntryDetail { id });
    loaded(entry, move |data| {
        data.get_untracked().map(|view| {
            let mut opened = view.form;
            opened.start = dotted(&opened.start);
            opened.end = dotted(&opened.end);
            let form = FormState::open(&format!("log_entry/{id}"), opened, |_| ());
            let save = move || {
                form.save(
                    move |opened, form| EditLogEntry { id, opened, form },
                    move |_| {
                        app.go_instead(Route::LogEntry(id));
                        app.say((app.words().saved_on)(app.device()), None);
                    },
                );
            };
            form_frame(form, Route::LogEdit(id), app.words().edit_entry, move || fields(form, Some(id)), save)
        })
    })
}

/// Fields that lie folded.
const DETAILS: [&str; 6] = ["output", "duty", "role", "village", "letter", "obstacle"];

fn fields(form: FormState<LogEntryForm>, id: Option<LogEntryId>) -> impl IntoView {
    let words = app().words();
    let categories = words.categories.iter().map(|name| (*name, *name)).collect::<Vec<_>>();
    let [main, additional, assignment] = words.duties;
    let [performer, assistant] = words.roles;
    let is_detailed = form.typed.with_untracked(|form| {
        [&form.output, &form.duty, &form.role, &form.village, &form.letter, &form.obstacle]
            .into_iter()
            .any(|text| !matches!(text.as_str(), "" | "main" | "performer"))
    });
    let is_open = move || is_detailed || form.has_fault_in(&DETAILS);
    view! {
        <TextField binding=form.bind(field!(activity)) label=words.what_done lines=true />
        <OneOf binding=form.bind(field!(category)) label=words.category options=categories />
        <DayField binding=form.bind(field!(day)) />
        {time_pair(form.bind(field!(start)), form.bind(field!(end)))}
        {day_bar(form, id)}
        <div class="pair pair-amount">
            <TextField binding=form.bind(field!(volume)) label=words.volume hint=words.optional keyboard="numeric" />
            <TextField binding=form.bind(field!(unit)) label=words.unit hint=words.optional suggestions=words.units />
        </div>
        <details class="more" prop:open=is_open>
            <summary>{words.details}</summary>
            <TextField binding=form.bind(field!(output)) label=words.output optional=true lines=true />
            <OneOf
                binding=form.bind(field!(duty))
                label=words.duty
                options=vec![("", main), ("additional", additional), ("assignment", assignment)]
            />
            <OneOf binding=form.bind(field!(role)) label=words.role options=vec![("", performer), ("assistant", assistant)] />
            <VillageField binding=form.bind(field!(village)) label=words.village optional=true />
            <TextField binding=form.bind(field!(letter)) label=words.letter optional=true />
            <TextField binding=form.bind(field!(obstacle)) label=words.obstacle optional=true lines=true />
        </details>
    }
}

/// The day with this entry in it, and how much of it overlaps.
fn day_bar(form: FormState<LogEntryForm>, id: Option<LogEntryId>) -> impl IntoView {
    let words = app().words();
    let day = Memo::new(move |_| form.typed.with(|form| form.day.clone()));
    let log = query(move || LogDay { day: day.get() });
    let this = Memo::new(move |_| form.typed.with(|form| TimeRange::parse_ends(&form.start, &form.end).ok()));
    move || {
        let others: Vec<_> = log.data.with(|log| {
            let entries = log.iter().flat_map(|log| &log.entries);
            let others = entries.filter(|view| Some(view.id) != id && view.entry.status != Status::Cancelled);
            others.map(|view| view.entry.time).collect()
        });
        let this = this.get();
        let length = this.map(|this| format!("{}: {}", words.this_entry, words.duration(this.minutes().into())));
        let shared = this.map_or(0, |this| shared_minutes(&others, this));
        view! {
            <div class="total">
                <p>{length}</p>
                {duration_bar(&others, this)}
                {(shared > 0).then(|| warning((words.overlaps)(shared)))}
            </div>
        }
    }
}
