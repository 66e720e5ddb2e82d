//! A list of any length. It is cut into pages of rows; only pages near the screen are read and drawn, the others keep their place by their height.

use lentera_api::Call;
use lentera_api::view::Page;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;
use web_sys::{IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};

use super::page::{failure, skeleton};
use crate::state::app;
use crate::state::query::read_on_change;

/// Rows of one page.
const ROWS: u32 = 50;

/// Height of a row before one has been measured, in CSS pixels.
const ROW_HEIGHT: f64 = 120.0;

/// How far outside the screen pages are drawn, so that scrolling does not show gaps.
const MARGIN: &str = "1200px 0px";

/// What all pages of a list share.
struct Shared<T, C, V> {
    search: RwSignal<String>,
    total: RwSignal<Option<u32>>,
    /// Pages read again when this moves.
    edition: RwSignal<u32>,
    row_height: StoredValue<f64>,
    ask: fn(String, u32, u32) -> C,
    row: fn(&T) -> V,
}

impl<T, C, V> Clone for Shared<T, C, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, C, V> Copy for Shared<T, C, V> {}

/// The list that `ask` gives by search, offset and limit; `row` draws one row; `nothing` is said of an empty list.
pub fn paged_list<T, C, V, N>(
    search: RwSignal<String>,
    total: RwSignal<Option<u32>>,
    ask: fn(String, u32, u32) -> C,
    row: fn(&T) -> V,
    nothing: fn(&str) -> N,
) -> impl IntoView
where
    T: Send + Sync + 'static,
    C: Call<Answer = Page<T>> + 'static,
    V: IntoView + 'static,
    N: IntoView + 'static,
{
    let app = app();
    let words = app.words();
    let shared = Shared { search, total, edition: RwSignal::new(0), row_height: StoredValue::new(ROW_HEIGHT), ask, row };
    let error = RwSignal::new(None);
    let newer = RwSignal::new(None::<usize>);
    let take = move |page: Page<T>| {
        newer.try_set(None);
        total.try_set(Some(page.total));
        shared.edition.try_update(|edition| *edition += 1);
    };
    // What was asked when the shown rows came: the search, and the changes made here.
    let question = move || (search.get_untracked(), app.own.get_untracked());
    let shown = StoredValue::new(None);
    read_on_change(
        move || ask(search.get(), 0, 1),
        move |answer| match answer {
            Ok(page) => {
                error.try_set(None);
                let before = total.get_untracked().unwrap_or(0);
                // Rows that came from elsewhere would move those under the finger: they are offered.
                if shown.get_value() == Some(question()) && before != page.total {
                    newer.try_set(Some(page.total.saturating_sub(before) as usize));
                } else {
                    shown.set_value(Some(question()));
                    take(page);
                }
            }
            Err(failed) => drop(error.try_set(Some(failed))),
        },
    );
    let show_newer = move |_| {
        let answer = app.call(ask(search.get_untracked(), 0, 1));
        spawn_local(async move {
            if let Ok(page) = answer.await {
                take(page);
            }
        });
    };
    view! {
        {move || error.get().map(|error| failure(&error))}
        {move || {
            let count = newer.get()?;
            Some(
                view! {
                    <button type="button" class="button newer" on:click=show_newer>
                        {(words.new_rows)(count)}
                    </button>
                },
            )
        }}
        {move || (total.get().is_none() && error.with(Option::is_none)).then(skeleton)}
        {move || (total.get() == Some(0)).then(|| nothing(&search.get()))}
        <div class="rows" role="list">
            <For
                each=move || 0..total.get().unwrap_or(0).div_ceil(ROWS)
                key=|page| *page
                children=move |page| rows_page(page, shared)
            />
        </div>
    }
}

/// One page of a list.
fn rows_page<T, C, V>(page: u32, shared: Shared<T, C, V>) -> impl IntoView
where
    T: Send + Sync + 'static,
    C: Call<Answer = Page<T>> + 'static,
    V: IntoView + 'static,
{
    let app = app();
    let first = page * ROWS;
    let count = Memo::new(move |_| shared.total.get().unwrap_or(0).saturating_sub(first).min(ROWS));
    let node = NodeRef::<html::Div>::new();
    let near = RwSignal::new(page == 0);
    let rows = RwSignal::new(Vec::<T>::new());
    let height = RwSignal::new(None::<f64>);
    let asked = StoredValue::new(0_u32);
    Effect::new(move || {
        shared.edition.track();
        if !near.get() {
            return;
        }
        asked.update_value(|asked| *asked += 1);
        let number = asked.get_value();
        let answer = app.call((shared.ask)(shared.search.get_untracked(), first, ROWS));
        spawn_local(async move {
            if let Ok(page) = answer.await
                && asked.try_get_value() == Some(number)
            {
                rows.try_set(page.rows);
            }
        });
    });
    let leave = move || {
        let tall = node.get_untracked().map_or(0, |node| node.offset_height());
        let drawn = rows.with_untracked(Vec::len);
        // A list that is not on the screen at all has no height, and stays as it is.
        if tall > 0 && drawn > 0 {
            height.set(Some(tall.into()));
            shared.row_height.set_value(f64::from(tall) / f64::from(count.get_untracked().max(1)));
            asked.update_value(|asked| *asked += 1);
            rows.set(Vec::new());
        }
        if tall > 0 {
            near.set(false);
        }
    };
    watch_nearness(node, move |is_near| match (near.get_untracked(), is_near) {
        (false, true) => near.set(true),
        (true, false) => leave(),
        _ => {}
    });
    let min_height = move || match rows.with(Vec::is_empty) {
        true => format!("{}px", height.get().unwrap_or_else(|| f64::from(count.get()) * shared.row_height.get_value())),
        false => "auto".into(),
    };
    view! {
        <div class="rows-page" role="presentation" node_ref=node style:min-height=min_height>
            {move || {
                let set_size = shared.total.get_untracked().unwrap_or(0).to_string();
                rows.with(|rows| {
                    rows.iter()
                        .zip(first + 1..)
                        .map(|(row, position)| {
                            view! {
                                <div role="listitem" aria-setsize=set_size.clone() aria-posinset=position.to_string()>
                                    {(shared.row)(row)}
                                </div>
                            }
                        })
                        .collect_view()
                })
            }}
        </div>
    }
}

/// Calls `moved` whenever the element comes near the visible part of its pane or leaves it.
fn watch_nearness(node: NodeRef<html::Div>, moved: impl Fn(bool) + Copy + 'static) {
    let watching = StoredValue::new_local(None);
    Effect::new(move || {
        let Some(element) = node.get() else { return };
        let heard = Closure::<dyn Fn(js_sys::Array)>::new(move |entries: js_sys::Array| {
            if let Ok(entry) = entries.get(entries.length().saturating_sub(1)).dyn_into::<IntersectionObserverEntry>() {
                moved(entry.is_intersecting());
            }
        });
        let options = IntersectionObserverInit::new();
        options.set_root_margin(MARGIN);
        if let Ok(Some(pane)) = element.closest(".pane") {
            options.set_root(Some(&pane));
        }
        match IntersectionObserver::new_with_options(heard.as_ref().unchecked_ref(), &options) {
            Ok(observer) => {
                observer.observe(&element);
                watching.set_value(Some((observer, heard)));
            }
            // Too old to tell: everything is drawn.
            Err(_) => moved(true),
        }
    });
    on_cleanup(move || {
        if let Some(Some((observer, heard))) = watching.try_update_value(Option::take) {
            observer.disconnect();
            drop(heard);
        }
    });
}
