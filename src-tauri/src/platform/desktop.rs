//! Windows, macOS and Linux desktops.

mod background;
#[cfg(target_os = "linux")]
mod linux;
mod raise;

use std::env;

pub use background::on_light;
use lentera_api::Error;
pub use raise::{ask as ask_for_window, listen as listen_for_wish};
use tauri::{Manager, WebviewWindowBuilder, Window, WindowEvent, Wry};

use crate::{MAIN_WINDOW, notice};

/// Width and height of a new window, in logical pixels: two panes side by side.
const SIZE: (f64, f64) = (1024.0, 740.0);
/// The narrowest the screens are made for, and enough height for one field above an on-screen keyboard.
const MIN_SIZE: (f64, f64) = (320.0, 480.0);
const NOTICE_SIZE: (f64, f64) = (480.0, 240.0);

/// Looks whether a window can be opened at all.
///
/// # Errors
/// [`Error::Internal`] where there is no display.
pub fn prepare() -> Result<(), Error> {
    #[cfg(target_os = "linux")]
    linux::check_display()?;
    Ok(())
}

/// Title and size of the main window.
pub fn frame<'a, M: Manager<Wry>>(window: WebviewWindowBuilder<'a, Wry, M>) -> WebviewWindowBuilder<'a, Wry, M> {
    let (width, height) = env::var("LENTERA_WINDOW").ok().and_then(|size| parse_size(&size)).unwrap_or(SIZE);
    window.title("Lentera").inner_size(width, height).min_inner_size(MIN_SIZE.0, MIN_SIZE.1)
}

/// Title and size of the window with one sentence.
pub fn frame_notice<'a, M: Manager<Wry>>(window: WebviewWindowBuilder<'a, Wry, M>) -> WebviewWindowBuilder<'a, Wry, M> {
    window.title("Lentera").inner_size(NOTICE_SIZE.0, NOTICE_SIZE.1)
}

/// `360x740`: a size that tests ask for.
fn parse_size(size: &str) -> Option<(f64, f64)> {
    let (width, height) = size.split_once('x')?;
    let (width, height): (u16, u16) = (width.parse().ok()?, height.parse().ok()?);
    Some((width.into(), height.into()))
}

/// Tries to send when the person comes back to the window; sees to it that closing the window leaves no work unsent where that can be helped.
pub fn on_window_event(window: &Window, event: &WindowEvent) {
    match event {
        WindowEvent::Focused(true) => super::set_in_front(window, true),
        WindowEvent::CloseRequested { api, .. } if window.label() == MAIN_WINDOW => {
            api.prevent_close();
            background::close(window);
        }
        WindowEvent::CloseRequested { api, .. } if window.label() == notice::WINDOW => {
            // Closing the last window would end the process with 0.
            api.prevent_close();
            window.app_handle().exit(1);
        }
        _ => {}
    }
}

/// Whether the desktop shows tray icons: without one nobody could find the hidden process again.
fn has_tray() -> bool {
    #[cfg(target_os = "linux")]
    let found = linux::has_tray();
    #[cfg(not(target_os = "linux"))]
    let found = true;
    found
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn reads_sizes() {
        assert_eq!(parse_size("360x740"), Some((360.0, 740.0)));
        for bad in ["", "360", "360x", "-1x5", "99999x1"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
    }
}
