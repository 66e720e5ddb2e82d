//! Pengiriman, the light's page and the sync doctor: why nothing was sent, what to do, what waits, what was refused, and the way by file.

mod by_file;
mod refused;

use lentera_api::view::{Attempt, Delivery, Finding, Light, WaitingRecord};
use lentera_api::{self as api, SyncNow, cause_words, finding_sentence};
use lentera_domain::Day;
use leptos::prelude::*;

use crate::components::icon::{Icon, icon};
use crate::components::light::{shape, shown};
use crate::components::log_in_again::log_in_again;
use crate::components::page::{head, loaded, refusal};
use crate::components::progress::fetching;
use crate::platform;
use crate::state::query::query;
use crate::state::{Asking, Route, app};

/// Waiting records that are listed; of more only the number is said.
const LISTED: usize = 50;

/// The light's page.
pub fn delivery() -> impl IntoView {
    let words = app().words();
    let delivery = query(|| api::Delivery {});
    let asking = Asking::new();
    let sync_now = move |_| {
        asking.ask(SyncNow {}, move |answer| drop(delivery.data.try_set(Some(answer))));
    };
    view! {
        {head(words.delivery, ())}
        {loaded(
            delivery,
            move |data| {
                let logged_out = Memo::new(move |_| {
                    data.with(|delivery| delivery.as_ref().is_some_and(|delivery| delivery.findings.contains(&Finding::LogInAgain)))
                });
                view! {
                    {move || data.with(|delivery| delivery.as_ref().map(standing))}
                    <Show when=move || logged_out.get()>{log_in_again()}</Show>
                    {refusal(asking)}
                    <button
                        type="button"
                        class="button"
                        class:button-main=move || !logged_out.get()
                        data-test="sync-now"
                        aria-disabled=move || asking.busy.get().to_string()
                        on:click=sync_now
                    >
                        {move || if asking.busy.get() { words.trying } else { words.sync_now }}
                    </button>
                    {move || data.with(|delivery| delivery.as_ref().map(since))}
                    {move || data.with(|delivery| delivery.as_ref().and_then(|delivery| delivery.backfill.as_ref().map(fetching)))}
                    {move || data.with(|delivery| delivery.as_ref().map(findings))}
                    {move || data.with(|delivery| delivery.as_ref().map(waiting))}
                    {refused::list(data)}
                    {by_file::part(data)}
                    {move || data.with(|delivery| delivery.as_ref().map(attempts))}
                }
            },
        )}
    }
}

/// The finding that answers why nothing was sent, if there is one: the others are said below.
fn leading<'a>(findings: &'a [Finding], light: &Light) -> Option<&'a Finding> {
    findings.iter().find(|finding| match finding {
        Finding::NoNetwork
        | Finding::ServerUnreachable { .. }
        | Finding::Busy { .. }
        | Finding::BadAnswer
        | Finding::HeldBack { .. }
        | Finding::NeedsOthers { .. }
        | Finding::ClockWrong { .. } => light.waiting > 0,
        Finding::DiskLow { .. } | Finding::KeptAside { .. } | Finding::Rescued | Finding::Conflicts { .. } => false,
        Finding::WrongAddress { .. }
        | Finding::NotOurServer { .. }
        | Finding::StorageTrouble
        | Finding::Refused { .. }
        | Finding::Revoked
        | Finding::LogInAgain
        | Finding::AppTooOld => true,
    })
}

/// Where the work stands, in one sentence, and what to do.
fn standing(delivery: &Delivery) -> impl IntoView + use<> {
    let app = app();
    let words = app.words();
    let light = &delivery.light;
    let now = shown(Some(light), words, platform::now().day());
    let waits = light.waiting > 0 || light.refused > 0;
    let leading = leading(&delivery.findings, light);
    let may_have_moved =
        matches!(leading, Some(Finding::WrongAddress { .. } | Finding::NotOurServer { .. } | Finding::ServerUnreachable { .. }));
    let (what, to_do) = match leading {
        // The card that follows says it all.
        Some(Finding::LogInAgain) => (None, None),
        Some(finding) => {
            let (what, to_do) = finding_sentence(finding, app.language.get_untracked());
            (Some(what), Some(to_do))
        }
        None if waits => (Some(words.sends_itself.into()), None),
        None => (Some(words.all_arrived.into()), None),
    };
    view! {
        <section class=format!("standing light-{}", now.state) role="status" data-test="standing">
            <p class="standing-word">{icon(shape(now.state))} <span>{now.text}</span></p>
            {(light.refused > 0 && light.waiting > 0).then(|| view! { <p>{(words.n_waiting)(light.waiting)}</p> })}
            {what.map(|what| view! { <p class="standing-why">{what}</p> })}
            {to_do.filter(|to_do| !to_do.is_empty()).map(|to_do| view! { <p>{to_do}</p> })}
            {may_have_moved
                .then(|| {
                    view! {
                        <a class="link" href=Route::Invite.path() data-test="new-invite">
                            {words.new_invite}
                        </a>
                    }
                })}
            {waits.then(|| view! { <p>{(words.safe)(app.device())}</p> })}
            {(light.drafts > 0).then(|| view! { <p>{(words.drafts_here)(light.drafts)}</p> })}
        </section>
    }
}

/// When something was sent last, and when it is tried next.
fn since(delivery: &Delivery) -> impl IntoView + use<> {
    let words = app().words();
    let today = platform::now().day();
    let arrived = delivery.light.arrived_at.map(|at| (words.last_arrived)(&words.moment(at, today)));
    let next = delivery.next_attempt_at.filter(|_| delivery.light.waiting > 0);
    view! {
        <p class="hint">
            {arrived.unwrap_or_else(|| words.never_arrived.into())} " "
            {next.map(|at| (words.next_try)(&words.moment(at, today)))}
        </p>
    }
}

/// Everything else the doctor found.
fn findings(delivery: &Delivery) -> impl IntoView + use<> {
    let app = app();
    let words = app.words();
    let leading = leading(&delivery.findings, &delivery.light);
    let rest = delivery.findings.iter().filter(|finding| Some(*finding) != leading && **finding != Finding::LogInAgain);
    let rows: Vec<_> = rest
        .map(|finding| {
            let (what, to_do) = finding_sentence(finding, app.language.get_untracked());
            let is_conflicts = matches!(finding, Finding::Conflicts { .. });
            view! {
                <li class="notice notice-waiting" data-test="finding">
                    {icon(Icon::Warning)}
                    <div>
                        <p>
                            <strong>{what}</strong>
                        </p>
                        {(!to_do.is_empty()).then(|| view! { <p>{to_do}</p> })}
                        {is_conflicts
                            .then(|| {
                                view! {
                                    <a class="button" href=Route::Conflicts(None).path()>
                                        {words.see_and_choose}
                                    </a>
                                }
                            })}
                    </div>
                </li>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="list-part">
                <h2>{words.findings_list}</h2>
                <ul class="plain-list">{rows}</ul>
            </section>
        }
    })
}

fn waiting(delivery: &Delivery) -> impl IntoView + use<> {
    let words = app().words();
    let today = platform::now().day();
    let count = delivery.waiting.len();
    let rows: Vec<_> = delivery.waiting.iter().take(LISTED).map(|record| waiting_row(record, today)).collect();
    view! {
        <section class="list-part">
            <h2>{(words.waiting_list)(count)}</h2>
            {rows.is_empty().then(|| view! { <p class="hint">{words.nothing_waits}</p> })}
            <div class="rows">{rows}</div>
            {(count > LISTED).then(|| view! { <p class="hint">{(words.and_more)(count - LISTED)}</p> })}
        </section>
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

fn attempts(delivery: &Delivery) -> impl IntoView + use<> {
    let words = app().words();
    let today = platform::now().day();
    let rows: Vec<_> = delivery.attempts.iter().map(|attempt| attempt_row(attempt, today)).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <details class="more" data-test="attempts">
                <summary>{(words.attempts)(rows.len())}</summary>
                <ul class="plain-list">{rows}</ul>
            </details>
        }
    })
}

fn attempt_row(attempt: &Attempt, today: Day) -> impl IntoView + use<> {
    let words = app().words();
    let (picture, word, class) = match attempt.failed {
        None => (Icon::Arrived, words.attempt_went, "arrived"),
        Some(_) => (Icon::Waiting, words.attempt_failed, "waiting"),
    };
    let times = (attempt.count > 1).then(|| format!(" {}", (words.times)(attempt.count)));
    let why = attempt.failed.map(|cause| format!(": {}", cause_words(cause, app().language.get_untracked())));
    let figures =
        (words.bytes)(&words.size(attempt.sent.into()), &words.size(attempt.received.into()), &words.lasted(attempt.millis));
    view! {
        <li>
            <span class=format!("state state-{class}")>
                {icon(picture)} <span>{words.moments(attempt.at, attempt.last, today)} ", " {word} {times} {why}</span>
            </span>
            <span class="row-sub">{figures}</span>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hindrance_leads_only_where_something_is_hindered() {
        let light = |waiting, refused| Light { refused, waiting, drafts: 0, arrived_at: None };
        let found = [Finding::DiskLow { free_mb: 80 }, Finding::NoNetwork, Finding::Refused { records: 1 }];
        assert_eq!(leading(&found, &light(2, 1)), Some(&Finding::NoNetwork));
        assert_eq!(leading(&found, &light(0, 1)), Some(&Finding::Refused { records: 1 }));
        assert_eq!(leading(&[Finding::Conflicts { records: 2 }, Finding::NoNetwork], &light(0, 0)), None);
        assert_eq!(leading(&[Finding::LogInAgain], &light(0, 0)), Some(&Finding::LogInAgain));
    }
}
