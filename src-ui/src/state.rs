//! What pages share.

pub mod app;
pub mod asking;
pub mod draft;
pub mod form;
pub mod query;
pub mod route;

pub use app::{App, app};
pub use asking::Asking;
pub use route::Route;
