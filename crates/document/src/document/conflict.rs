//! Fields that two people wrote at once: shown, and settled by a person, never by chance alone.

use std::collections::BTreeMap;

use automerge::{ROOT, ReadDoc, ScalarValue, Value};
use lentera_domain::Timestamp;

use super::{Document, DocumentError, NewChange};
use crate::fields::json;
use crate::{Actor, ChangeHash};

/// A field with two or more different values that nobody wrote over.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldConflict {
    /// The field's key.
    pub field: String,
    /// Its values, each once, in the order of the changes' names.
    pub values: Vec<FieldValue>,
}

/// One of the values of a field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldValue {
    /// The value; null where it was emptied.
    pub value: serde_json::Value,
    /// The change that wrote it.
    pub change: ChangeHash,
    /// It is the one that is shown until the conflict is settled.
    pub shown: bool,
}

impl Document {
    /// The fields that stand in conflict, in the order of their keys. Values that are the same are no conflict, whoever wrote them.
    pub fn conflicts(&self) -> Vec<FieldConflict> {
        let mut conflicts = Vec::new();
        for item in self.doc.map_range(ROOT, ..).filter(|item| item.conflict) {
            let field = item.key.into_owned();
            let mut different: Vec<FieldValue> = Vec::new();
            for (change, value, shown) in self.values(&field) {
                let value = json(&value.into()).unwrap_or_default();
                match different.iter_mut().find(|other| other.value == value) {
                    None => different.push(FieldValue { value, change, shown }),
                    Some(same) if shown => *same = FieldValue { value, change, shown },
                    Some(_) => {}
                }
            }
            if different.len() > 1 {
                different.sort_unstable_by_key(|value| value.change);
                conflicts.push(FieldConflict { field, values: different });
            }
        }
        conflicts.sort_unstable_by(|a, b| a.field.cmp(&b.field));
        conflicts
    }

    /// Writes the value that `choice` gave to `field` over all others. `None` where no conflict is left there, or none with that value:
    /// somebody else settled it.
    ///
    /// # Errors
    /// None in practice, as [`Document::write`].
    pub fn settle(
        &mut self,
        actor: Actor,
        at: Timestamp,
        field: &str,
        choice: ChangeHash,
    ) -> Result<Option<NewChange>, DocumentError> {
        let values = self.values(field);
        let chosen = values.iter().find(|(change, ..)| *change == choice).filter(|_| values.len() > 1);
        self.put(actor, at, chosen.map(|(_, value, _)| (field, value.clone())))
    }

    /// The values of `field` that nobody wrote over, in the order of their changes' names: who wrote each, and whether it is the one shown.
    fn values(&self, field: &str) -> Vec<(ChangeHash, ScalarValue, bool)> {
        let shown = self.doc.get(ROOT, field).ok().flatten().map(|(_, id)| id);
        let mut values = BTreeMap::new();
        for (value, id) in self.doc.get_all(ROOT, field).unwrap_or_default() {
            if let (Value::Scalar(value), Some(change)) = (value, self.doc.hash_for_opid(&id)) {
                values.insert(change.0, (value.into_owned(), shown.as_ref() == Some(&id)));
            }
        }
        values.into_iter().map(|(change, (value, shown))| (change, value, shown)).collect()
    }
}
