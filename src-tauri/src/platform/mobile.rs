//! Android and iOS: one full screen, and the system decides when the process ends.

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

/// Tries to send when the app comes back to the front.
pub fn on_window_event(window: &Window, event: &WindowEvent) {
    if matches!(event, WindowEvent::Resumed) {
        super::wake(window);
    }
}

/// No process stays only to send: the system's job scheduler is for that.
pub fn on_light(_app: &AppHandle, _light: &Light) {}
