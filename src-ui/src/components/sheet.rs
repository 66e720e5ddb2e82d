//! A sheet over the page.

use leptos::html;
use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::state::app;

/// A sheet over the page. The browser holds the focus in it, gives it back afterwards, and closes it on Esc; Back closes it, too.
#[component]
pub fn Sheet(open: RwSignal<bool>, title: &'static str, children: ChildrenFn) -> impl IntoView {
    let app = app();
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => {
                drop(dialog.show_modal());
                app.sheet_opened(open);
            }
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    // However it was closed.
    let closed = move |_| {
        open.try_set(false);
        app.sheet_closed(open);
    };
    on_cleanup(move || app.sheet_closed(open));
    view! {
        <dialog class="sheet" node_ref=dialog aria-label=title on:close=closed>
            <header class="sheet-head">
                <h2>{title}</h2>
                <button type="button" class="button button-icon" aria-label=app.words().close on:click=move |_| open.set(false)>
                    {icon(Icon::Close)}
                </button>
            </header>
            <Show when=move || open.get()>{children()}</Show>
        </dialog>
    }
}
