//! The way to the engine.

mod memory;
mod tauri;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use lentera_api::{Command, Error, Event};

pub use memory::Memory;

/// What a command comes to.
pub type Answer = Pin<Box<dyn Future<Output = Result<serde_json::Value, Error>>>>;

/// Where commands go and events come from.
pub trait Backend: Send + Sync {
    /// Carries out a command. Commands begin in the order of these calls.
    fn dispatch(&self, command: Command) -> Answer;

    /// Calls `on_event` for every event from now on.
    fn listen(&self, on_event: Box<dyn Fn(Event) + Send + Sync>);

    /// True where nothing outlives the page and nothing is really sent.
    fn is_trial(&self) -> bool {
        false
    }
}

/// The engine of the app's window, or, in a plain browser, one in memory to try the screens on; `?contoh` at the address fills it, and
/// `?contoh=bentrok,ditolak` only with these troubles.
pub fn of_this_page() -> Arc<dyn Backend> {
    match tauri::Tauri::of_this_page() {
        Some(tauri) => Arc::new(tauri),
        None => Arc::new(match crate::platform::asked("contoh") {
            Some(parts) => Memory::sample(crate::platform::now, &parts),
            None => Memory::new(crate::platform::now),
        }),
    }
}
