//! What only a browser can tell or do: the clock, the page, its storage and focus.

use std::sync::atomic::{AtomicI64, Ordering};

use js_sys::{Promise, Reflect};
use lentera_domain::Timestamp;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Clipboard, Element, File, FileReader, FocusOptions, HtmlElement, HtmlInputElement};

/// By how many milliseconds the device's clock is behind the present, where the engine knows better.
static CLOCK_BEHIND: AtomicI64 = AtomicI64::new(0);

/// Now: by the device's clock, unless that is known to be wrong.
pub fn now() -> Timestamp {
    clock().plus_millis(CLOCK_BEHIND.load(Ordering::Relaxed))
}

/// What the engine holds for the present: a clock that is off by more than an hour is put right from here on.
pub fn set_present(present: Timestamp) {
    const HOUR: u64 = 60 * 60 * 1000;
    let behind = present.millis().saturating_sub(clock().millis());
    CLOCK_BEHIND.store(if behind.unsigned_abs() > HOUR { behind } else { 0 }, Ordering::Relaxed);
}

fn clock() -> Timestamp {
    // A clock reads far less than 2^53 milliseconds.
    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds fit")]
    Timestamp::from_millis(js_sys::Date::now() as i64)
}

/// Says a panic on the console and opens the plain page that tells what to do, since nothing else will move any more.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        leptos::logging::error!("{panic}");
        if let Some(page) = document().get_element_by_id("broken") {
            let _ = page.remove_attribute("hidden");
        }
    }));
}

/// Puts `view` into the page's `#app`.
pub fn mount<V: IntoView + 'static>(view: fn() -> V) {
    if let Some(place) = document().get_element_by_id("app").and_then(|place| place.dyn_into::<HtmlElement>().ok()) {
        leptos::mount::mount_to(place, view).forget();
    }
}

/// True where the window is as narrow as a phone's.
pub fn is_phone() -> bool {
    window().inner_width().ok().and_then(|width| width.as_f64()).is_none_or(|width| width < 600.0)
}

/// What the address asks for under `name`, as `?name=value`; empty without a value.
pub fn asked(name: &str) -> Option<String> {
    let search = window().location().search().ok()?;
    let pairs = search.trim_start_matches('?').split('&');
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// What was kept under `key` on this device, if anything.
pub fn kept(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// Keeps a choice of the person's on this device. A browser that keeps nothing only forgets the choice.
pub fn keep(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item(key, value);
    }
}

/// Says the page's language, for readers and hyphenation.
pub fn set_page_language(code: &str) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("lang", code);
    }
}

/// Moves the focus to the first element that `selector` finds, once the page has been drawn.
pub fn focus_soon(selector: impl Into<String>) {
    let selector = selector.into();
    request_animation_frame(move || focus(&selector));
}

/// Moves the focus to the first element that `selector` finds.
pub fn focus(selector: &str) {
    if let Some(element) = find(selector).and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Moves the focus to a page's heading once it has been drawn, for readers; what is on the screen does not move.
pub fn focus_heading_soon(selector: &'static str) {
    request_animation_frame(move || {
        if let Some(heading) = find(selector).and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            let options = FocusOptions::new();
            options.set_prevent_scroll(true);
            let _ = heading.focus_with_options(&options);
        }
    });
}

/// Copies `text`; tells whether the browser let it. If not, what `selector` finds is selected, for the person to copy.
pub async fn copy(text: &str, selector: &str) -> bool {
    // Absent where the page was not loaded safely, whatever the types say.
    let clipboard = Reflect::get(&window().navigator(), &"clipboard".into()).ok().filter(JsValue::is_object);
    let copied = match clipboard.and_then(|clipboard| clipboard.dyn_into::<Clipboard>().ok()) {
        Some(clipboard) => JsFuture::from(clipboard.write_text(text)).await.is_ok(),
        None => false,
    };
    if !copied
        && let Some(element) = find(selector)
        && let Ok(Some(selection)) = window().get_selection()
    {
        let _ = selection.select_all_children(&element);
    }
    copied
}

/// The file that was chosen in the input of `event`; the input forgets it, so that the same one may be chosen again.
pub fn chosen_file(event: &web_sys::Event) -> Option<File> {
    let input: HtmlInputElement = event.target()?.dyn_into().ok()?;
    let file = input.files()?.get(0);
    input.set_value("");
    file
}

/// The bytes of a file as base64; `None` if it cannot be read or is over `max` bytes.
pub async fn base64_of(file: File, max: f64) -> Option<String> {
    if file.size() > max {
        return None;
    }
    let reader = FileReader::new().ok()?;
    let read = Promise::new(&mut |done, failed| {
        reader.set_onload(Some(&done));
        reader.set_onerror(Some(&failed));
        if reader.read_as_data_url(&file).is_err() {
            let _ = failed.call0(&JsValue::NULL);
        }
    });
    JsFuture::from(read).await.ok()?;
    let url = reader.result().ok()?.as_string()?;
    // "data:...;base64,..."; an empty file may have no comma.
    Some(url.split_once(',').map(|(_, content)| content.to_owned()).unwrap_or_default())
}

/// Presses the first element that `selector` finds; tells whether there was one.
pub fn press(selector: &str) -> bool {
    let element = find(selector).and_then(|element| element.dyn_into::<HtmlElement>().ok());
    if let Some(element) = &element {
        element.click();
    }
    element.is_some()
}

/// The first element that `selector` finds and that is on the screen.
pub fn find(selector: &str) -> Option<Element> {
    let found = document().query_selector_all(selector).ok()?;
    (0..found.length()).filter_map(|index| found.item(index)?.dyn_into::<HtmlElement>().ok()).find(is_shown).map(Into::into)
}

fn is_shown(element: &HtmlElement) -> bool {
    let style = window().get_computed_style(element).ok().flatten();
    let is_hidden = style.and_then(|style| style.get_property_value("visibility").ok()).is_some_and(|value| value == "hidden");
    element.offset_height() > 0 && !is_hidden
}
