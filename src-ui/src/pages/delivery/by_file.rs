//! The way by file, for who is long without network: out with what is unsent, in with what colleagues hand over, and back with receipts.

use lentera_api::view::{Carried, Delivery, Exported, FileTaken};
use lentera_api::{Error, ExportReceipts, ExportUnsent, TakeFile};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::components::copy::copy_button;
use crate::components::icon::{Icon, icon};
use crate::components::page::refusal;
use crate::platform;
use crate::state::{Asking, app};

/// Bytes of a file that is read at all: far more than any of ours has.
const FILE_BYTES: f64 = 16.0 * 1024.0 * 1024.0;

/// What came of the last press.
#[derive(Clone)]
enum Said {
    Written(Exported, &'static str),
    Taken(FileTaken),
}

/// The part of the page.
pub fn part(data: RwSignal<Option<Delivery>>) -> impl IntoView {
    let app = app();
    let words = app.words();
    let asking = Asking::new();
    let said = RwSignal::new(None::<Said>);
    let carried =
        Memo::new(move |_| data.with(|delivery| delivery.as_ref().map(|delivery| delivery.carried).unwrap_or_default()));
    let export_unsent = move |_| {
        said.set(None);
        let written = move |file| drop(said.try_set(Some(Said::Written(file, words.unsent_written))));
        asking.ask(ExportUnsent { path: String::new() }, written);
    };
    let export_receipts = move |_| {
        said.set(None);
        let written = move |file| drop(said.try_set(Some(Said::Written(file, words.receipts_written))));
        asking.ask(ExportReceipts { path: String::new() }, written);
    };
    let take = move |event: web_sys::Event| {
        said.set(None);
        let Some(file) = platform::chosen_file(&event) else { return };
        spawn_local(async move {
            match platform::base64_of(file, FILE_BYTES).await {
                Some(content) => asking.ask(TakeFile { content }, move |taken| {
                    said.try_set(Some(Said::Taken(taken)));
                    app.did_change();
                }),
                None => drop(asking.failed.try_set(Some(Error::BadFile { detail: String::new() }))),
            }
        });
    };
    view! {
        <section class="list-part">
            <h2>{words.by_file}</h2>
            <p>{words.by_file_about}</p>
            {refusal(asking)}
            <div role="status">{move || said.get().map(result)}</div>
            <div class="actions">
                <button type="button" class="button" data-test="export-unsent" on:click=export_unsent>
                    {words.export_unsent}
                </button>
                <label class="button file">
                    // Any kind may be chosen: phones do not know ours by its ending, and would offer none.
                    <input type="file" data-test="take-file" on:change=take />
                    <span>{words.take_file}</span>
                </label>
            </div>
            {move || {
                let Carried { waiting, delivered, receipts } = carried.get();
                (waiting + delivered + receipts > 0)
                    .then(|| view! { <p data-test="carried">{(words.carried)(waiting, delivered, receipts)}</p> })
            }}
            <Show when=move || { carried.get().receipts > 0 }>
                <button type="button" class="button" data-test="export-receipts" on:click=export_receipts>
                    {words.export_receipts}
                </button>
            </Show>
        </section>
    }
}

fn result(said: Said) -> AnyView {
    let words = app().words();
    match said {
        Said::Written(file, then) => view! {
            <div class="notice notice-plain" data-test="file-written">
                {icon(Icon::Square)}
                <div>
                    <p>{(words.written)(&words.size(file.bytes))}</p>
                    <p class="path" id="file-path">
                        {file.path.clone()}
                    </p>
                    {copy_button("file-path".into(), file.path)}
                    <p>{then}</p>
                </div>
            </div>
        }
        .into_any(),
        Said::Taken(taken) => view! {
            <p class="notice notice-plain" data-test="file-taken">
                {icon(Icon::Square)}
                <span>{(words.taken)(taken.parcels, taken.receipts)}</span>
            </p>
        }
        .into_any(),
    }
}
