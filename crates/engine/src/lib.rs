//! The offline engine: everything the app does without a screen.
//!
//! [`Engine::dispatch`] carries out one [`lentera_api::Command`]; [`Engine::run`] sends and fetches in the background. Both live on one
//! thread and share one database connection per person. Time, randomness, timers and the network come in through [`Platform`].

mod app;
mod data_folder;
mod engine;
#[cfg(not(target_arch = "wasm32"))]
pub mod host;
mod platform;
mod store;
mod sync;

pub use engine::Engine;
#[cfg(not(target_arch = "wasm32"))]
pub use platform::native::NativePlatform;
pub use platform::{Platform, Post, Response, TransportError};
pub use sync::exchange::Exchange;
pub use sync::schedule::{Outcome, Schedule};
