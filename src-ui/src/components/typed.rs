//! A form as it was typed, to be read and copied.

use lentera_api::{Language, field_name};
use leptos::prelude::*;
use serde_json::Value;

use super::chooser::village_name;
use crate::locales::Words;
use crate::state::app;

/// Fields in the order of their forms; others follow.
const ORDER: [&str; 18] = [
    "activity",
    "name",
    "owner_name",
    "category",
    "day",
    "start",
    "end",
    "purposes",
    "problem",
    "advice",
    "agreement",
    "volume",
    "unit",
    "output",
    "village",
    "address",
    "product",
    "phone",
];

/// One field: its key, its name, and what stands in it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    key: String,
    name: String,
    value: String,
}

/// Every field of `form` that is not empty. The enterprise of a visit is left out: it is the record's title, and its id says nothing.
pub fn typed(form: &Value, words: &Words, language: Language) -> Vec<Typed> {
    let fields = form.as_object().into_iter().flatten().filter(|(key, _)| *key != "umkm");
    let fields = fields.map(|(key, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), |text| words.value(key, text));
        Typed { key: key.clone(), name: field_name(key, language), value }
    });
    let mut fields: Vec<_> = fields.filter(|field| !field.value.trim().is_empty()).collect();
    fields.sort_by_key(|field| ORDER.iter().position(|key| *key == field.key).unwrap_or(ORDER.len()));
    fields
}

/// The fields as plain text, a line each.
pub fn as_text(title: &str, fields: &[Typed]) -> String {
    fields.iter().fold(title.to_owned(), |text, field| format!("{text}\n{}: {}", field.name, field.value))
}

/// The fields as a list.
pub fn typed_list(fields: Vec<Typed>) -> impl IntoView {
    let app = app();
    let rows: Vec<_> = fields
        .into_iter()
        .map(|field| {
            let value = Signal::stored(field.value);
            let value = if field.key == "village" { village_name(app, value) } else { value };
            view! {
                <div>
                    <dt>{field.name}</dt>
                    <dd>{move || value.get()}</dd>
                </div>
            }
        })
        .collect();
    view! { <dl class="facts">{rows}</dl> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locales::words;
    use serde_json::json;

    #[test]
    fn nothing_that_was_typed_is_left_out() {
        let form =
            json!({"umkm": "0197", "problem": "Mesin\nrusak", "start": "13:00", "letter": " ", "satisfaction": 3, "later": "x"});
        let fields = typed(&form, words(Language::Id), Language::Id);
        assert_eq!(
            as_text("Dapur Melati", &fields),
            "Dapur Melati\nJam mulai: 13.00\nMasalah: Mesin\nrusak\nlater: x\nKepuasan: 3"
        );
        assert_eq!(typed(&json!(null), words(Language::Id), Language::Id), []);
    }
}
