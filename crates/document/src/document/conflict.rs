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
        let Some((_, value, shown)) = chosen.cloned() else { return Ok(None) };
        // Put over itself, Automerge would only delete the others: someone who settles it otherwise at the same time would win unseen.
        let delete = shown.then_some(field);
        self.commit(actor, at, delete, [(field, value)])
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

#[cfg(test)]
mod tests {
    use lentera_domain::UmkmId;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::guard::{NoWatch, examine};
    use crate::{Fields, fields_of};

    const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

    fn actor(n: u8) -> Actor {
        Actor::derive(&[n; 32], 0)
    }

    /// An enterprise with these fields.
    fn fields(mut value: Value) -> Fields {
        let rest = json!({ "owner_name": "Aluh", "village": "63.11.01.2001", "registered_at": NOW });
        value.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        fields_of(&value).unwrap()
    }

    /// A document that writers 1, 2, … edited at once, each from the same beginning, and the changes they made.
    fn edited_at_once(edits: &[Value]) -> (Document, Vec<ChangeHash>) {
        let id = UmkmId(Uuid::from_u128(9)).record();
        let mut base = Document::new(id).unwrap();
        let from = fields(json!({ "name": "Dapur", "product": "kue" }));
        let first = base.write(actor(1), NOW, &Fields::default(), &from).unwrap().unwrap();
        let changes: Vec<NewChange> = (1..)
            .zip(edits)
            .map(|(n, edit)| base.clone().write(actor(n), NOW, &from, &fields(edit.clone())).unwrap().unwrap())
            .collect();
        let kept = std::iter::once(&first).chain(&changes).map(|change| change.bytes.as_slice());
        (Document::load(id, kept).unwrap(), changes.iter().map(|change| change.hash).collect())
    }

    #[test]
    fn different_values_of_one_field_are_told_and_same_ones_are_not() {
        let (document, changes) = edited_at_once(&[
            json!({ "name": "Dapur Melati", "product": "sasirangan", "founded": 2011 }),
            json!({ "name": "Dapur Melati", "product": null }),
        ]);
        let conflicts = document.conflicts();
        assert_eq!(conflicts.iter().map(|conflict| conflict.field.as_str()).collect::<Vec<_>>(), ["product"]);
        let values = &conflicts[0].values;
        assert!(values[0].change < values[1].change);
        for (value, change) in [(json!("sasirangan"), changes[0]), (Value::Null, changes[1])] {
            let told = values.iter().find(|told| told.change == change).unwrap();
            assert_eq!(told.value, value);
            let shown = document.fields().get("product").cloned().unwrap_or_default();
            assert_eq!(told.shown, shown == value);
        }
        assert_eq!(values.iter().filter(|value| value.shown).count(), 1);
    }

    #[test]
    fn a_person_settles_it_either_way_and_everywhere() {
        let edits = [json!({ "name": "Melati", "product": "kue" }), json!({ "name": "Mawar", "product": "kue" })];
        let (document, changes) = edited_at_once(&edits);
        for (choice, edit) in changes.iter().zip(&edits) {
            let mut settled = document.clone();
            let change = settled.settle(actor(9), NOW, "name", *choice).unwrap().unwrap();
            assert_eq!((settled.conflicts(), settled.fields().get("name")), (vec![], edit.get("name")));
            assert_eq!(settled.settle(actor(9), NOW, "name", *choice).unwrap(), None);
            let elsewhere = examine(&document, Some(actor(9)), &change.bytes, &NoWatch).unwrap();
            assert_eq!((elsewhere.document.conflicts(), elsewhere.document.fields()), (vec![], settled.fields()));
        }
        let mut untouched = document.clone();
        assert_eq!(untouched.settle(actor(9), NOW, "name", [0; 32]).unwrap(), None);
        assert_eq!(untouched.settle(actor(9), NOW, "product", changes[0]).unwrap(), None);
        assert_eq!(untouched.fields(), document.fields());
    }

    #[test]
    fn two_who_settle_at_once_leave_a_conflict_of_theirs() {
        let edits = [json!({ "name": "Melati", "product": "kue" }), json!({ "name": "Mawar", "product": "kue" })];
        let (document, changes) = edited_at_once(&edits);
        let mut merged = document.clone();
        let other = document.clone().settle(actor(8), NOW, "name", changes[0]).unwrap().unwrap();
        let mine = merged.settle(actor(9), NOW, "name", changes[1]).unwrap().unwrap();
        merged.doc.apply_changes([automerge::Change::try_from(other.bytes.as_slice()).unwrap()]).unwrap();
        let told: Vec<ChangeHash> = merged.conflicts()[0].values.iter().map(|value| value.change).collect();
        let mut expected = vec![other.hash, mine.hash];
        expected.sort_unstable();
        assert_eq!(told, expected);
        assert_eq!(merged.settle(actor(7), NOW, "name", other.hash).unwrap().map(|_| merged.conflicts()), Some(vec![]));
    }
}
