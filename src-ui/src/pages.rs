//! The pages, and the frame around them.

mod conflicts;
mod delivery;
mod enrol;
mod history;
mod home;
mod keys;
mod log;
mod log_form;
mod more;
mod shell;
mod team;
mod umkm;
mod umkm_form;
mod visit;
mod visit_form;

use leptos::prelude::*;

use crate::components::page::{failure, skeleton};
use crate::state::App;

/// Everything on the screen. Made anew when the language changes, so that words need not be watched one by one.
#[component]
pub fn Root() -> impl IntoView {
    let app = App::start();
    provide_context(app);
    keys::listen(app);
    move || {
        app.language.track();
        start(app)
    }
}

fn start(app: App) -> impl IntoView {
    let is_enrolled = Memo::new(move |_| app.person.with(Option::is_some));
    move || match app.started.get() {
        None => view! { <div class="start">{skeleton()}</div> }.into_any(),
        Some(Err(error)) => view! {
            <div class="start" on:click=move |_| app.ask_status()>{failure(&error)}</div>
        }
        .into_any(),
        Some(Ok(())) => {
            (move || if is_enrolled.get() { shell::shell().into_any() } else { enrol::enrol().into_any() }).into_any()
        }
    }
}
