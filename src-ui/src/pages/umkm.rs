//! Enterprises: the list, and one with its visits.

use lentera_api::view::{UmkmDetailView, UmkmView};
use lentera_api::{self as api, ListUmkm};
use lentera_domain::UmkmId;
use leptos::prelude::*;

use super::history::history_link;
use super::log::fact_list;
use crate::components::conflict::conflict_notice;
use crate::components::fields::SearchField;
use crate::components::icon::{Icon, icon};
use crate::components::page::{empty, head, loaded, opened_head};
use crate::components::paged_list::paged_list;
use crate::components::rows::{delivered_code, state_line, umkm_row, visit_row};
use crate::locales::Words;
use crate::state::query::query;
use crate::state::{Route, app};

/// All enterprises, to search.
pub fn list() -> impl IntoView {
    let words = app().words();
    let search = RwSignal::new(String::new());
    let total = RwSignal::new(None);
    view! {
        {head(
            words.umkm,
            view! {
                <a class="button" href=Route::UmkmNew.path()>
                    {icon(Icon::Plus)} {words.new_umkm}
                </a>
            },
        )}
        <SearchField label=words.search_umkm value=search test="umkm-list-search" />
        <p class="count" aria-live="polite">
            {move || total.get().filter(|total| *total > 0).map(words.umkm_count)}
        </p>
        {paged_list(
            search,
            total,
            |search, offset, limit| ListUmkm { search, offset, limit },
            |umkm: &UmkmView| umkm_row(umkm),
            |search| {
                let words = app().words();
                empty(if search.is_empty() { words.no_umkm.into() } else { (words.not_found)(search) })
            },
        )}
    }
}

/// One enterprise.
pub fn detail(id: UmkmId) -> impl IntoView {
    let words = app().words();
    let umkm = query(move || api::UmkmDetail { id });
    let title = Memo::new(move |_| umkm.data.with(|umkm| umkm.as_ref().map(|view| view.umkm.umkm.name.to_string())));
    view! {
        {opened_head(Route::Umkm(id), move || title.get().unwrap_or_else(|| words.draft_umkm.into()))}
        {loaded(umkm, move |data| move || data.with(|umkm| umkm.as_ref().map(whole)))}
    }
}

fn whole(view: &UmkmDetailView) -> impl IntoView + use<> {
    let words = app().words();
    let id = view.umkm.id;
    let umkm = &view.umkm.umkm;
    let visits: Vec<_> = view.visits.iter().map(visit_row).collect();
    let phone = view.form.phone.trim().to_owned();
    view! {
        <article class="detail" data-id=id.to_string() data-delivered=delivered_code(view.umkm.delivered)>
            <p class="detail-time">
                {umkm.owner_name.to_string()} <br /> {icon(Icon::Pin)} {view.umkm.village_name.clone()}
            </p>
            <p>{state_line(view.umkm.delivered)}</p>
            {conflict_notice(&view.conflicts)}
            <div class="actions">
                <a class="button button-main" href=Route::UmkmVisit(id).path() data-test="start-visit">
                    {icon(Icon::Visit)} {words.start_visit}
                </a>
                <a class="button" href=Route::UmkmEdit(id).path() data-test="edit">
                    {icon(Icon::Pencil)} {words.edit}
                </a>
                {(!phone.is_empty())
                    .then(|| {
                        view! {
                            <a class="button" href=format!("tel:{}", phone.replace(' ', ""))>
                                {icon(Icon::Phone)} {words.call}
                            </a>
                        }
                    })}
            </div>
            {fact_list(facts(view, words))}
            {history_link(id.record())}
            <section>
                <h2>{words.visits}</h2>
                {visits.is_empty().then(|| view! { <p class="hint">{words.no_visits}</p> })}
                <div class="rows">{visits}</div>
            </section>
        </article>
    }
}

fn facts(view: &UmkmDetailView, words: &Words) -> Vec<(&'static str, String)> {
    let umkm = &view.umkm.umkm;
    let form = &view.form;
    vec![
        (words.product, form.product.clone()),
        (words.address, form.address.clone()),
        (words.legal_form, form.legal_form.clone()),
        (words.nib, form.nib.clone()),
        (words.kbli, umkm.kbli.as_ref().map(|_| kbli(view)).unwrap_or_default()),
        (words.founded, form.founded.clone()),
        (words.nik, view.nik_masked.clone().unwrap_or_default()),
        (words.phone, form.phone.clone()),
        (words.registered, words.date(umkm.registered_at.day().date())),
    ]
}

/// The class and the edition it is of.
fn kbli(view: &UmkmDetailView) -> String {
    let edition = view.umkm.umkm.kbli_edition.map(|edition| format!(" (KBLI {edition})"));
    view.form.kbli.clone() + &edition.unwrap_or_default()
}
