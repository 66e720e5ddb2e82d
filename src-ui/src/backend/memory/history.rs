//! What was ever written to the records in memory.

use lentera_api::view::{Conflict, Delivered, HistoryEntry, HistoryField};
use lentera_domain::{Nik, Timestamp, WilayahCode};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::villages;

/// All writings, oldest first, each with its record's id.
#[derive(Default)]
pub struct History(Vec<(Uuid, HistoryEntry)>);

impl History {
    /// The person of this device made `after` of `before`.
    pub fn wrote<T: Serialize>(&mut self, id: Uuid, before: Option<&T>, after: &T, at: Timestamp) {
        let before = before.map(fields_of).unwrap_or_default();
        let mut fields = fields_of(after);
        fields.retain(|field| !HistoryEntry::UNSAID.contains(&field.field.as_str()) && !before.contains(field));
        fields.retain(|field| !field.text.is_empty() || before.iter().any(|other| other.field == field.field));
        let (author, delivered) = ("Siti Rahmah".into(), Delivered::Waiting);
        self.0.push((id, HistoryEntry { author, own: true, at: Some(at), delivered, fields }));
    }

    /// What made a conflict was written, by whoever it was.
    pub fn disagreed(&mut self, conflict: &Conflict) {
        for value in &conflict.values {
            let field = HistoryField { field: conflict.field.clone(), text: value.text.clone() };
            let entry = HistoryEntry {
                author: value.author.clone(),
                own: value.own,
                at: value.at,
                delivered: Delivered::Arrived,
                fields: vec![field],
            };
            self.0.push((conflict.record.id, entry));
        }
    }

    /// The writings of a record, newest first; what has arrived of it is known for the record as a whole.
    pub fn of(&self, id: Uuid, delivered: Delivered) -> Vec<HistoryEntry> {
        let of_record = self.0.iter().filter(|(record, _)| *record == id);
        let mut entries: Vec<_> = of_record.map(|(_, entry)| HistoryEntry { delivered, ..entry.clone() }).collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
        entries
    }
}

/// The fields of a record, or of several that are one to people, as they are read.
fn fields_of(record: &impl Serialize) -> Vec<HistoryField> {
    let parts = match serde_json::to_value(record) {
        Ok(Value::Array(parts)) => parts,
        Ok(part) => vec![part],
        Err(_) => vec![],
    };
    let parts = parts.into_iter().filter_map(|part| if let Value::Object(part) = part { Some(part) } else { None });
    parts.flatten().map(|(field, value)| HistoryField { text: text(&field, &value), field }).collect()
}

fn text(field: &str, value: &Value) -> String {
    match (field, value) {
        (_, Value::Null) => String::new(),
        ("nik", Value::String(nik)) => Nik::parse(nik).map_or_else(|_| nik.clone(), |nik| nik.masked()),
        ("village", Value::String(code)) => {
            WilayahCode::parse(code).map_or_else(|_| code.clone(), |code| villages::name_of(&code))
        }
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}
