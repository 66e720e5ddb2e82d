//! All that differs between systems. Both halves offer the same functions.

#[cfg(desktop)]
mod desktop;
#[cfg(mobile)]
mod mobile;

#[cfg(desktop)]
pub use desktop::{ask_for_window, frame, frame_notice, listen_for_wish, on_light, on_window_event, prepare};
use lentera_engine::host::Host;
#[cfg(mobile)]
pub use mobile::{ask_for_window, frame, frame_notice, listen_for_wish, on_light, on_window_event, prepare};
use tauri::{Manager, Wry};

/// The person is back, and perhaps the network too; or is gone.
fn set_in_front(manager: &impl Manager<Wry>, in_front: bool) {
    if let Some(host) = manager.try_state::<Host>() {
        host.set_in_front(in_front);
    }
}
