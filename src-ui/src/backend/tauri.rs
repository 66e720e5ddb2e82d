//! The engine behind the app's window.

use js_sys::{Function, JSON, Promise, Reflect};
use lentera_api::{Command, Error, Event};
use leptos::prelude::window;
use leptos::task::spawn_local;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::{Answer, Backend};

/// The `dispatch` command and the `lentera` event of the shell.
pub struct Tauri;

impl Tauri {
    /// The shell's, where this page is in its window.
    pub fn of_this_page() -> Option<Self> {
        shell().map(|_| Self)
    }
}

impl Backend for Tauri {
    fn dispatch(&self, command: Command) -> Answer {
        let asked = ask("core", "invoke", &[JsValue::from_str("dispatch"), arguments(&command)]);
        Box::pin(async move {
            match asked {
                Ok(promise) => JsFuture::from(promise).await.map_err(refusal).and_then(|answer| read(&answer)),
                Err(error) => Err(refusal(error)),
            }
        })
    }

    fn listen(&self, on_event: Box<dyn Fn(Event) + Send + Sync>) {
        let heard = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
            let payload = Reflect::get(&event, &"payload".into()).unwrap_or_default();
            match read(&payload) {
                Ok(event) => on_event(event),
                Err(error) => leptos::logging::error!("event: {error}"),
            }
        });
        let asked = ask("event", "listen", &[JsValue::from_str("lentera"), heard.as_ref().clone()]);
        // The page listens for as long as it lives.
        heard.forget();
        spawn_local(async move {
            if let Ok(promise) = asked
                && let Err(error) = JsFuture::from(promise).await
            {
                leptos::logging::error!("events: {}", refusal(error));
            }
        });
    }
}

fn shell() -> Option<JsValue> {
    Reflect::get(&window(), &"__TAURI__".into()).ok().filter(JsValue::is_object)
}

/// Calls a function of the shell that gives a promise.
fn ask(module: &str, function: &str, arguments: &[JsValue]) -> Result<Promise, JsValue> {
    let module = Reflect::get(&shell().unwrap_or_default(), &module.into())?;
    let function: Function = Reflect::get(&module, &function.into())?.dyn_into()?;
    function.apply(&module, &arguments.iter().collect())?.dyn_into()
}

fn arguments(command: &Command) -> JsValue {
    #[derive(Serialize)]
    struct Arguments {
        name: &'static str,
        arguments: serde_json::Value,
    }
    let arguments = Arguments { name: command.name(), arguments: command.arguments() };
    serde_json::to_string(&arguments).ok().and_then(|text| JSON::parse(&text).ok()).unwrap_or_default()
}

fn read<T: DeserializeOwned>(value: &JsValue) -> Result<T, Error> {
    let text = JSON::stringify(value).ok().and_then(|text| text.as_string()).unwrap_or_default();
    serde_json::from_str(&text).map_err(|error| Error::Internal { detail: error.to_string() })
}

/// The engine's error, or what went wrong on the way to it.
fn refusal(error: JsValue) -> Error {
    read(&error).unwrap_or_else(|_| Error::Internal { detail: format!("{error:?}") })
}
