//! Writing on a document as somebody saw it: what others wrote since is not written over, it stands beside it as a conflict.

use std::collections::BTreeSet;

use automerge::{Automerge, ReadDoc, ScalarValue};
use lentera_domain::Timestamp;

use super::{Document, DocumentError, NewChange, parse_kept, puts};
use crate::fields::{Fields, scalar};
use crate::{Actor, ChangeHash};

/// A field to be written, and what; `None` where it is emptied.
type Difference<'a> = (&'a str, Option<&'a serde_json::Value>);

/// When somebody saw what they write over.
enum Seen {
    /// As it stands.
    Now,
    /// As it stood.
    Then(Box<Document>),
    /// It never stood so.
    Never,
}

impl Document {
    /// As [`Document::write`], by somebody who saw the document when the fields they changed last read as in `from`, and nothing else: of
    /// values in conflict a form shows one. `changes` are those it is made of, in the order in which they came here. Where that was never so,
    /// or `actor` has written since, it is written on what stands. Fields that were never seen at one time are changes of their own.
    ///
    /// # Errors
    /// [`DocumentError::Load`] where kept bytes are damaged.
    pub fn write_as_seen(
        &mut self,
        actor: Actor,
        at: Timestamp,
        changes: &[&[u8]],
        from: &Fields,
        to: &Fields,
    ) -> Result<Vec<NewChange>, DocumentError> {
        let difference = from.difference(to);
        let mut groups = match self.seen(from, &difference, changes)? {
            Seen::Now => vec![(None, difference)],
            Seen::Then(past) => vec![(Some(past), difference)],
            Seen::Never => {
                let mut groups = Vec::new();
                for field in difference {
                    let past = match self.seen(from, &[field], changes)? {
                        Seen::Then(past) => Some(past),
                        Seen::Now | Seen::Never => None,
                    };
                    groups.push((past, vec![field]));
                }
                groups
            }
        };
        // What goes on what stands comes last: it is written with all there is by then.
        groups.sort_by_key(|(past, _)| past.is_none());
        let mut new = Vec::new();
        for (past, fields) in groups {
            let values: Vec<_> = fields.into_iter().map(|(key, value)| (key.to_owned(), scalar(value))).collect();
            new.extend(match past {
                Some(past) => self.put_on(*past, actor, at, values)?,
                None => self.put(actor, at, values)?,
            });
        }
        Ok(new)
    }

    /// When these fields, of a form that was opened as `from`, read so and were in no conflict.
    fn seen(&self, from: &Fields, difference: &[Difference<'_>], changes: &[&[u8]]) -> Result<Seen, DocumentError> {
        let as_seen = |document: &Self| {
            let (fields, conflicts) = (document.fields(), document.conflicts());
            difference
                .iter()
                .all(|(key, _)| fields.get(key) == from.get(key) && !conflicts.iter().any(|conflict| conflict.field == *key))
        };
        if as_seen(self) {
            return Ok(Seen::Now);
        }
        Ok(self.last_that(as_seen, difference, changes)?.map_or(Seen::Never, |past| Seen::Then(Box::new(past))))
    }

    /// The document as it last was here when it was `as_seen`; else, as it was for whoever wrote the value that is shown of a field.
    fn last_that(
        &self,
        as_seen: impl Fn(&Self) -> bool,
        difference: &[Difference<'_>],
        changes: &[&[u8]],
    ) -> Result<Option<Self>, DocumentError> {
        let (mut past, mut seen) = (Self::new(self.id)?, None);
        for (count, bytes) in (1..).zip(changes) {
            past.doc.apply_changes([parse_kept(bytes)?])?;
            if past.doc.get_missing_deps(&[]).is_empty() && as_seen(&past) {
                seen = Some(count);
            }
        }
        if let Some(changes) = seen.and_then(|count| changes.get(..count)) {
            return Self::load(self.id, changes.iter().copied()).map(Some);
        }
        let conflicts = self.conflicts().into_iter().filter(|conflict| difference.iter().any(|(key, _)| conflict.field == *key));
        let writers = conflicts.flat_map(|conflict| conflict.values).filter(|value| value.shown).map(|value| value.change);
        for writer in writers {
            let past = self.as_of(&[writer])?;
            if as_seen(&past) {
                return Ok(Some(past));
            }
        }
        Ok(None)
    }

    /// Writes the fields of a change of ours anew: one that does not stand, on `ground`, which is what it was written on as far as that
    /// stands. `None` where they read so there already.
    ///
    /// # Errors
    /// [`DocumentError::Load`] where the bytes are damaged.
    pub fn rewrite(
        &mut self,
        actor: Actor,
        at: Timestamp,
        ground: &[ChangeHash],
        lost_change: &[u8],
    ) -> Result<Option<NewChange>, DocumentError> {
        let values = puts(lost_change)?;
        self.put_on(self.as_of(ground)?, actor, at, values)
    }

    /// Puts `values` on the document as it was, and takes that as it would take another's change. An actor that has written since has seen
    /// what came since: it goes on from what stands.
    fn put_on(
        &mut self,
        mut past: Self,
        actor: Actor,
        at: Timestamp,
        values: Vec<(String, ScalarValue)>,
    ) -> Result<Option<NewChange>, DocumentError> {
        if self.count_by(actor) != past.count_by(actor) {
            return self.put(actor, at, values);
        }
        let new = past.put(actor, at, values)?;
        if let Some(new) = &new {
            self.doc.apply_changes([parse_kept(&new.bytes)?])?;
        }
        Ok(new)
    }

    /// The document as it was after `heads`, and all that they build on.
    fn as_of(&self, heads: &[ChangeHash]) -> Result<Self, DocumentError> {
        let mut wanted: BTreeSet<ChangeHash> = heads.iter().copied().collect();
        let mut changes = self.doc.get_changes(&[]);
        // Each comes behind all that it builds on.
        let mut kept: Vec<_> = changes
            .drain(..)
            .rev()
            .filter(|change| {
                let is_wanted = wanted.contains(&change.hash().0);
                if is_wanted {
                    wanted.extend(change.deps().iter().map(|dep| dep.0));
                }
                is_wanted
            })
            .collect();
        kept.reverse();
        if kept.is_empty() {
            return Self::new(self.id);
        }
        let mut doc = Automerge::new();
        doc.apply_changes(kept)?;
        Ok(Self { id: self.id, doc })
    }

    fn count_by(&self, actor: Actor) -> usize {
        self.doc.get_changes(&[]).iter().filter(|change| *change.actor_id() == actor.id()).count()
    }
}

/// The names of the changes that a kept change was written on.
///
/// # Errors
/// [`DocumentError::Load`] where the bytes are damaged.
pub fn builds_on(change: &[u8]) -> Result<Vec<ChangeHash>, DocumentError> {
    Ok(parse_kept(change)?.deps().iter().map(|dep| dep.0).collect())
}

#[cfg(test)]
mod tests {
    use lentera_domain::{Umkm, UmkmId};
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::fields_of;

    const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

    fn actor(n: u8) -> Actor {
        Actor::derive(&[n; 32], 0)
    }

    fn fields(product: &str, address: &str) -> Fields {
        let umkm = json!({
            "name": "Dapur", "owner_name": "Aluh", "village": "63.11.01.2001", "registered_at": NOW, "product": product,
            "address": address,
        });
        fields_of(&umkm).unwrap()
    }

    /// A document somebody made, and its first change.
    fn made() -> (Document, Vec<u8>) {
        let mut document = Document::new(UmkmId(Uuid::from_u128(9)).record()).unwrap();
        let first = document.write(actor(1), NOW, &Fields::default(), &fields("kue", "RT 1")).unwrap().unwrap();
        (document, first.bytes)
    }

    fn write(document: &mut Document, writer: u8, from: &Fields, to: &Fields) -> Vec<u8> {
        document.write(actor(writer), NOW, from, to).unwrap().unwrap().bytes
    }

    fn products(document: &Document) -> Vec<String> {
        let conflicts = document.conflicts();
        let values = conflicts.iter().filter(|conflict| conflict.field == "product").flat_map(|conflict| &conflict.values);
        let mut texts: Vec<_> = values.map(|value| value.value.as_str().unwrap_or_default().to_owned()).collect();
        texts.sort_unstable();
        texts
    }

    #[test]
    fn what_came_while_a_form_was_open_is_not_written_over_unseen() {
        let (mut document, first) = made();
        let theirs = write(&mut document, 2, &fields("kue", "RT 1"), &fields("amplang", "RT 1"));
        let changes = [first.as_slice(), &theirs];
        // The form was opened before: another field stays what it is, the same field becomes a conflict.
        let (from, to) = (fields("kue", "RT 1"), fields("kerupuk", "RT 2"));
        let new = document.write_as_seen(actor(1), NOW, &changes, &from, &to).unwrap();
        assert_eq!(products(&document), ["amplang", "kerupuk"]);
        let umkm: Umkm = document.read().unwrap();
        assert_eq!(umkm.address.unwrap().as_str(), "RT 2");
        let again = Document::load(document.id(), [first.as_slice(), &theirs, &new[0].bytes]).unwrap();
        assert_eq!((again.fields(), again.conflicts()), (document.fields(), document.conflicts()));
    }

    #[test]
    fn a_form_that_was_opened_on_what_stands_or_on_what_never_was_writes_over_it() {
        for opened in ["amplang", "never"] {
            let (mut document, first) = made();
            let theirs = write(&mut document, 2, &fields("kue", "RT 1"), &fields("amplang", "RT 1"));
            let to = fields("kerupuk", "RT 1");
            document.write_as_seen(actor(1), NOW, &[&first, &theirs], &fields(opened, "RT 1"), &to).unwrap();
            assert_eq!((products(&document), document.fields().get("product")), (vec![], to.get("product")));
        }
    }

    #[test]
    fn of_values_in_conflict_only_the_one_that_was_shown_is_written_over() {
        let (base, first) = made();
        let from = fields("kue", "RT 1");
        let [one, other] =
            [(2, "amplang"), (3, "kerupuk")].map(|(writer, to)| write(&mut base.clone(), writer, &from, &fields(to, "RT 1")));
        for changes in [[first.as_slice(), &one, &other], [first.as_slice(), &other, &one]] {
            let mut document = Document::load(base.id(), changes).unwrap();
            let shown = document.fields();
            let hidden = ["amplang", "kerupuk"].into_iter().find(|text| shown.get("product").unwrap() != text).unwrap();
            document.write_as_seen(actor(1), NOW, &changes, &shown, &fields("wajik", "RT 1")).unwrap();
            assert_eq!(products(&document), [hidden, "wajik"]);
        }
    }

    #[test]
    fn fields_that_were_never_seen_at_one_time_leave_each_what_was_not_seen() {
        let (base, first) = made();
        let from = fields("kue", "RT 1");
        // Mine changed both, theirs too; of one field mine is shown, of the other theirs.
        for other in 2..40 {
            let mine = write(&mut base.clone(), 1, &from, &fields("kerupuk", "RT 3"));
            let theirs = write(&mut base.clone(), other, &from, &fields("amplang", "RT 2"));
            let changes = [first.as_slice(), &mine, &theirs];
            let mut document = Document::load(base.id(), changes).unwrap();
            let shown = document.fields();
            let hidden = if shown.get("product").unwrap() == "kerupuk" { "amplang" } else { "kerupuk" };
            // As if of the other field it were the other way round.
            let opened =
                fields(shown.get("product").unwrap().as_str().unwrap(), if hidden == "amplang" { "RT 2" } else { "RT 3" });
            document.write_as_seen(actor(1), NOW, &changes, &opened, &fields("wajik", "RT 9")).unwrap();
            let is_mine_hidden = hidden == "kerupuk";
            // My own words I have seen.
            let expected: &[&str] = if is_mine_hidden { &[] } else { &["amplang", "wajik"] };
            assert_eq!(products(&document), expected, "writer {other}");
            assert!(document.doc.get_missing_deps(&[]).is_empty());
        }
    }

    #[test]
    fn who_has_written_since_goes_on_from_what_stands() {
        let (mut document, first) = made();
        let theirs = write(&mut document, 2, &fields("kue", "RT 1"), &fields("amplang", "RT 1"));
        let mine = write(&mut document, 1, &fields("amplang", "RT 1"), &fields("amplang", "RT 3"));
        let to = fields("kerupuk", "RT 1");
        document.write_as_seen(actor(1), NOW, &[&first, &theirs, &mine], &fields("kue", "RT 1"), &to).unwrap();
        assert_eq!(products(&document), [""; 0]);
        assert!(document.doc.get_missing_deps(&[]).is_empty());
    }

    #[test]
    fn what_is_written_anew_leaves_what_others_wrote_at_the_same_time() {
        let (base, first) = made();
        let from = fields("kue", "RT 1");
        let refused = write(&mut base.clone(), 1, &from, &fields("kue", "RT 4"));
        let mut mine = base.clone();
        mine.doc.apply_changes([parse_kept(&refused).unwrap()]).unwrap();
        let lost = write(&mut mine, 1, &fields("kue", "RT 4"), &fields("kerupuk", "RT 4"));
        let theirs = write(&mut base.clone(), 2, &from, &fields("amplang", "RT 1"));
        let mut standing = Document::load(base.id(), [first.as_slice(), &theirs]).unwrap();
        let ground = builds_on(&refused).unwrap();
        let anew = standing.rewrite(Actor::derive(&[1; 32], 1), NOW, &ground, &lost).unwrap().unwrap();
        assert_eq!(products(&standing), ["amplang", "kerupuk"]);
        assert!(Document::load(base.id(), [first.as_slice(), &theirs, &anew.bytes]).is_ok());
        assert_eq!(builds_on(&lost).unwrap().len(), 1);
    }

    proptest! {
        /// Whoever opened the form when: no value disappears that the writer had not seen.
        #[test]
        fn nothing_unseen_is_written_over(writers in prop::collection::vec(2_u8..5, 1..8), opened in 0_usize..8) {
            let (mut document, first) = made();
            let mut changes = vec![first];
            let mut states = vec![fields("kue", "RT 1")];
            for (n, writer) in writers.iter().enumerate() {
                let to = fields(&format!("p{n}"), "RT 1");
                changes.push(write(&mut document, *writer, &states[n], &to));
                states.push(to);
            }
            let opened = opened % states.len();
            let kept: Vec<&[u8]> = changes.iter().map(Vec::as_slice).collect();
            document.write_as_seen(actor(1), NOW, &kept, &states[opened], &fields("mine", "RT 1")).unwrap();
            let last = states.last().unwrap().get("product").unwrap().as_str().unwrap().to_owned();
            let expected = if opened + 1 == states.len() { vec![] } else { vec!["mine".to_owned(), last] };
            prop_assert_eq!(products(&document), expected);
        }
    }
}
