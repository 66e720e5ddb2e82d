//! The frame: top bar with the light, the bar or rail of four with Catat, and the panes.

use leptos::prelude::*;

use super::{conflicts, delivery, history, home, log, log_form, more, team, umkm, umkm_form, visit, visit_form};
use crate::components::icon::{Icon, icon};
use crate::components::light::LightLink;
use crate::components::page::failure;
use crate::components::sheet::Sheet;
use crate::platform;
use crate::state::route::{List, Section};
use crate::state::{Route, app};

/// The app for whoever is enrolled.
pub fn shell() -> impl IntoView {
    let app = app();
    let words = app.words();
    let name = move || app.person.with(|person| person.as_ref().map(|person| person.name.clone()));
    let trial = app.is_trial().then(|| view! { <p class="trial">{words.trial}</p> });
    view! {
        <div class="app">
            <a class="skip" href="#main" on:click=move |event| {
                event.prevent_default();
                platform::focus("main h1");
            }>{words.skip}</a>
            <header class="top">
                <a class="brand" href=Route::Home.path()>
                    {icon(Icon::Lantern)}
                    <span>"Lentera"</span>
                </a>
                <span class="who">{name}</span>
                <LightLink />
            </header>
            {trial}
            {move || app.failed.get().map(|error| failure(&error))}
            <div class="dock">{toast()} {nav()}</div>
            {panes()}
            {note_sheet()}
        </div>
    }
}

fn nav() -> impl IntoView {
    let app = app();
    let words = app.words();
    let entry = move |route: Route, picture: Icon, text: &'static str, test: &'static str| {
        view! {
            <a
                href=route.path()
                data-test=test
                aria-current=move || (app.route.get().section() == route.section()).then_some("page")
            >
                {icon(picture)}
                <span>{text}</span>
            </a>
        }
    };
    let has_own_button = move || {
        matches!(
            app.route.get(),
            Route::LogNew
                | Route::LogEdit(_)
                | Route::UmkmNew
                | Route::UmkmNewForVisit
                | Route::UmkmEdit(_)
                | Route::UmkmVisit(_)
                | Route::VisitNew(_)
                | Route::Password
                | Route::Invite
                | Route::Delivery
                | Route::Conflicts(_)
        )
    };
    view! {
        <nav class="nav" class:nav-form=has_own_button aria-label=words.navigation>
            <button type="button" class="note" data-test="catat" aria-haspopup="dialog" on:click=move |_| app.noting.set(true)>
                {icon(Icon::Plus)}
                <span>{words.note}</span>
            </button>
            {entry(Route::Home, Icon::Home, words.home, "nav-home")}
            {entry(Route::LogDay(None), Icon::Log, words.log, "nav-log")}
            {entry(Route::UmkmList, Icon::Shop, words.umkm, "nav-umkm")}
            {entry(Route::More, Icon::More, words.more, "nav-more")}
        </nav>
    }
}

/// The list beside which a place is shown stays as it was, so that going back finds it in its place.
fn panes() -> impl IntoView {
    let app = app();
    let list = Memo::new(move |before: Option<&Option<List>>| {
        let route = app.route.get();
        let beside = match route.section() {
            Section::Log => Some(List::LogDay),
            Section::Umkm => Some(List::Umkm),
            Section::Home | Section::More => None,
        };
        match (route.list(), before.copied().flatten()) {
            (Some(list), _) => Some(list),
            (None, Some(List::LogAll)) if beside == Some(List::LogDay) => Some(List::LogAll),
            (None, _) => beside,
        }
    });
    let detail = Memo::new(move |_| {
        let route = app.route.get();
        route.list().is_none().then_some(route)
    });
    Effect::new(move || {
        platform::focus_heading_soon(if app.route.get().list().is_some() { ".pane-list h1" } else { ".pane-detail h1" });
    });
    view! {
        <main id="main" class="panes" class:has-list=move || list.get().is_some() class:has-detail=move || detail.get().is_some()>
            {move || {
                list.get()
                    .map(|list| {
                        let content = match list {
                            List::LogDay => log::day().into_any(),
                            List::LogAll => log::all().into_any(),
                            List::Umkm => umkm::list().into_any(),
                        };
                        view! { <section class="pane pane-list">{content}</section> }
                    })
            }}
            {move || {
                let content = detail.get().map(detail_page);
                let hint = list.get().filter(|_| content.is_none()).map(|list| {
                    let words = app.words();
                    let text = if list == List::Umkm { words.choose_umkm } else { words.choose_entry };
                    view! { <p class="choose">{text}</p> }
                });
                view! { <section class="pane pane-detail">{content} {hint}</section> }
            }}
        </main>
    }
}

fn detail_page(route: Route) -> AnyView {
    match route {
        Route::Home | Route::LogDay(_) | Route::LogAll | Route::UmkmList => home::home().into_any(),
        Route::LogNew => log_form::new().into_any(),
        Route::LogEntry(id) => log::entry(id).into_any(),
        Route::LogEdit(id) => log_form::edit(id).into_any(),
        Route::UmkmNew => umkm_form::new(false).into_any(),
        Route::UmkmNewForVisit => umkm_form::new(true).into_any(),
        Route::Umkm(id) => umkm::detail(id).into_any(),
        Route::UmkmEdit(id) => umkm_form::edit(id).into_any(),
        Route::UmkmVisit(id) => visit_form::of_umkm(id).into_any(),
        Route::VisitNew(id) => visit_form::new(id).into_any(),
        Route::Visit(id) => visit::detail(id).into_any(),
        Route::Conflicts(record) => conflicts::conflicts(record).into_any(),
        Route::History(record) => history::history(record).into_any(),
        Route::Delivery => delivery::delivery().into_any(),
        Route::More => more::more().into_any(),
        Route::Password => more::password().into_any(),
        Route::Team(day) => team::day(day).into_any(),
        Route::Invite => more::invite().into_any(),
    }
}

fn toast() -> impl IntoView {
    let app = app();
    let words = app.words();
    view! {
        <div class="toast-place" role="status">
            {move || {
                app.toast
                    .get()
                    .map(|toast| {
                        view! {
                            <div class="toast">
                                {icon(Icon::Square)} <span>{toast.text}</span>
                                {toast
                                    .undo
                                    .map(|id| {
                                        view! {
                                            <button type="button" class="toast-undo" data-test="undo" on:click=move |_| log::restore(app, id)>
                                                {words.undo}
                                            </button>
                                        }
                                    })}
                            </div>
                        }
                    })
            }}
        </div>
    }
}

fn note_sheet() -> impl IntoView {
    let app = app();
    let words = app.words();
    let entry = move |route: Route, picture: Icon, text: &'static str, hint: &'static str, test: &'static str| {
        view! {
            <a class="sheet-entry" href=route.path() data-test=test>
                {icon(picture)}
                <span>
                    <strong>{text}</strong>
                    <span class="row-sub">{hint}</span>
                </span>
            </a>
        }
    };
    view! {
        <Sheet open=app.noting title=words.note_what>
            <div class="sheet-body">
                {entry(Route::LogNew, Icon::Log, words.note_log, words.note_log_hint, "catat-log")}
                {entry(Route::VisitNew(None), Icon::Visit, words.note_visit, words.note_visit_hint, "catat-visit")}
                {entry(Route::UmkmNew, Icon::Shop, words.note_umkm, words.note_umkm_hint, "catat-umkm")}
            </div>
        </Sheet>
    }
}
