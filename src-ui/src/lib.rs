//! The screens. One way through: a page reads from and writes to the engine by [`backend::Backend`]; what pages share is in [`state`];
//! every word comes from [`locales`]; `public/` holds the page that loads all this, its style and its start.

mod backend;
mod components;
mod locales;
mod pages;
mod platform;
mod state;

/// Shows the app in the page's `#app`.
pub fn start() {
    platform::report_panics();
    platform::mount(pages::Root);
}
