//! Few choices as chips: one of them, or any number.

use leptos::prelude::*;

use super::fields::{control_id, described_by, optional_mark, remarks};
use crate::state::form::Binding;

/// One of a few. `options` are values and their words; a value that is none of them is shown as a chip of its own.
#[component]
pub fn OneOf(
    binding: Binding,
    label: &'static str,
    #[prop(optional)] hint: &'static str,
    #[prop(optional)] optional: bool,
    options: Vec<(&'static str, &'static str)>,
) -> impl IntoView {
    let name = binding.name;
    let known: Vec<_> = options.iter().map(|(value, _)| *value).collect();
    let other = Memo::new(move |_| binding.value.with(|value| (!known.contains(&value.as_str())).then(|| value.clone())));
    let chip = move |first: bool, value: String, text: String| {
        let here = value.clone();
        let put = value.clone();
        view! {
            <label class="chip" data-test=format!("{name}-{value}")>
                <input
                    type="radio"
                    id=first.then(|| control_id(name))
                    name=name
                    value=value.clone()
                    aria-describedby=described_by(name)
                    prop:checked=move || binding.value.with(|value| *value == here)
                    on:change=move |_| binding.set.run(put.clone())
                />
                <span>{text}</span>
            </label>
        }
    };
    view! {
        <fieldset class="field">
            <legend>{label} {optional_mark(optional)}</legend>
            {remarks(binding, hint)}
            <div class="chips">
                {options
                    .into_iter()
                    .enumerate()
                    .map(|(index, (value, text))| chip(index == 0, value.into(), text.into()))
                    .collect_view()}
                {move || other.get().filter(|value| !value.is_empty()).map(|value| chip(false, value.clone(), value))}
            </div>
        </fieldset>
    }
}

/// Any of a few; the field holds the chosen codes with commas between.
#[component]
pub fn AnyOf(
    binding: Binding,
    label: &'static str,
    options: Vec<(&'static str, &'static str)>,
    /// What the test hooks of the chips begin with.
    test: &'static str,
) -> impl IntoView {
    let name = binding.name;
    view! {
        <fieldset class="field">
            <legend>{label}</legend>
            {remarks(binding, "")}
            <div class="chips">
                {options
                    .into_iter()
                    .enumerate()
                    .map(|(index, (code, text))| {
                        view! {
                            <label class="chip" data-test=format!("{test}-{code}")>
                                <input
                                    type="checkbox"
                                    id=(index == 0).then(|| control_id(name))
                                    name=name
                                    value=code
                                    aria-describedby=described_by(name)
                                    prop:checked=move || binding.value.with(|codes| has(codes, code))
                                    on:change=move |_| {
                                        binding.set.run(binding.value.with_untracked(|codes| toggled(codes, code)));
                                    }
                                />
                                <span>{text}</span>
                            </label>
                        }
                    })
                    .collect_view()}
            </div>
        </fieldset>
    }
}

fn has(codes: &str, code: &str) -> bool {
    codes.split(',').any(|chosen| chosen == code)
}

fn toggled(codes: &str, code: &str) -> String {
    let mut chosen: Vec<_> = codes.split(',').filter(|chosen| !chosen.is_empty()).collect();
    if has(codes, code) {
        chosen.retain(|chosen| *chosen != code);
    } else {
        chosen.push(code);
    }
    chosen.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_press_takes_the_choice_back() {
        let one = toggled("", "pembinaan");
        let two = toggled(&one, "perizinan");
        assert_eq!(two, "pembinaan,perizinan");
        assert_eq!(toggled(&two, "pembinaan"), "perizinan");
        assert!(!has("perizinan", "izin"));
    }
}
