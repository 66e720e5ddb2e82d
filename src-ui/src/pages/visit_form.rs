//! Recording a visit, in any order.

use lentera_api::{RecordVisit, UmkmDetail};
use lentera_domain::UmkmId;
use lentera_domain::visit::{Purpose, VisitForm};
use leptos::prelude::*;

use crate::components::choices::{AnyOf, OneOf};
use crate::components::chooser::{UmkmField, VillageField};
use crate::components::fields::TextField;
use crate::components::form_frame::form_frame;
use crate::components::page::loaded;
use crate::components::times::{DayField, time_pair};
use crate::platform;
use crate::state::form::{FormState, field};
use crate::state::query::read_once;
use crate::state::{App, Route, app};

fn today() -> VisitForm {
    VisitForm { day: platform::now().day().to_string(), ..VisitForm::default() }
}

/// A visit begun from its enterprise.
pub fn of_umkm(id: UmkmId) -> impl IntoView {
    let app = app();
    let umkm = read_once(UmkmDetail { id });
    loaded(umkm, move |data| {
        data.get_untracked().map(|view| {
            let opened = VisitForm { umkm: id.to_string(), ..today() };
            let form = FormState::open(&format!("visit/{id}"), opened, move |form| form.umkm = id.to_string());
            let save = move || form.save(|_, form| RecordVisit { form }, move |saved| leave(app, saved.visit.umkm));
            let name = view.umkm.umkm.name.to_string();
            let fields = move || {
                let words = app.words();
                view! {
                    <div class="field">
                        <span class="label">{words.which_umkm}</span>
                        <p class="chosen">{name.clone()}</p>
                    </div>
                    {fields(form)}
                }
            };
            form_frame(form, Route::UmkmVisit(id), app.words().new_visit, fields, save)
        })
    })
}

/// A visit whose enterprise is chosen in the form; `chosen` has just been registered for it.
pub fn new(chosen: Option<UmkmId>) -> impl IntoView {
    let app = app();
    let form = FormState::open("visit/new", today(), move |form| {
        if let Some(id) = chosen {
            form.umkm = id.to_string();
        }
    });
    let save = move || form.save(|_, form| RecordVisit { form }, move |saved| leave(app, saved.visit.umkm));
    let fields = move || {
        view! {
            <UmkmField binding=form.bind(field!(umkm)) />
            {fields(form)}
        }
    };
    form_frame(form, Route::VisitNew(chosen), app.words().new_visit, fields, save)
}

fn leave(app: App, umkm: UmkmId) {
    app.go_instead(Route::Umkm(umkm));
    app.say((app.words().visit_saved)(app.device()), None);
}

/// Fields that lie folded.
const DETAILS: [&str; 4] = ["companions", "vehicle", "letter", "village"];

fn fields(form: FormState<VisitForm>) -> impl IntoView {
    let words = app().words();
    let purposes = Purpose::ALL.iter().map(|purpose| purpose.code()).zip(words.purpose_names).collect::<Vec<_>>();
    let scores = vec![("", words.no_answer), ("1", "1"), ("2", "2"), ("3", "3"), ("4", "4"), ("5", "5")];
    let is_detailed = form.typed.with_untracked(|form| {
        [&form.companions, &form.vehicle, &form.letter, &form.village].into_iter().any(|text| !text.is_empty())
    });
    let is_open = move || is_detailed || form.has_fault_in(&DETAILS);
    view! {
        <DayField binding=form.bind(field!(day)) />
        {time_pair(form.bind(field!(start)), form.bind(field!(end)))}
        <AnyOf binding=form.bind(field!(purposes)) label=words.purposes options=purposes test="purpose" />
        <h2 class="form-part">{words.findings}</h2>
        <TextField binding=form.bind(field!(problem)) label=words.problem optional=true lines=true />
        <TextField binding=form.bind(field!(advice)) label=words.advice optional=true lines=true />
        <TextField binding=form.bind(field!(agreement)) label=words.agreement optional=true lines=true />
        <OneOf
            binding=form.bind(field!(satisfaction))
            label=words.satisfaction
            hint=words.satisfaction_hint
            optional=true
            options=scores
        />
        <details class="more" prop:open=is_open>
            <summary>{words.details}</summary>
            <TextField binding=form.bind(field!(companions)) label=words.companions optional=true />
            <TextField binding=form.bind(field!(vehicle)) label=words.vehicle hint=words.vehicle_hint optional=true />
            <TextField binding=form.bind(field!(letter)) label=words.letter optional=true />
            <VillageField
                binding=form.bind(field!(village))
                label=words.other_village
                hint=words.other_village_hint
                optional=true
            />
        </details>
    }
}
