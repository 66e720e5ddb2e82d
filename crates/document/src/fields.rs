//! A record as the flat map its document holds.

use std::collections::BTreeMap;

use automerge::{ScalarValue, ScalarValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::DocumentError;

/// Keys and scalar values of a record. A key whose value is null counts as absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(BTreeMap<String, Value>);

/// The fields of `record`.
///
/// # Errors
/// [`DocumentError::NotFlat`] for a record with a list or a map in it: such a type does not belong in a document.
pub fn fields_of(record: &impl Serialize) -> Result<Fields, DocumentError> {
    let Ok(Value::Object(map)) = serde_json::to_value(record) else {
        return Err(DocumentError::NotFlat);
    };
    let mut fields = BTreeMap::new();
    for (key, value) in map {
        match value {
            Value::Null => {}
            Value::Array(_) | Value::Object(_) => return Err(DocumentError::NotFlat),
            scalar => {
                fields.insert(key, scalar);
            }
        }
    }
    Ok(Fields(fields))
}

impl Fields {
    /// The record these fields are of; unknown keys, of a newer version, are passed over.
    ///
    /// # Errors
    /// [`DocumentError::Unreadable`] with the first key that does not fit its type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, DocumentError> {
        let map = self.0.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        serde_json::from_value(Value::Object(map)).map_err(|error| DocumentError::Unreadable(error.to_string()))
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// What must be written to come from these fields to `to`; `None` for a key to be emptied.
    pub fn difference<'a>(&'a self, to: &'a Self) -> Vec<(&'a str, Option<&'a Value>)> {
        let emptied = self.0.keys().filter(|key| !to.0.contains_key(*key)).map(|key| (key.as_str(), None));
        let written =
            to.0.iter().filter(|(key, value)| self.0.get(*key) != Some(value)).map(|(key, value)| (key.as_str(), Some(value)));
        let mut difference: Vec<_> = emptied.chain(written).collect();
        difference.sort_unstable_by_key(|(key, _)| *key);
        difference
    }

    pub(crate) fn insert(&mut self, key: String, value: &ScalarValueRef<'_>) {
        if let Some(value) = json(value) {
            self.0.insert(key, value);
        }
    }
}

/// The JSON scalar of an Automerge scalar; `None` for emptied ones and for types that no record has.
pub(crate) fn json(value: &ScalarValueRef<'_>) -> Option<Value> {
    match value {
        ScalarValueRef::Str(text) => Some(Value::from(text.as_ref())),
        ScalarValueRef::Int(number) => Some(Value::from(*number)),
        ScalarValueRef::Uint(number) => Some(Value::from(*number)),
        ScalarValueRef::Boolean(truth) => Some(Value::from(*truth)),
        _ => None,
    }
}

/// The Automerge scalar of a JSON scalar. Numbers outside 64-bit integers do not occur in records.
pub(crate) fn scalar(value: Option<&Value>) -> ScalarValue {
    match value {
        Some(Value::String(text)) => ScalarValue::Str(text.as_str().into()),
        Some(Value::Bool(truth)) => ScalarValue::Boolean(*truth),
        Some(Value::Number(number)) => number.as_i64().map_or(ScalarValue::Null, ScalarValue::Int),
        _ => ScalarValue::Null,
    }
}
