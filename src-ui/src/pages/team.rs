//! Kegiatan bawahan: a day of everybody below, as their superior is shown it.

use lentera_api::view::{LogEntryView, MemberDay};
use lentera_api::{TeamDay, evidence_sentence};
use lentera_domain::{Day, Status};
use leptos::prelude::*;

use crate::components::icon::{Icon, icon};
use crate::components::page::{loaded, opened_head};
use crate::components::rows::effects;
use crate::platform;
use crate::state::query::query;
use crate::state::{Route, app};

/// One day; `None` is today.
pub fn day(day: Option<Day>) -> impl IntoView {
    let words = app().words();
    let today = platform::now().day();
    let day = day.unwrap_or(today);
    let team = query(move || TeamDay { day: day.to_string() });
    view! {
        {opened_head(Route::Team(Some(day)), words.team)}
        <p class="hint">{words.team_about}</p>
        <div class="strip">
            <a class="button button-icon" href=Route::Team(Some(day.minus(1))).path() aria-label=words.previous_day>
                {icon(Icon::Back)}
            </a>
            <span class="strip-day" aria-current="date">
                {words.day(day)}
            </span>
            {(day < today)
                .then(|| {
                    view! {
                        <a class="button button-icon" href=Route::Team(Some(day.plus(1))).path() aria-label=words.next_day>
                            {icon(Icon::Forward)}
                        </a>
                    }
                })}
        </div>
        {loaded(team, |data| move || data.with(|team| team.as_ref().map(|team| team.iter().map(member).collect_view())))}
    }
}

fn member(member: &MemberDay) -> impl IntoView + use<> {
    let words = app().words();
    let entries: Vec<_> = member.log.entries.iter().map(entry).collect();
    let none = entries.is_empty().then(|| view! { <p class="hint">{words.team_none}</p> });
    view! {
        <section class="list-part" data-test="member" data-id=member.nip.to_string()>
            <h2>{member.name.clone()}</h2>
            <p class="row-sub">{member.position.clone()} ", " {words.duration(member.log.minutes)}</p>
            {entries}
            {none}
        </section>
    }
}

fn entry(view: &LogEntryView) -> impl IntoView + use<> {
    let app = app();
    let words = app.words();
    let entry = &view.entry;
    view! {
        <article class="card" data-test="team-entry" data-id=view.id.to_string()>
            <p class="detail-time">{words.range(entry.time)} ", " {words.duration(entry.time.minutes().into())}</p>
            <p>{entry.activity.to_string()}</p>
            {entry.output.as_ref().map(|output| view! { <p class="row-sub">{output.to_string()}</p> })}
            {(entry.status == Status::Cancelled).then(|| view! { <p class="row-sub">{words.cancelled}</p> })}
            {effects(view)}
            <p class="hint">{evidence_sentence(&view.evidence, app.language.get_untracked())}</p>
        </article>
    }
}
