//! The frame of a page: its head, and what stands in its place while there is nothing to show.

use lentera_api::Error;
use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::state::query::Query;
use crate::state::route::Section;
use crate::state::{Asking, Route, app};

/// The head of a page that was opened from another: the way back, and the title.
pub fn opened_head(route: Route, title: impl IntoView + 'static) -> impl IntoView {
    let words = app().words();
    let parent = route.parent();
    let parent_name = match parent {
        Route::Umkm(_) => words.draft_umkm,
        Route::LogEntry(_) => words.log,
        Route::Visit(_) => words.visit,
        Route::VisitNew(_) => words.visit,
        other => match other.section() {
            Section::Home => words.home,
            Section::Log => words.log,
            Section::Umkm => words.umkm,
            Section::More => words.more,
        },
    };
    view! {
        <header class="head">
            <a class="back" href=parent.path() aria-label=format!("{} {parent_name}", words.back_to)>
                {icon(Icon::Back)}
                <span>{parent_name}</span>
            </a>
            <h1 tabindex="-1">{title}</h1>
        </header>
    }
}

/// The head of a page of the bar.
pub fn head(title: impl IntoView + 'static, beside: impl IntoView + 'static) -> impl IntoView {
    view! {
        <header class="head head-main">
            <h1 tabindex="-1">{title}</h1>
            {beside}
        </header>
    }
}

/// Shows `view` of the answer; before it a shape of what comes, and on failure what went wrong beside the last good answer.
pub fn loaded<T, V>(query: Query<T>, view: impl Fn(RwSignal<Option<T>>) -> V + Send + Sync + 'static) -> impl IntoView
where
    T: Send + Sync + 'static,
    V: IntoView + 'static,
{
    let is_there = Memo::new(move |_| query.data.with(Option::is_some));
    view! {
        {move || query.error.get().map(|error| failure(&error))}
        {move || {
            if is_there.get() {
                view(query.data).into_any()
            } else if query.error.with(Option::is_none) {
                skeleton().into_any()
            } else {
                ().into_any()
            }
        }}
    }
}

/// A fault in words, with the way to try again.
pub fn failure(error: &Error) -> impl IntoView + use<> {
    let app = app();
    view! {
        <div class="notice notice-refused" role="alert" data-test="error">
            {icon(Icon::Refused)}
            <div>
                <p>{app.sentence(error)}</p>
                <button type="button" class="button" on:click=move |_| app.did_change()>
                    {app.words().reopen}
                </button>
            </div>
        </div>
    }
}

/// Why a press did not work, where the focus goes.
pub fn refusal(asking: Asking) -> impl IntoView {
    let app = app();
    move || {
        let error = asking.failed.get()?;
        Some(view! {
            <p class="notice notice-refused" role="alert" tabindex="-1" data-test="error">
                {icon(Icon::Refused)}
                <span>{app.sentence(&error)}</span>
            </p>
        })
    }
}

/// The shape of what is being read.
pub fn skeleton() -> impl IntoView {
    view! {
        <div class="skeleton" aria-hidden="true">
            <span></span>
            <span></span>
            <span></span>
        </div>
    }
}

/// A lasting remark.
pub fn warning(text: impl IntoView + 'static) -> impl IntoView {
    view! {
        <p class="notice notice-waiting">
            {icon(Icon::Warning)}
            <span>{text}</span>
        </p>
    }
}

/// Why a list is empty.
pub fn empty(text: impl IntoView + 'static) -> impl IntoView {
    view! {
        <div class="empty">
            {icon(Icon::Lantern)}
            <p>{text}</p>
        </div>
    }
}
