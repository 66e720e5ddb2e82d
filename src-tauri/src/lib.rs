//! The shell: a window over the engine. It hands commands down and events up, and knows nothing of either.

mod notice;
mod platform;

use std::env;
use std::path::PathBuf;

use lentera_api::{Command, Error, Event, Language, sentence};
use lentera_engine::host::Host;
use serde_json::Value;
use tauri::{App, Emitter, Manager, State, WebviewUrl, WebviewWindowBuilder};

/// Label of the window that shows the screens.
const MAIN_WINDOW: &str = "main";
/// Name under which the screens hear the engine's events.
const EVENT: &str = "lentera";

/// Runs Lentera until it is closed. Where it cannot run it says so, in its window or, without one, on standard error, and exits with 1.
#[cfg_attr(mobile, tauri::mobile_entry_point)]
pub fn run() {
    match platform::prepare().and_then(|()| build()) {
        Ok(app) => app.run(|_, _| {}),
        Err(error) => {
            eprintln!("{}", sentence(&error, Language::default()));
            std::process::exit(1);
        }
    }
}

fn build() -> Result<App, Error> {
    tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![dispatch])
        .register_uri_scheme_protocol(notice::SCHEME, |context, _| notice::page(context.app_handle()))
        .on_window_event(platform::on_window_event)
        .setup(|app| {
            // An error given back here would be a panic in Tauri.
            match open(app) {
                Err(Error::AlreadyOpen) if data_folder(app).is_ok_and(|data| platform::ask_for_window(&data)) => {
                    app.handle().exit(0);
                }
                Err(error) => notice::show(app, &error),
                Ok(()) => {}
            }
            Ok(())
        })
        .build(tauri::generate_context!())
        .map_err(internal)
}

/// Starts the engine on the data folder and opens the window over it.
fn open(app: &App) -> Result<(), Error> {
    let screens = app.handle().clone();
    let data = data_folder(app)?;
    let host = Host::start(data.clone(), app.path().document_dir().ok(), move |event| {
        if let Event::Light(light) = &event {
            platform::on_light(&screens, light);
        }
        // Nobody may be there to hear it: a screen reads everything anew when it opens.
        let _ = screens.emit(EVENT, event);
    })?;
    app.manage(host);
    platform::listen_for_wish(app.handle(), &data);
    let window = WebviewWindowBuilder::new(app, MAIN_WINDOW, WebviewUrl::default());
    platform::frame(window).build().map(|_| ()).map_err(internal)
}

/// `LENTERA_DATA`, else the folder the system gives this app.
fn data_folder(app: &App) -> Result<PathBuf, Error> {
    match env::var_os("LENTERA_DATA") {
        Some(folder) => Ok(folder.into()),
        None => app.path().app_data_dir().map_err(|error| Error::Storage { detail: error.to_string() }),
    }
}

/// The one command of the window: any command of the engine.
#[tauri::command]
async fn dispatch(host: State<'_, Host>, name: String, arguments: Value) -> Result<Value, Error> {
    host.dispatch(Command::read(&name, arguments)?).await
}

fn internal(error: tauri::Error) -> Error {
    Error::Internal { detail: error.to_string() }
}
