//! All that differs between systems. Both halves offer the same functions.

#[cfg(desktop)]
mod desktop;
#[cfg(mobile)]
mod mobile;

#[cfg(desktop)]
pub use desktop::{frame, frame_notice, on_light, on_window_event, prepare};
use lentera_engine::host::Host;
#[cfg(mobile)]
pub use mobile::{frame, frame_notice, on_light, on_window_event, prepare};
use tauri::{Manager, Window};

/// The person is back, and perhaps the network too.
fn wake(window: &Window) {
    if let Some(host) = window.try_state::<Host>() {
        host.wake();
    }
}
