//! Closing the window with work waiting: the process stays behind a tray icon until everything has arrived.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use lentera_api::view::{self, Light};
use lentera_api::{Command, Status};
use lentera_engine::host::Host;
use tauri::menu::{Menu, MenuId, MenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager, WebviewWindow, Window};

use super::super::set_in_front;
use super::has_tray;
use crate::MAIN_WINDOW;

const TRAY: &str = "lentera";
const OPEN: &str = "open";
const QUIT: &str = "quit";

/// True from the closing of the window until it is opened again.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Hides the window at once; then ends the process, unless work waits and there is a tray to keep it in.
pub fn close(window: &Window) {
    let app = window.app_handle().clone();
    if window.hide().is_err() {
        return app.exit(0);
    }
    // Set before the engine is asked: whatever arrives from now on ends the process by itself.
    CLOSED.store(true, Ordering::SeqCst);
    set_in_front(&app, false);
    tauri::async_runtime::spawn(async move {
        let stays = waiting(&app).await > 0 && has_tray();
        let handle = app.clone();
        // Only the main thread may touch the tray.
        let asked = app.run_on_main_thread(move || {
            if !stays || !show_tray(&handle) {
                handle.exit(0);
            }
        });
        if asked.is_err() {
            app.exit(0);
        }
    });
}

/// Ends the hidden process once nothing waits any more.
pub fn on_light(app: &AppHandle, light: &Light) {
    if light.waiting == 0 && CLOSED.load(Ordering::SeqCst) {
        app.exit(0);
    }
}

/// Records that have not arrived; none where the engine cannot tell.
async fn waiting(app: &AppHandle) -> u32 {
    let Some(host) = app.try_state::<Host>().map(|host| host.inner().clone()) else {
        return 0;
    };
    let answer = host.dispatch(Command::from(Status {})).await.unwrap_or_default();
    serde_json::from_value::<view::Status>(answer).map_or(0, |status| status.light.waiting)
}

/// False where no icon could be shown.
fn show_tray(app: &AppHandle) -> bool {
    let build = || -> tauri::Result<()> {
        let menu = Menu::with_items(
            app,
            &[
                &MenuItem::with_id(app, OPEN, "Buka Lentera", true, None::<&str>)?,
                &MenuItem::with_id(app, QUIT, "Keluar", true, None::<&str>)?,
            ],
        )?;
        let mut tray =
            TrayIconBuilder::with_id(TRAY).menu(&menu).tooltip("Lentera").on_menu_event(|app, event| choose(app, event.id()));
        if let Some(icon) = app.default_window_icon() {
            tray = tray.icon(icon.clone());
        }
        tray.build(app).map(|_| ())
    };
    // The Linux tray library is loaded when first used, and the crate that loads it panics where it is not installed.
    matches!(catch_unwind(AssertUnwindSafe(build)), Ok(Ok(())))
}

fn choose(app: &AppHandle, item: &MenuId) {
    match item.as_ref() {
        OPEN => reopen(app),
        QUIT => app.exit(0),
        _ => {}
    }
}

/// Brings the window to the front, out of the tray too. One that cannot be shown now can be opened from the icon another time, so then
/// the icon stays.
pub fn reopen(app: &AppHandle) {
    CLOSED.store(false, Ordering::SeqCst);
    let show = |window: WebviewWindow| window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
    if app.get_webview_window(MAIN_WINDOW).is_some_and(|window| show(window).is_ok()) {
        app.remove_tray_by_id(TRAY);
        set_in_front(app, true);
    } else {
        CLOSED.store(true, Ordering::SeqCst);
    }
}
