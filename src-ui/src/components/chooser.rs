//! Choosing one of many: a sheet that opens with its search.

use lentera_api::{ListUmkm, ListVillages, UmkmDetail};
use lentera_domain::UmkmId;
use leptos::prelude::*;
use leptos::task::spawn_local;
use uuid::Uuid;

use super::fields::{SearchField, control_id, described_by, optional_mark, remarks};
use super::icon::{Icon, icon};
use super::page::loaded;
use super::sheet::Sheet;
use crate::platform;
use crate::state::form::Binding;
use crate::state::query::query;
use crate::state::{App, Route, app};

/// The closed chooser: what is chosen, and the press that opens the sheet.
fn chooser_button(
    binding: Binding,
    label: &'static str,
    shown: Signal<String>,
    nothing: &'static str,
    open: RwSignal<bool>,
) -> impl IntoView {
    let name = binding.name;
    view! {
        <button
            type="button"
            class="chooser"
            id=control_id(name)
            name=name
            data-test=format!("{name}-open")
            aria-label=move || format!("{label}: {}", shown.get())
            aria-haspopup="dialog"
            aria-describedby=described_by(name)
            on:click=move |_| open.set(true)
        >
            <span class:chooser-empty=move || binding.value.with(String::is_empty)>
                {move || if binding.value.with(String::is_empty) { nothing.into() } else { shown.get() }}
            </span>
            {icon(Icon::Forward)}
        </button>
    }
}

/// Name of the desa with this code; the code itself until it is known.
pub fn village_name(app: App, code: Signal<String>) -> Signal<String> {
    let shown = RwSignal::new(String::new());
    Effect::new(move || {
        let code = code.get();
        shown.set(code.clone());
        if code.is_empty() {
            return;
        }
        spawn_local(async move {
            let found = app.call(ListVillages { search: code.clone() }).await.unwrap_or_default();
            if let Some(village) = found.into_iter().find(|village| village.code.as_str() == code) {
                shown.try_set(format!("{}, {}", village.name, village.district));
            }
        });
    });
    shown.into()
}

/// A desa or kelurahan, by its code.
#[component]
pub fn VillageField(
    binding: Binding,
    label: &'static str,
    #[prop(optional)] hint: &'static str,
    #[prop(optional)] optional: bool,
) -> impl IntoView {
    let app = app();
    let words = app.words();
    let open = RwSignal::new(false);
    let shown = village_name(app, binding.value);
    let choose = move |code: String| {
        binding.set.run(code);
        open.set(false);
    };
    view! {
        <div class="field">
            <span class="label">{label} {optional_mark(optional)}</span>
            {remarks(binding, hint)}
            <div class="with-button">
                {chooser_button(binding, label, shown, words.choose_village, open)}
                <Show when=move || optional && !binding.value.with(String::is_empty)>
                    <button type="button" class="button button-icon" aria-label=words.cancel on:click=move |_| choose(String::new())>
                        {icon(Icon::Close)}
                    </button>
                </Show>
            </div>
            <Sheet open title=words.choose_village>
                {
                    let search = RwSignal::new(String::new());
                    let villages = query(move || ListVillages { search: search.get() });
                    platform::focus_soon("[data-test=village-search]");
                    view! {
                        <SearchField label=words.search_village value=search test="village-search" />
                        <div class="sheet-body rows">
                            {loaded(
                                villages,
                                move |data| {
                                    view! {
                                        <For
                                            each=move || data.get().unwrap_or_default()
                                            key=|village| village.code.clone()
                                            children=move |village| {
                                                let code = village.code.to_string();
                                                view! {
                                                    <button
                                                        type="button"
                                                        class="row"
                                                        data-test="village-option"
                                                        data-code=code.clone()
                                                        on:click=move |_| choose(code.clone())
                                                    >
                                                        <span class="row-title">{village.name}</span>
                                                        <span class="row-sub">{village.district}</span>
                                                    </button>
                                                }
                                            }
                                        />
                                    }
                                },
                            )}
                        </div>
                    }
                }
            </Sheet>
        </div>
    }
}

/// An enterprise, by its id; or the way to register the one that is missing.
#[component]
pub fn UmkmField(binding: Binding) -> impl IntoView {
    /// Rows shown; whoever does not find the right one types a letter more.
    const SHOWN: u32 = 60;
    let app = app();
    let words = app.words();
    let open = RwSignal::new(false);
    let shown = RwSignal::new(String::new());
    Effect::new(move || {
        let id = binding.value.get();
        shown.set(String::new());
        let Ok(id) = Uuid::try_parse(&id) else { return };
        spawn_local(async move {
            if let Ok(detail) = app.call(UmkmDetail { id: UmkmId(id) }).await {
                shown.try_set(format!("{}, {}", detail.umkm.umkm.name, detail.umkm.village_name));
            }
        });
    });
    let choose = move |id: String| {
        binding.set.run(id);
        open.set(false);
    };
    view! {
        <div class="field">
            <span class="label">{words.which_umkm}</span>
            {remarks(binding, "")}
            {chooser_button(binding, words.which_umkm, shown.into(), words.pick_umkm, open)}
            <a class="button" href=Route::UmkmNewForVisit.path() data-test="umkm-new">
                {icon(Icon::Plus)}
                {words.register_umkm}
            </a>
            <Sheet open title=words.pick_umkm>
                {
                    let search = RwSignal::new(String::new());
                    let found = query(move || ListUmkm { search: search.get(), offset: 0, limit: SHOWN });
                    platform::focus_soon("[data-test=umkm-search]");
                    view! {
                        <SearchField label=words.search_umkm value=search test="umkm-search" />
                        <div class="sheet-body rows">
                            {loaded(
                                found,
                                move |data| {
                                    view! {
                                        <For
                                            each=move || data.get().map(|page| page.rows).unwrap_or_default()
                                            key=|umkm| umkm.id
                                            children=move |umkm| {
                                                let id = umkm.id.to_string();
                                                view! {
                                                    <button
                                                        type="button"
                                                        class="row"
                                                        data-test="umkm-option"
                                                        data-id=id.clone()
                                                        on:click=move |_| choose(id.clone())
                                                    >
                                                        <span class="row-title">{umkm.umkm.name.to_string()}</span>
                                                        <span class="row-sub">
                                                            {umkm.umkm.owner_name.to_string()} " \u{b7} " {umkm.village_name.clone()}
                                                        </span>
                                                    </button>
                                                }
                                            }
                                        />
                                    }
                                },
                            )}
                        </div>
                    }
                }
            </Sheet>
        </div>
    }
}
