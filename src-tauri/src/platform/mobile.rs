//! Android and iOS: one full screen, and the system decides when the process ends.

use std::path::Path;

use lentera_api::Error;
use lentera_api::view::Light;
use tauri::{AppHandle, Manager, WebviewWindowBuilder, Window, WindowEvent, Wry};

/// Nothing needs to be there first.
pub fn prepare() -> Result<(), Error> {
    Ok(())
}

/// The screen is as large as it is.
pub fn frame<'a, M: Manager<Wry>>(window: WebviewWindowBuilder<'a, Wry, M>) -> WebviewWindowBuilder<'a, Wry, M> {
    window
}

/// As [`frame`].
pub fn frame_notice<'a, M: Manager<Wry>>(window: WebviewWindowBuilder<'a, Wry, M>) -> WebviewWindowBuilder<'a, Wry, M> {
    window
}

/// Tries to send when the app comes back to the front, and less often while it is not there.
pub fn on_window_event(window: &Window, event: &WindowEvent) {
    match event {
        WindowEvent::Resumed => super::set_in_front(window, true),
        WindowEvent::Suspended => super::set_in_front(window, false),
        _ => {}
    }
}

/// The system itself starts no app twice.
pub fn ask_for_window(_data: &Path) -> bool {
    false
}

/// As [`ask_for_window`].
pub fn listen_for_wish(_app: &AppHandle, _data: &Path) {}

/// No process stays only to send: the system's job scheduler is for that.
pub fn on_light(_app: &AppHandle, _light: &Light) {}
