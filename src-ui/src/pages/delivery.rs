//! Pengiriman, the light's page: where the work stands, why, and what to do.

use lentera_api::view::{Attempt, Delivery, RefusedRecord, WaitingRecord};
use lentera_api::{self as api, SyncNow, refusal_words};
use lentera_domain::Day;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::icon::{Icon, icon};
use crate::components::light::{shape, shown};
use crate::components::page::{head, loaded};
use crate::platform;
use crate::state::query::query;
use crate::state::{Route, app};

/// The light's page.
pub fn delivery() -> impl IntoView {
    let app = app();
    let words = app.words();
    let delivery = query(|| api::Delivery {});
    let trying = RwSignal::new(false);
    let sync_now = move |_| {
        if trying.get_untracked() {
            return;
        }
        trying.set(true);
        spawn_local(async move {
            match app.call(SyncNow {}).await {
                Ok(answer) => drop(delivery.data.try_set(Some(answer))),
                Err(error) => drop(delivery.error.try_set(Some(error))),
            }
            trying.try_set(false);
        });
    };
    view! {
        {head(words.delivery, ())}
        {loaded(
            delivery,
            move |data| {
                view! {
                    {move || data.with(|delivery| delivery.as_ref().map(state))}
                    <button type="button" class="button button-main" data-test="sync-now" aria-disabled=move || trying.get().to_string() on:click=sync_now>
                        {move || if trying.get() { words.trying } else { words.sync_now }}
                    </button>
                    {move || data.with(|delivery| delivery.as_ref().map(lists))}
                }
            },
        )}
    }
}

fn state(delivery: &Delivery) -> impl IntoView + use<> {
    let app = app();
    let words = app.words();
    let today = platform::now().day();
    let light = &delivery.light;
    let now = shown(Some(light), words, today);
    let waits = light.waiting > 0 || light.refused > 0;
    let cause = delivery.cause.map(words.causes);
    let arrived = light.arrived_at.map(|at| (words.last_arrived)(&words.moment(at, today)));
    view! {
        <section class=format!("standing light-{}", now.state)>
            <p class="standing-word">{icon(shape(now.state))} <span>{now.text}</span></p>
            {waits.then(|| view! { <p>{(words.safe)(app.device())}</p> })}
            {cause
                .map(|cause| {
                    view! {
                        <p>
                            <strong>{words.cause} ": "</strong>
                            {cause.what}
                        </p>
                        <p>
                            <strong>{words.what_to_do} ": "</strong>
                            {cause.to_do}
                        </p>
                    }
                })}
            {(waits && delivery.cause.is_none()).then(|| view! { <p>{words.sends_itself}</p> })}
            {(light.drafts > 0).then(|| view! { <p>{(words.drafts_here)(light.drafts)}</p> })}
        </section>
        <p class="hint">
            {arrived.unwrap_or_else(|| words.never_arrived.into())} " "
            {waits.then(|| delivery.next_attempt_at.map(|at| (words.next_try)(&words.moment(at, today))))}
        </p>
    }
}

fn lists(delivery: &Delivery) -> impl IntoView + use<> {
    let words = app().words();
    let today = platform::now().day();
    let waiting: Vec<_> = delivery.waiting.iter().map(|record| waiting_row(record, today)).collect();
    let refused: Vec<_> = delivery.refused.iter().map(refused_row).collect();
    let attempts: Vec<_> = delivery.attempts.iter().map(|attempt| attempt_row(attempt, today)).collect();
    view! {
        <section class="list-part">
            <h2>{(words.waiting_list)(waiting.len())}</h2>
            {waiting.is_empty().then(|| view! { <p class="hint">{words.nothing_waits}</p> })}
            <div class="rows">{waiting}</div>
        </section>
        <section class="list-part">
            <h2>{(words.refused_list)(refused.len())}</h2>
            {refused.is_empty().then(|| view! { <p class="hint">{words.none_refused}</p> })}
            <div class="rows">{refused}</div>
        </section>
        {(!attempts.is_empty())
            .then(|| {
                view! {
                    <details class="more">
                        <summary>{(words.attempts)(attempts.len())}</summary>
                        <ul class="attempts">{attempts}</ul>
                    </details>
                }
            })}
    }
}

fn waiting_row(waiting: &WaitingRecord, today: Day) -> impl IntoView + use<> {
    let words = app().words();
    view! {
        <a class="row" href=Route::of_record(waiting.record).path() data-test="waiting-row" data-id=waiting.record.id.to_string()>
            <span class="row-time">{(words.kinds)(waiting.record.kind)}</span>
            <span class="row-title">{waiting.title.clone()}</span>
            <span class="row-states">
                <span class="state state-waiting">
                    {icon(Icon::Waiting)} <span>{(words.since)(&words.moment(waiting.since, today))}</span>
                </span>
            </span>
        </a>
    }
}

fn refused_row(refused: &RefusedRecord) -> impl IntoView + use<> {
    let words = app().words();
    let reason = refusal_words(&refused.reason, app().language.get_untracked());
    view! {
        <a class="row" href=Route::of_record(refused.record).path() data-test="refused-row" data-id=refused.record.id.to_string()>
            <span class="row-time">{(words.kinds)(refused.record.kind)}</span>
            <span class="row-title">{refused.title.clone()}</span>
            <span class="row-states">
                <span class="state state-refused">
                    {icon(Icon::Refused)} <span>{(words.refused_reason)(&reason)}</span>
                </span>
            </span>
        </a>
    }
}

fn attempt_row(attempt: &Attempt, today: Day) -> impl IntoView + use<> {
    let words = app().words();
    let (picture, word, class) = match attempt.failed {
        None => (Icon::Arrived, words.attempt_went, "arrived"),
        Some(_) => (Icon::Waiting, words.attempt_failed, "waiting"),
    };
    let why = attempt.failed.map(|cause| (words.causes)(cause).what);
    view! {
        <li>
            <span class=format!("state state-{class}")>
                {icon(picture)} <span>{words.moment(attempt.at, today)} ", " {word}</span>
            </span>
            <span class="row-sub">{why} " " {(words.bytes)(attempt.sent, attempt.received, attempt.millis)}</span>
        </li>
    }
}
