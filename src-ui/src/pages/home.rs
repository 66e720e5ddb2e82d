//! Beranda: what did I log today, what still waits and why, what will this month count; and drafts to go on with.

use lentera_api::view::{Cause, Draft, Home, Rescue};
use lentera_api::{self as api, AcknowledgeRescue, cause_words};
use lentera_domain::Status;
use leptos::prelude::*;

use crate::components::duration_bar::duration_bar;
use crate::components::icon::{Icon, icon};
use crate::components::light::{shape, shown};
use crate::components::log_in_again::log_in_again;
use crate::components::page::{head, loaded, refusal, warning};
use crate::components::progress::fetching;
use crate::platform;
use crate::state::query::query;
use crate::state::{Asking, Route, app};

/// The first screen.
pub fn home() -> impl IntoView {
    let app = app();
    let words = app.words();
    let home = query(|| api::Home {});
    view! {
        {head(words.day(platform::now().day()), ())}
        {loaded(
            home,
            move |data| {
                // Memos: what is being typed or read here must not be drawn anew with every piece of news.
                let logged_out = Memo::new(move |_| data.with(|home| home.as_ref().is_some_and(|home| home.cause == Some(Cause::LogInAgain))));
                let rescued = Memo::new(move |_| data.with(|home| home.as_ref().and_then(|home| home.rescue.clone())));
                view! {
                    {move || data.with(|home| home.as_ref().and_then(|home| home.backfill.as_ref().map(fetching)))}
                    {move || rescued.get().map(|rescue| rescue_card(&rescue))}
                    <Show when=move || logged_out.get()>{log_in_again()}</Show>
                    {move || data.with(|home| home.as_ref().map(|home| view! { {today(home)} {waiting(home)} {conflicts(home)} {month(home)} }))}
                    {move || data.with(|home| home.as_ref().map(|home| drafts(&home.drafts)))}
                }
            },
        )}
    }
}

fn today(home: &Home) -> impl IntoView + use<> {
    let words = app().words();
    let day = &home.today;
    let valid = day.entries.iter().filter(|view| view.entry.status != Status::Cancelled);
    let times: Vec<_> = valid.map(|view| view.entry.time).collect();
    let wanted = day.minutes_wanted.map(|wanted| format!(" / {}", words.duration(wanted)));
    let content = if times.is_empty() {
        view! { <p>{words.no_entries}</p> }.into_any()
    } else {
        view! {
            <p class="figure">
                {(words.entries)(times.len())} ", " {words.duration(day.minutes)} <span class="figure-of">{wanted}</span>
            </p>
            {duration_bar(&times, None)}
        }
        .into_any()
    };
    view! {
        <section class="card">
            <h2>
                <a href=Route::LogDay(None).path()>{words.today} {icon(Icon::Forward)}</a>
            </h2>
            {content}
        </section>
    }
}

fn waiting(home: &Home) -> impl IntoView + use<> {
    let app = app();
    let words = app.words();
    let light = shown(Some(&home.light), words, platform::now().day());
    let waits = home.light.waiting > 0 || home.light.refused > 0;
    let title = if waits { format!("{} {}", words.not_sent, home.light.waiting) } else { words.not_sent.into() };
    let standing = match (home.light.refused, waits) {
        (1.., _) => light.text,
        (0, true) => (words.safe)(app.device()),
        (0, false) => words.nothing_waits.into(),
    };
    let cause = home.cause.map(|cause| (words.because)(cause_words(cause, app.language.get_untracked())));
    // Not where the person has to do something first.
    let sends_itself = matches!(home.cause, None | Some(Cause::Unreachable | Cause::Busy | Cause::BadAnswer));
    view! {
        <section class="card">
            <h2>
                <a href=Route::Delivery.path()>{title} {icon(Icon::Forward)}</a>
            </h2>
            <p class=format!("state state-{}", light.state)>{icon(shape(light.state))} <span>{standing}</span></p>
            {(home.light.waiting > 0).then(|| view! { <p>{cause} " " {sends_itself.then_some(words.sends_itself)}</p> })}
        </section>
    }
}

fn conflicts(home: &Home) -> impl IntoView + use<> {
    let words = app().words();
    let count = home.conflicts;
    (count > 0).then(|| {
        view! {
            <section class="card" data-test="conflicts-card">
                <h2>
                    <a href=Route::Conflicts(None).path()>{(words.conflicts_home)(count)} {icon(Icon::Forward)}</a>
                </h2>
                <p class="state state-waiting">{icon(Icon::Warning)} <span>{words.conflicts_about}</span></p>
            </section>
        }
    })
}

/// The storage was damaged: what is left, where the old file lies, and what to do.
fn rescue_card(rescue: &Rescue) -> impl IntoView + use<> {
    let app = app();
    let words = app.words();
    let asking = Asking::new();
    let when = words.moment(rescue.at, platform::now().day());
    view! {
        <section class="card card-alert" data-test="rescue">
            <h2>{icon(Icon::Warning)} {words.rescue}</h2>
            <p>{(words.rescue_about)(app.device(), &when)}</p>
            <p>
                {(words.rescued)(rescue.changes, rescue.drafts)} " "
                {if rescue.complete { words.rescue_complete } else { words.rescue_partly }}
            </p>
            <p>{words.rescue_kept}</p>
            <p class="path">{rescue.kept_at.clone()}</p>
            <p>{words.rescue_to_do}</p>
            {refusal(asking)}
            <button
                type="button"
                class="button"
                data-test="understood"
                on:click=move |_| asking.ask(AcknowledgeRescue {}, move |_| app.did_change())
            >
                {words.understood}
            </button>
        </section>
    }
}

fn month(home: &Home) -> impl IntoView + use<> {
    let words = app().words();
    let month = &home.month;
    let tile = |count: u32, text: &'static str, picture: Icon, class: &'static str| {
        view! {
            <div class=format!("tile state-{class}")>
                <dt>
                    {icon(picture)} <span>{text}</span>
                </dt>
                <dd>
                    <span class="tile-figure">{count}</span>
                    " "
                    {words.days}
                </dd>
            </div>
        }
    };
    view! {
        <section class="card">
            <h2>
                <a href=Route::LogAll.path()>{words.month(month.month)} {icon(Icon::Forward)}</a>
            </h2>
            <dl class="tiles">
                {tile(month.counted, words.counted, Icon::Arrived, "arrived")}
                {tile(month.waiting, words.waiting, Icon::Waiting, "waiting")}
                {tile(month.not_counted, words.not_counted, Icon::Refused, "refused")}
            </dl>
            <p class="hint">{words.counted_why}</p>
            {(!month.judged).then(|| warning(words.not_judged))}
        </section>
    }
}

fn drafts(drafts: &[Draft]) -> impl IntoView + use<> {
    let app = app();
    let words = app.words();
    let today = platform::now().day();
    (!drafts.is_empty()).then(|| {
        let rows: Vec<_> = drafts
            .iter()
            .map(|draft| {
                let kind = match draft.name.split('/').next() {
                    Some("umkm") => words.draft_umkm,
                    Some("visit") => words.draft_visit,
                    _ => words.draft_log,
                };
                view! {
                    <a class="row" href=Route::of_draft(&draft.name).path() data-test="draft-row" data-name=draft.name.clone()>
                        <span class="row-time">{kind} ", " {words.moment(draft.saved_at, today)}</span>
                        <span class="row-title">{title(draft).unwrap_or_else(|| words.untitled.into())}</span>
                        <span class="row-states">
                            <span class="state">
                                {icon(Icon::Square)} <span>{words.saved}</span>
                            </span>
                        </span>
                    </a>
                }
            })
            .collect();
        view! {
            <section class="card card-list">
                <h2>{words.drafts}</h2>
                <div class="rows">{rows}</div>
            </section>
        }
    })
}

/// What has been typed that tells one draft from another.
fn title(draft: &Draft) -> Option<String> {
    let text = |field: &str| draft.content.get(field)?.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    ["activity", "name", "problem", "advice", "agreement", "companions"].into_iter().find_map(text)
}
