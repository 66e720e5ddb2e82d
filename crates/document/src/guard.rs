//! No byte from outside reaches Automerge unchecked.
//!
//! Automerge 0.12 panics on many damaged changes, aborts on some by allocation, accepts some that it cannot save, and queues
//! what lacks a dependency without a word. So a foreign change is first measured without being decoded ([`prescan`]), then decoded
//! under `catch_unwind`, compared with its own bytes, applied to a copy, saved, loaded and read; only then is it accepted.

pub mod prescan;

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{AutoCommit, Change, ROOT, ReadDoc, Value};
use lentera_domain::RecordId;

use crate::genesis::KIND_KEY;
use crate::{Actor, ChangeHash, Document, Projection, project};

/// Bytes of one change at most. The longest record of today is about 30 KB, with every text at its limit in four-byte characters.
pub const CHANGE_BYTES_MAX: usize = 48 * 1024;
/// Operations of one change at most; a record has some twenty fields.
pub const CHANGE_OPS_MAX: u64 = 256;
/// Dependencies of one change at most: one for each head that devices left apart.
pub const CHANGE_DEPS_MAX: u64 = 64;
/// Changes of one document at most.
pub const DOCUMENT_CHANGES_MAX: usize = 10_000;

/// Why a change was not accepted. The codes travel in receipts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Larger than allowed, in bytes, operations, dependencies or changes of the document.
    #[error("too_large")]
    TooLarge,
    /// Not a change, or one that does not come out of the decoder as it went in.
    #[error("malformed")]
    Malformed,
    /// Its hash is not the one it was announced under.
    #[error("hash_mismatch")]
    HashMismatch,
    /// Written by another than the device that sends it.
    #[error("wrong_actor")]
    WrongActor,
    /// Its number is not the next of its writer in this document.
    #[error("wrong_seq")]
    WrongSeq,
    /// It builds on a change that is not here (yet).
    #[error("need")]
    Need(ChangeHash),
    /// The record it makes is not one: a field missing, of a wrong type or over its limit.
    #[error("bad_record")]
    BadRecord,
}

impl Refusal {
    /// The code in receipts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::HashMismatch => "hash_mismatch",
            Self::WrongActor => "wrong_actor",
            Self::WrongSeq => "wrong_seq",
            Self::Need(_) => "need",
            Self::BadRecord => "bad_record",
        }
    }
}

/// A foreign change that passed, and the document with it applied.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The change's name.
    pub hash: ChangeHash,
    /// The document with the change.
    pub document: Document,
    /// The record it now holds.
    pub projection: Projection,
    /// The change was here before: nothing is to be stored.
    pub known: bool,
}

/// Judges one foreign change to the record `id`. `kept` are the changes accepted so far, in order; `actor` is the writer it must be
/// of, where that is known (the server knows it from the bundle; a device takes the server's word).
///
/// # Errors
/// A [`Refusal`]; nothing was changed.
pub fn examine(id: RecordId, kept: &[Vec<u8>], actor: Option<Actor>, bytes: &[u8]) -> Result<Accepted, Refusal> {
    if kept.len() >= DOCUMENT_CHANGES_MAX {
        return Err(Refusal::TooLarge);
    }
    let measure = prescan::measure(bytes)?;
    if actor.is_some_and(|actor| actor.as_bytes() != measure.actor.as_slice()) {
        return Err(Refusal::WrongActor);
    }
    catch_unwind(AssertUnwindSafe(|| decode_and_apply(id, kept, &measure, bytes))).unwrap_or(Err(Refusal::Malformed))
}

fn decode_and_apply(id: RecordId, kept: &[Vec<u8>], measure: &prescan::Measure, bytes: &[u8]) -> Result<Accepted, Refusal> {
    let change = Change::from_bytes(bytes.to_vec()).map_err(|_| Refusal::Malformed)?;
    let hash = change.hash();
    let encoded_again = Change::from(change.decode());
    if change.raw_bytes() != bytes || encoded_again.raw_bytes() != bytes || change.len() as u64 > measure.ops {
        return Err(Refusal::Malformed);
    }
    let mut document = Document::load(id, kept.iter().map(Vec::as_slice)).map_err(|_| Refusal::Malformed)?;
    if document.doc.get_change_by_hash(&hash).is_some() {
        let projection = project(&document).map_err(|_| Refusal::BadRecord)?;
        return Ok(Accepted { hash: hash.0, document, projection, known: true });
    }
    for dep in change.deps() {
        if document.doc.get_change_by_hash(dep).is_none() {
            return Err(Refusal::Need(dep.0));
        }
    }
    let last_seq =
        document.doc.get_changes(&[]).iter().filter(|kept| kept.actor_id() == change.actor_id()).map(Change::seq).max();
    if change.seq() != last_seq.unwrap_or(0) + 1 {
        return Err(Refusal::WrongSeq);
    }
    document.doc.apply_changes([change]).map_err(|_| Refusal::Malformed)?;
    let stands_as_sent = document.doc.get_change_by_hash(&hash).is_some_and(|stored| stored.raw_bytes() == bytes);
    let saved = document.doc.save();
    let mut loaded = AutoCommit::load(&saved).map_err(|_| Refusal::Malformed)?;
    if !stands_as_sent || loaded.get_heads() != document.doc.get_heads() {
        return Err(Refusal::Malformed);
    }
    if !is_flat_and_of_its_kind(&document) {
        return Err(Refusal::BadRecord);
    }
    let projection = project(&document).map_err(|_| Refusal::BadRecord)?;
    Ok(Accepted { hash: hash.0, document, projection, known: false })
}

/// Every value, losers of conflicts too, is a scalar, and the kind is that of the genesis.
fn is_flat_and_of_its_kind(document: &Document) -> bool {
    let scalars_only = document.doc.keys(ROOT).all(|key| {
        document.doc.get_all(ROOT, &key).is_ok_and(|values| values.iter().all(|(value, _)| matches!(value, Value::Scalar(_))))
    });
    let kind = document.fields().get(KIND_KEY).and_then(serde_json::Value::as_i64);
    scalars_only && kind == Some(i64::from(document.id().kind.number()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fields, fields_of};
    use lentera_domain::umkm::UmkmForm;
    use lentera_domain::{Timestamp, UmkmId};
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

    fn id() -> RecordId {
        UmkmId(Uuid::from_u128(9)).record()
    }

    fn actor() -> Actor {
        Actor::derive(&[1; 32], 0)
    }

    fn fields(founded: &str) -> Fields {
        let form = UmkmForm {
            name: "Dapur".into(),
            owner_name: "Aluh".into(),
            village: "63.11.01.2001".into(),
            founded: founded.into(),
            ..UmkmForm::default()
        };
        fields_of(&form.parse(NOW).unwrap().0).unwrap()
    }

    /// A change that makes the enterprise, and one that builds on it.
    fn two_changes() -> [Vec<u8>; 2] {
        let mut document = Document::new(id()).unwrap();
        let first = document.write(actor(), NOW, &Fields::default(), &fields("")).unwrap().unwrap();
        let second = document.write(actor(), NOW, &fields(""), &fields("1999")).unwrap().unwrap();
        [first.bytes, second.bytes]
    }

    fn refusal(kept: &[Vec<u8>], bytes: &[u8]) -> Refusal {
        examine(id(), kept, Some(actor()), bytes).map(|_| ()).unwrap_err()
    }

    #[test]
    fn honest_changes_pass_once_and_are_known_after() {
        let [first, second] = two_changes();
        assert!(!examine(id(), &[], Some(actor()), &first).unwrap().known);
        let kept = [first.clone()];
        assert!(examine(id(), &kept, Some(actor()), &first).unwrap().known);
        assert!(!examine(id(), &kept, None, &second).unwrap().known);
    }

    #[test]
    fn what_is_out_of_place_is_named() {
        let [first, second] = two_changes();
        assert!(matches!(refusal(&[], &second), Refusal::Need(_)));
        let other = Actor::derive(&[2; 32], 0);
        assert_eq!(examine(id(), &[], Some(other), &first).map(|_| ()).unwrap_err(), Refusal::WrongActor);
        assert_eq!(refusal(&[], b""), Refusal::Malformed);
        assert_eq!(refusal(&[], &[0; 100]), Refusal::Malformed);
        assert_eq!(refusal(&[], &vec![0; CHANGE_BYTES_MAX + 1]), Refusal::TooLarge);
    }

    #[test]
    fn a_record_that_is_none_is_refused() {
        let mut document = Document::new(id()).unwrap();
        let mut broken = fields("");
        broken.insert("village".into(), &automerge::ScalarValue::from("nowhere"));
        let change = document.write(actor(), NOW, &Fields::default(), &broken).unwrap().unwrap();
        assert_eq!(refusal(&[], &change.bytes), Refusal::BadRecord);
        let mut document = Document::new(id()).unwrap();
        broken = fields("");
        broken.insert("kind".into(), &automerge::ScalarValue::from(1));
        let change = document.write(actor(), NOW, &Fields::default(), &broken).unwrap().unwrap();
        assert_eq!(refusal(&[], &change.bytes), Refusal::BadRecord);
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { cases: 2000, ..Default::default() })]
        /// Flipped and cut bytes, with their checksum made right again or not, neither panic nor pass as something else.
        #[test]
        fn damaged_changes_are_refused(at in 0usize..400, value: u8, cut in 0usize..3, second: bool, mend: bool) {
            let [first, next] = two_changes();
            let (kept, honest) = if second { (vec![first], next) } else { (vec![], first) };
            let mut bytes = honest.clone();
            let length = bytes.len();
            bytes[at % length] = value;
            bytes.truncate(length - cut.min(length));
            if mend {
                let checksum = sha2::Digest::finalize(sha2::Digest::chain_update(sha2::Sha256::default(), &bytes[8..]));
                bytes[4..8].copy_from_slice(&checksum[..4]);
            }
            if bytes != honest && let Ok(accepted) = examine(id(), &kept, None, &bytes) {
                // A flip may make another honest change (another time, another letter): then all of it must hold.
                let all: Vec<&[u8]> = kept.iter().map(Vec::as_slice).chain([bytes.as_slice()]).collect();
                proptest::prop_assert_eq!(project(&Document::load(id(), all).unwrap()).unwrap(), accepted.projection);
            }
        }
    }
}
