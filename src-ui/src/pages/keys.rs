//! The keyboard: Ctrl+N Catat, Ctrl+S save, Ctrl+K search, Ctrl+1 to 4 the bar, F6 the next pane. Esc closes sheets by itself.

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, MouseEvent};

use crate::platform;
use crate::state::{App, Route};

/// Hears keys and presses of links on the whole page, for as long as it lives.
pub fn listen(app: App) {
    let _ = window_event_listener(ev::keydown, move |event| {
        if app.person.with_untracked(Option::is_some) && pressed(app, &event) {
            event.prevent_default();
        }
    });
    let _ = window_event_listener(ev::click, move |event| {
        if let Some(route) = linked(&event) {
            event.prevent_default();
            app.go(route);
        }
    });
}

/// Does what the key is for; tells whether it is one of ours.
fn pressed(app: App, event: &KeyboardEvent) -> bool {
    if event.key() == "F6" {
        next_pane();
        return true;
    }
    if !event.ctrl_key() || event.alt_key() || event.shift_key() {
        return false;
    }
    match event.key().as_str() {
        "n" => app.noting.set(true),
        "s" => drop(platform::press("[data-test=save]")),
        "k" => {
            if platform::find(SEARCH).is_none() {
                app.go(Route::LogAll);
            }
            // After the heading of a page just opened has had it.
            request_animation_frame(|| platform::focus_soon(SEARCH));
        }
        "1" => app.go(Route::Home),
        "2" => app.go(Route::LogDay(None)),
        "3" => app.go(Route::UmkmList),
        "4" => app.go(Route::More),
        _ => return false,
    }
    true
}

const SEARCH: &str = "input[type=search]";

/// Moves the focus to the next of rail, list and detail.
fn next_pane() {
    const PANES: [&str; 3] = [".nav a", ".pane-list h1", ".pane-detail h1"];
    let focused = document().active_element();
    let inside = |pane: &str| {
        let holder = pane.split(' ').next().unwrap_or(pane);
        focused.as_ref().and_then(|focused| focused.closest(holder).ok().flatten()).is_some()
    };
    let here = PANES.iter().position(|pane| inside(pane)).unwrap_or(0);
    let rest = PANES.iter().cycle().skip(here + 1).take(PANES.len());
    if let Some(next) = rest.into_iter().find(|pane| platform::find(pane).is_some()) {
        platform::focus(next);
    }
}

/// The place in the app that a pressed link leads to.
fn linked(event: &MouseEvent) -> Option<Route> {
    if event.default_prevented() || event.button() != 0 || event.ctrl_key() || event.meta_key() || event.shift_key() {
        return None;
    }
    let link = event.target()?.dyn_into::<Element>().ok()?.closest("a[href]").ok()??;
    let href = link.get_attribute("href")?;
    href.starts_with('/').then(|| Route::of_path(&href))
}
