//! What the server refused: shown whole, to be copied or filled in again.

use lentera_api::view::{Delivery, Draft, RefusedRecord};
use lentera_api::{DismissRefused, Error, ReadDraft, SaveDraft, SetDraftAside, refusal_words};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Value;

use crate::components::copy::copy_button;
use crate::components::icon::{Icon, icon};
use crate::components::page::refusal;
use crate::components::typed::{as_text, typed, typed_list};
use crate::platform;
use crate::state::form::draft_with;
use crate::state::{App, Asking, Route, app};

/// The list. A card stays as it is while others come and go.
pub fn list(data: RwSignal<Option<Delivery>>) -> impl IntoView {
    let words = app().words();
    let refused = Memo::new(move |_| data.with(|delivery| delivery.as_ref().map(|it| it.refused.clone()).unwrap_or_default()));
    view! {
        <section class="list-part">
            <h2>{move || (words.refused_list)(refused.with(Vec::len))}</h2>
            {move || refused.with(Vec::is_empty).then(|| view! { <p class="hint">{words.none_refused}</p> })}
            <For each=move || refused.get() key=|refused| (refused.change, refused.reason.clone()) children=card />
        </section>
    }
}

fn card(refused: RefusedRecord) -> impl IntoView {
    let app = app();
    let words = app.words();
    let language = app.language.get_untracked();
    let asking = Asking::new();
    let change = refused.change;
    let fields = refused.form.as_ref().map(|form| typed(form, words, language)).unwrap_or_default();
    let text = as_text(&refused.title, &fields);
    let id = format!("refused-{change}");
    let again = refused.form.map(|form| draft_with(form, refused.opened)).zip(refused.draft);
    let reason = refusal_words(&refused.reason, language);
    let dismiss = move |_| {
        asking.ask(DismissRefused { change }, move |_| {
            app.did_change();
            app.say(words.dealt_with_said.into(), None);
        });
    };
    view! {
        <article class="card" data-test="refused-row" data-id=refused.record.id.to_string() data-change=change.to_string()>
            <p class="row-time">{(words.kinds)(refused.record.kind)} ", " {words.moment(refused.at, platform::now().day())}</p>
            <div id=id.clone()>
                <h3 class="refused-title">{refused.title.clone()}</h3>
                {(!fields.is_empty()).then(|| typed_list(fields))}
            </div>
            <p class="state state-refused">{icon(Icon::Refused)} <span>{(words.refused_reason)(&reason)}</span></p>
            {again.is_none().then(|| view! { <p class="hint">{words.no_form}</p> })}
            {refusal(asking)}
            <div class="actions">
                {copy_button(id, text)}
                {again
                    .map(|(form, draft)| {
                        view! {
                            <button
                                type="button"
                                class="button"
                                data-test="fill-again"
                                on:click=move |_| fill_again(app, asking, draft.clone(), form.clone())
                            >
                                {icon(Icon::Pencil)}
                                {words.fill_again}
                            </button>
                        }
                    })} <button type="button" class="button" data-test="dealt-with" on:click=dismiss>
                    {words.dealt_with}
                </button>
            </div>
        </article>
    }
}

/// Opens the form with what was typed.
fn fill_again(app: App, asking: Asking, name: String, form: Value) {
    spawn_local(async move {
        match put_in_draft(app, &name, form).await {
            Ok(_) => app.go(Route::of_draft(&name)),
            Err(error) => {
                asking.failed.try_set(Some(error));
                platform::focus_soon("[data-test=error]");
            }
        }
    });
}

/// Makes `form` the draft `name`. Another draft of that name is set aside first: somebody typed it.
async fn put_in_draft(app: App, name: &str, form: Value) -> Result<Draft, Error> {
    if let Some(present) = app.call(ReadDraft { name: name.to_owned() }).await? {
        if present.content == form {
            return Ok(present);
        }
        app.call(SetDraftAside { name: name.to_owned() }).await?;
    }
    app.call(SaveDraft { name: name.to_owned(), content: form }).await
}
