//! Rows of lists, and the line that says how a record stands.

use lentera_api::effect_sentence;
use lentera_api::view::{Delivered, LogEntryView, UmkmView, VisitView};
use lentera_domain::Status;
use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::state::{Route, app};

/// The name of a state in attributes that tests and styles read.
pub fn delivered_code(delivered: Delivered) -> &'static str {
    match delivered {
        Delivered::Waiting => "waiting",
        Delivered::Arrived => "arrived",
        Delivered::Refused => "refused",
    }
}

/// How a record stands: shape, word and colour.
pub fn state_line(delivered: Delivered) -> impl IntoView {
    let words = app().words();
    let (shape, text) = match delivered {
        Delivered::Waiting => (Icon::Waiting, words.row_waiting),
        Delivered::Arrived => (Icon::Arrived, words.row_arrived),
        Delivered::Refused => (Icon::Refused, words.row_refused),
    };
    view! {
        <span class=format!("state state-{}", delivered_code(delivered))>
            {icon(shape)}
            <span>{text}</span>
        </span>
    }
}

/// How many fields of a record are to be settled, if any.
pub fn conflict_badge(count: usize) -> impl IntoView {
    (count > 0).then(|| {
        view! {
            <span class="state state-waiting" data-test="conflict-badge">
                {icon(Icon::Warning)}
                <span>{(app().words().conflicts_count)(count)}</span>
            </span>
        }
    })
}

/// What changes how an entry counts, one sentence each.
pub fn effects(entry: &LogEntryView) -> impl IntoView + use<> {
    let language = app().language.get_untracked();
    let sentences: Vec<_> = entry.effects.iter().map(|effect| effect_sentence(effect, language)).collect();
    sentences
        .into_iter()
        .map(|text| {
            view! {
                <span class="effect">
                    {icon(Icon::Warning)}
                    <span>{text}</span>
                </span>
            }
        })
        .collect_view()
}

/// An entry, with its date where the list is not of one day.
pub fn log_row(entry: &LogEntryView, dated: bool) -> impl IntoView + use<> {
    let app = app();
    let words = app.words();
    let route = Route::LogEntry(entry.id);
    let cancelled = entry.entry.status == Status::Cancelled;
    let date = dated.then(|| format!("{}, ", words.date(entry.entry.day.date())));
    view! {
        <a
            class="row"
            class:row-cancelled=cancelled
            href=route.path()
            data-test="log-row"
            data-id=entry.id.to_string()
            data-delivered=delivered_code(entry.delivered)
            aria-current=move || (app.route.get() == route).then_some("page")
        >
            <span class="row-time">
                {date}{words.range(entry.entry.time)} <span class="row-length">{words.duration(entry.entry.time.minutes().into())}</span>
            </span>
            <span class="row-title">{entry.entry.activity.to_string()}</span>
            <span class="row-states">
                {cancelled
                    .then(|| {
                        view! {
                            <span class="state">
                                {icon(Icon::Close)}
                                <span>{words.cancelled}</span>
                            </span>
                        }
                    })} {state_line(entry.delivered)} {conflict_badge(entry.conflicts.len())}
            </span>
            {effects(entry)}
        </a>
    }
}

/// An enterprise.
pub fn umkm_row(umkm: &UmkmView) -> impl IntoView + use<> {
    let app = app();
    let route = Route::Umkm(umkm.id);
    let product = umkm.umkm.product.as_ref().map(|product| format!(", {product}"));
    view! {
        <a
            class="row"
            href=route.path()
            data-test="umkm-row"
            data-id=umkm.id.to_string()
            data-delivered=delivered_code(umkm.delivered)
            aria-current=move || (app.route.get() == route).then_some("page")
        >
            <span class="row-title">{umkm.umkm.name.to_string()}{product}</span>
            <span class="row-sub">{umkm.umkm.owner_name.to_string()} " \u{b7} " {umkm.village_name.clone()}</span>
            <span class="row-states">{state_line(umkm.delivered)} {conflict_badge(umkm.conflicts as usize)}</span>
        </a>
    }
}

/// A visit.
pub fn visit_row(visit: &VisitView) -> impl IntoView + use<> {
    let words = app().words();
    view! {
        <a
            class="row"
            href=Route::Visit(visit.id).path()
            data-test="visit-row"
            data-id=visit.id.to_string()
            data-delivered=delivered_code(visit.delivered)
        >
            <span class="row-time">{words.day(visit.visit.day)} ", " {words.range(visit.visit.time)}</span>
            <span class="row-title">{words.purposes_of(&visit.visit.purposes)}</span>
            <span class="row-sub">{visit.officer_name.clone()}</span>
            <span class="row-states">{state_line(visit.delivered)} {conflict_badge(visit.conflicts.len())}</span>
        </a>
    }
}
