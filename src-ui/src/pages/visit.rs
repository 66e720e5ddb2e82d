//! One visit.

use lentera_api as api;
use lentera_api::view::VisitView;
use lentera_domain::VisitId;
use leptos::prelude::*;

use super::history::history_link;
use super::log::fact_list;
use crate::components::conflict::conflict_notice;
use crate::components::page::{loaded, opened_head};
use crate::components::rows::{delivered_code, state_line};
use crate::locales::Words;
use crate::state::query::query;
use crate::state::{Route, app};

/// One visit.
pub fn detail(id: VisitId) -> impl IntoView {
    let words = app().words();
    let visit = query(move || api::VisitDetail { id });
    let title = Memo::new(move |_| visit.data.with(|visit| visit.as_ref().map(|view| (words.visit_to)(&view.umkm_name))));
    view! {
        {opened_head(Route::Visit(id), move || title.get().unwrap_or_else(|| words.visit.into()))}
        {loaded(visit, move |data| move || data.with(|visit| visit.as_ref().map(whole)))}
    }
}

fn whole(view: &VisitView) -> impl IntoView + use<> {
    let words = app().words();
    let visit = &view.visit;
    view! {
        <article class="detail" data-id=view.id.to_string() data-delivered=delivered_code(view.delivered)>
            <p class="detail-time">
                {words.day(visit.day)} <br /> {words.range(visit.time)} ", " {words.duration(visit.time.minutes().into())}
            </p>
            <p>{state_line(view.delivered)}</p>
            {conflict_notice(&view.conflicts)}
            {fact_list(facts(view, words))}
            {history_link(view.id.record())}
            <div class="actions">
                <a class="button" href=Route::Umkm(visit.umkm).path()>{words.open_umkm}</a>
                <a class="button" href=Route::LogEntry(view.log_entry).path() data-test="open-entry">{words.open_entry}</a>
            </div>
        </article>
    }
}

fn facts(view: &VisitView, words: &Words) -> Vec<(&'static str, String)> {
    fn text(text: Option<&impl ToString>) -> String {
        text.map(ToString::to_string).unwrap_or_default()
    }
    let visit = &view.visit;
    let noted = format!("{} {}", words.date(visit.noted_at.day().date()), words.clock(visit.noted_at));
    vec![
        (words.purposes, words.purposes_of(&visit.purposes)),
        (words.problem, text(visit.problem.as_ref())),
        (words.advice, text(visit.advice.as_ref())),
        (words.agreement, text(visit.agreement.as_ref())),
        (words.satisfaction, visit.satisfaction.map(|score| format!("{score} / 5")).unwrap_or_default()),
        (words.companions, text(visit.companions.as_ref())),
        (words.vehicle, text(visit.vehicle.as_ref())),
        (words.letter, text(visit.letter.as_ref())),
        (words.officer, view.officer_name.clone()),
        (words.noted, noted),
    ]
}
