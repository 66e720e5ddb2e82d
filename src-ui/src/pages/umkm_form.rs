//! Registering an enterprise, and changing one.

use lentera_api::{EditUmkm, RegisterUmkm, UmkmDetail};
use lentera_domain::UmkmId;
use lentera_domain::umkm::UmkmForm;
use leptos::prelude::*;

use crate::components::choices::OneOf;
use crate::components::chooser::VillageField;
use crate::components::fields::TextField;
use crate::components::form_frame::form_frame;
use crate::components::page::loaded;
use crate::state::form::{FormState, field};
use crate::state::query::read_once;
use crate::state::{Route, app};

/// A new enterprise; with `for_visit` the way then leads back to the visit that was begun.
pub fn new(for_visit: bool) -> impl IntoView {
    let app = app();
    let words = app.words();
    let form = FormState::open("umkm/new", UmkmForm::default(), |_| ());
    let save = move || {
        form.save(
            |_, form| RegisterUmkm { form },
            move |saved| {
                app.go_instead(if for_visit { Route::VisitNew(Some(saved.id)) } else { Route::Umkm(saved.id) });
                app.say((app.words().saved_on)(app.device()), None);
            },
        );
    };
    let fields = move || {
        view! {
            {for_visit.then(|| view! { <p class="notice notice-plain">{words.register_for_visit}</p> })}
            {fields(form)}
        }
    };
    form_frame(form, if for_visit { Route::UmkmNewForVisit } else { Route::UmkmNew }, words.new_umkm, fields, save)
}

/// Changing an enterprise.
pub fn edit(id: UmkmId) -> impl IntoView {
    let app = app();
    let umkm = read_once(UmkmDetail { id });
    loaded(umkm, move |data| {
        data.get_untracked().map(|view| {
            let form = FormState::open(&format!("umkm/{id}"), view.form, |_| ());
            let save = move || {
                form.save(
                    move |opened, form| EditUmkm { id, opened, form },
                    move |_| {
                        app.go_instead(Route::Umkm(id));
                        app.say((app.words().saved_on)(app.device()), None);
                    },
                );
            };
            form_frame(form, Route::UmkmEdit(id), app.words().edit_umkm, move || fields(form), save)
        })
    })
}

/// Fields that lie folded.
const DETAILS: [&str; 5] = ["legal_form", "nib", "kbli", "founded", "nik"];

fn fields(form: FormState<UmkmForm>) -> impl IntoView {
    let words = app().words();
    let legal_forms = words.legal_forms.iter().map(|name| (*name, *name)).collect::<Vec<_>>();
    let is_detailed = form.typed.with_untracked(|form| {
        [&form.legal_form, &form.nib, &form.kbli, &form.founded, &form.nik].into_iter().any(|text| !text.is_empty())
    });
    let is_open = move || is_detailed || form.has_fault_in(&DETAILS);
    view! {
        <TextField binding=form.bind(field!(name)) label=words.umkm_name />
        <TextField binding=form.bind(field!(owner_name)) label=words.owner_name />
        <VillageField binding=form.bind(field!(village)) label=words.village />
        <TextField binding=form.bind(field!(address)) label=words.address optional=true lines=true />
        <TextField binding=form.bind(field!(product)) label=words.product hint=words.product_hint optional=true />
        <TextField binding=form.bind(field!(phone)) label=words.phone optional=true keyboard="tel" />
        <details class="more" prop:open=is_open>
            <summary>{words.details}</summary>
            <OneOf binding=form.bind(field!(legal_form)) label=words.legal_form optional=true options=legal_forms />
            <TextField binding=form.bind(field!(nib)) label=words.nib hint=words.nib_hint optional=true keyboard="numeric" />
            <TextField binding=form.bind(field!(kbli)) label=words.kbli hint=words.kbli_hint optional=true keyboard="numeric" />
            <TextField binding=form.bind(field!(founded)) label=words.founded optional=true keyboard="numeric" />
            <TextField binding=form.bind(field!(nik)) label=words.nik hint=words.nik_hint optional=true keyboard="numeric" />
        </details>
    }
}
