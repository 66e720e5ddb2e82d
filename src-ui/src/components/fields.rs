//! Fields to type in. The order is label, hint, fault, control: a phone's keyboard hides what lies below the control.

use leptos::either::Either;
use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::state::app;
use crate::state::form::Binding;

/// The id of a field's control.
pub fn control_id(name: &str) -> String {
    format!("f-{name}")
}

/// Ids of what describes a control: its hint and its fault.
pub fn described_by(name: &str) -> String {
    format!("h-{name} e-{name}")
}

/// Hint and fault of a field.
pub fn remarks(binding: Binding, hint: &'static str) -> impl IntoView {
    let name = binding.name;
    view! {
        {(!hint.is_empty())
            .then(|| {
                view! {
                    <span class="hint" id=format!("h-{name}")>
                        {hint}
                    </span>
                }
            })}
        {move || {
            binding
                .fault
                .get()
                .map(|fault| {
                    view! {
                        <span class="fault" id=format!("e-{name}")>
                            {icon(Icon::Refused)}
                            <span>{fault}</span>
                        </span>
                    }
                })
        }}
    }
}

/// "boleh nanti" behind the label of what may stay empty.
pub fn optional_mark(optional: bool) -> impl IntoView {
    optional.then(|| view! { <span class="optional">{app().words().optional}</span> })
}

/// A text field; with `lines` it grows with its text.
#[component]
pub fn TextField(
    binding: Binding,
    label: &'static str,
    #[prop(optional)] hint: &'static str,
    #[prop(optional)] optional: bool,
    #[prop(optional)] lines: bool,
    #[prop(default = "text")] keyboard: &'static str,
    #[prop(default = "off")] autocomplete: &'static str,
    /// Words to put in with one press.
    #[prop(optional)]
    suggestions: &'static [&'static str],
) -> impl IntoView {
    let name = binding.name;
    let id = control_id(name);
    let is_wrong = move || if binding.fault.with(Option::is_some) { "true" } else { "false" };
    let control = if lines {
        let rows = move || {
            let rows: usize = binding.value.with(|text| text.split('\n').map(|line| 1 + line.chars().count() / 34).sum());
            rows.clamp(2, 14).to_string()
        };
        Either::Left(view! {
            <textarea
                id=id.clone()
                name=name
                rows=rows
                aria-invalid=is_wrong
                aria-describedby=described_by(name)
                prop:value=move || binding.value.get()
                on:input=move |event| binding.set.run(event_target_value(&event))
                on:change=move |event| binding.set.run(event_target_value(&event))
                on:blur=move |_| binding.leave.run(())
            ></textarea>
        })
    } else {
        Either::Right(view! {
            <input
                id=id.clone()
                name=name
                type="text"
                inputmode=keyboard
                autocomplete=autocomplete
                aria-invalid=is_wrong
                aria-describedby=described_by(name)
                prop:value=move || binding.value.get()
                on:input=move |event| binding.set.run(event_target_value(&event))
                on:change=move |event| binding.set.run(event_target_value(&event))
                on:blur=move |_| binding.leave.run(())
            />
        })
    };
    view! {
        <div class="field">
            <label for=id.clone()>{label} {optional_mark(optional)}</label>
            {remarks(binding, hint)}
            {control}
            {(!suggestions.is_empty())
                .then(|| {
                    view! {
                        <div class="chips">
                            {suggestions
                                .iter()
                                .map(|word| {
                                    view! {
                                        <button
                                            type="button"
                                            class="chip"
                                            aria-pressed=move || if binding.value.with(|value| value == word) { "true" } else { "false" }
                                            on:click=move |_| binding.set.run((*word).into())
                                        >
                                            {*word}
                                        </button>
                                    }
                                })
                                .collect_view()}
                        </div>
                    }
                })}
        </div>
    }
}

/// A password, which may be looked at and pasted.
#[component]
pub fn PasswordField(
    name: &'static str,
    label: &'static str,
    #[prop(optional)] hint: &'static str,
    value: RwSignal<String>,
    /// `current-password` or `new-password`, for password managers.
    autocomplete: &'static str,
    test: &'static str,
) -> impl IntoView {
    let words = app().words();
    let shown = RwSignal::new(false);
    view! {
        <div class="field">
            <label for=control_id(name)>{label}</label>
            {(!hint.is_empty())
                .then(|| {
                    view! {
                        <span class="hint" id=format!("h-{name}")>
                            {hint}
                        </span>
                    }
                })}
            <div class="with-button">
                <input
                    id=control_id(name)
                    name=name
                    type=move || if shown.get() { "text" } else { "password" }
                    autocomplete=autocomplete
                    autocapitalize="none"
                    spellcheck="false"
                    aria-describedby=format!("h-{name}")
                    data-test=test
                    prop:value=move || value.get()
                    on:input=move |event| value.set(event_target_value(&event))
                    on:change=move |event| value.set(event_target_value(&event))
                />
                <button type="button" class="button" aria-controls=control_id(name) on:click=move |_| shown.update(|shown| *shown = !*shown)>
                    {move || if shown.get() { words.hide } else { words.show }}
                </button>
            </div>
        </div>
    }
}

/// A search that answers as one types.
#[component]
pub fn SearchField(label: &'static str, value: RwSignal<String>, #[prop(optional)] test: &'static str) -> impl IntoView {
    view! {
        <div class="search">
            {icon(Icon::Search)}
            <input
                type="search"
                aria-label=label
                placeholder=label
                autocomplete="off"
                data-test=test
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
        </div>
    }
}
