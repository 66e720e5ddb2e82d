//! Copying text out of the app.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::platform;
use crate::state::app;

/// A button that copies `text`. Where the browser does not let it, what lies at `id` is selected for the person to copy. Either is said beside it.
pub fn copy_button(id: String, text: String) -> impl IntoView {
    let words = app().words();
    let said = RwSignal::new("");
    let copy = move |_| {
        let (text, selector) = (text.clone(), format!("#{id}"));
        spawn_local(async move {
            let copied = platform::copy(&text, &selector).await;
            said.try_set(if copied { words.copied } else { words.copy_yourself });
        });
    };
    view! {
        <button type="button" class="button" data-test="copy" on:click=copy>
            {words.copy}
        </button>
        <span class="said" role="status">
            {move || said.get()}
        </span>
    }
}
