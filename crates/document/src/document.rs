//! One record's document.

mod conflict;
mod past;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{Automerge, AutomergeError, Change, ROOT, ReadDoc, ScalarValue, ValueRef};
use lentera_domain::{Kind, RecordId, Timestamp};
use serde::de::DeserializeOwned;

pub use self::conflict::{FieldConflict, FieldValue};
pub use self::past::builds_on;
use crate::fields::{Fields, json, scalar};
use crate::genesis::genesis;
use crate::guard::prescan;
use crate::{Actor, ChangeHash};

/// A document in memory, built from its genesis and the changes accepted so far.
#[derive(Clone, Debug)]
pub struct Document {
    id: RecordId,
    pub(crate) doc: Automerge,
}

/// A change as it is kept and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChange {
    /// Its name.
    pub hash: ChangeHash,
    /// Its raw, uncompressed bytes.
    pub bytes: Vec<u8>,
}

/// What can be wrong with a document of our own. Foreign bytes are judged by [`crate::guard`] instead.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// A record type with lists or maps in it.
    #[error("record is not flat")]
    NotFlat,
    /// The fields are not those of the record.
    #[error("unreadable record: {0}")]
    Unreadable(String),
    /// Kept changes do not load.
    #[error("kept changes do not load: {0}")]
    Load(String),
    /// Kept changes do not all follow from the genesis.
    #[error("kept changes lack a dependency")]
    MissingDependency,
}

impl From<AutomergeError> for DocumentError {
    fn from(error: AutomergeError) -> Self {
        Self::Load(error.to_string())
    }
}

impl Document {
    /// A document with nothing but its genesis.
    ///
    /// # Errors
    /// None in practice: the genesis is constant.
    pub fn new(id: RecordId) -> Result<Self, DocumentError> {
        Self::load(id, [])
    }

    /// The document of changes that this side wrote or has accepted, in the order they were kept.
    ///
    /// # Errors
    /// When the kept bytes are damaged or not whole.
    pub fn load<'a>(id: RecordId, changes: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, DocumentError> {
        let mut doc = blank(id.kind)?;
        doc.apply_changes(changes.into_iter().map(parse_kept).collect::<Result<Vec<_>, _>>()?)?;
        if doc.get_missing_deps(&[]).is_empty() { Ok(Self { id, doc }) } else { Err(DocumentError::MissingDependency) }
    }

    /// It holds the change of this name.
    pub fn holds(&self, change: &ChangeHash) -> bool {
        self.doc.get_missing_deps(&[automerge::ChangeHash(*change)]).is_empty()
    }

    /// The names of the changes that nothing here builds on yet.
    pub fn heads(&self) -> Vec<ChangeHash> {
        self.doc.get_heads().into_iter().map(|head| head.0).collect()
    }

    /// Nothing but its genesis is here.
    pub(crate) fn is_blank(&self) -> bool {
        let heads = self.doc.get_heads();
        heads.iter().all(|head| self.doc.get_change_by_hash(head).is_some_and(|change| change.deps().is_empty()))
    }

    /// The record's name.
    pub const fn id(&self) -> RecordId {
        self.id
    }

    /// Writes what differs between `from` and `to` as one change by `actor`; `None` where nothing does. Fields that do not
    /// differ are not touched, so what others wrote to them stays.
    ///
    /// # Errors
    /// None in practice: all values are scalars of the root map.
    pub fn write(&mut self, actor: Actor, at: Timestamp, from: &Fields, to: &Fields) -> Result<Option<NewChange>, DocumentError> {
        self.put(actor, at, from.difference(to).into_iter().map(|(key, value)| (key, scalar(value))))
    }

    /// Puts `values` as one change; `None` where all of them stand already.
    fn put<K: Into<String>>(
        &mut self,
        actor: Actor,
        at: Timestamp,
        values: impl IntoIterator<Item = (K, ScalarValue)>,
    ) -> Result<Option<NewChange>, DocumentError> {
        self.commit(actor, at, None, values)
    }

    /// Deletes a field, then puts `values`, as one change.
    fn commit<K: Into<String>>(
        &mut self,
        actor: Actor,
        at: Timestamp,
        delete: Option<&str>,
        values: impl IntoIterator<Item = (K, ScalarValue)>,
    ) -> Result<Option<NewChange>, DocumentError> {
        self.doc.set_actor(actor.id());
        let mut transaction = self.doc.transaction();
        if let Some(field) = delete {
            transaction.delete(ROOT, field)?;
        }
        for (key, value) in values {
            transaction.put(ROOT, key.into(), value)?;
        }
        // Seconds, as Automerge's own time field is meant; the exact time of noting is a field of the record.
        let (hash, _) = transaction.commit_with(CommitOptions::default().with_time(at.millis().div_euclid(1000)));
        let change = hash.and_then(|hash| self.doc.get_change_by_hash(&hash));
        Ok(change.map(|change| NewChange { hash: change.hash().0, bytes: change.raw_bytes().to_vec() }))
    }

    /// The fields as they stand; of concurrent values the one that Automerge orders first, the same on every side.
    pub fn fields(&self) -> Fields {
        let mut fields = Fields::default();
        for item in self.doc.map_range(ROOT, ..) {
            if let ValueRef::Scalar(value) = item.value {
                fields.insert(item.key.into_owned(), &value);
            }
        }
        fields
    }

    /// The record.
    ///
    /// # Errors
    /// [`DocumentError::Unreadable`] where the fields are not whole.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, DocumentError> {
        self.fields().read()
    }
}

/// A document with the genesis of a kind and nothing else: a copy of one, which costs a fraction of making it.
fn blank(kind: Kind) -> Result<Automerge, DocumentError> {
    static MADE: LazyLock<BTreeMap<Kind, Automerge>> =
        LazyLock::new(|| Kind::ALL.into_iter().filter_map(|kind| Some((kind, make_blank(kind).ok()?))).collect());
    MADE.get(&kind).map_or_else(|| make_blank(kind), |made| Ok(made.clone()))
}

fn make_blank(kind: Kind) -> Result<Automerge, DocumentError> {
    let mut doc = Automerge::new();
    doc.apply_changes([parse_kept(genesis(kind))?])?;
    Ok(doc)
}

/// What a kept change wrote: keys and values, null where it emptied one.
///
/// # Errors
/// [`DocumentError::Load`] where the bytes are damaged.
pub fn written_by(change: &[u8]) -> Result<Vec<(String, serde_json::Value)>, DocumentError> {
    Ok(puts(change)?.into_iter().map(|(key, value)| (key, json(&value.into()).unwrap_or_default())).collect())
}

fn puts(change: &[u8]) -> Result<Vec<(String, ScalarValue)>, DocumentError> {
    use automerge::legacy::{Key, ObjectId, OpType};
    let operations = parse_kept(change)?.decode().operations.into_iter();
    let puts = operations.filter_map(|operation| match (operation.obj, operation.key, operation.action) {
        (ObjectId::Root, Key::Map(key), OpType::Put(value)) => Some((key.to_string(), value)),
        _ => None,
    });
    Ok(puts.collect())
}

/// A change that was accepted before. The prescan sees what a failing disk did to it.
fn parse_kept(bytes: &[u8]) -> Result<Change, DocumentError> {
    prescan::measure(bytes).map_err(|refusal| DocumentError::Load(refusal.to_string()))?;
    Change::try_from(bytes).map_err(|error| DocumentError::Load(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields_of;
    use lentera_domain::umkm::UmkmForm;
    use lentera_domain::{Umkm, UmkmId};
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

    fn dapur() -> Umkm {
        let form = UmkmForm {
            name: "Dapur Melati".into(),
            owner_name: "Aluh Contoh".into(),
            village: "63.11.01.2001".into(),
            product: "kue kering".into(),
            ..UmkmForm::default()
        };
        form.parse(NOW).unwrap().0
    }

    fn id() -> RecordId {
        UmkmId(Uuid::from_u128(9)).record()
    }

    fn create(actor: Actor) -> (Document, NewChange) {
        let mut document = Document::new(id()).unwrap();
        let change = document.write(actor, NOW, &Fields::default(), &fields_of(&dapur()).unwrap()).unwrap().unwrap();
        (document, change)
    }

    #[test]
    fn what_was_written_is_read_and_loads_again() {
        let (document, change) = create(Actor::derive(&[1; 32], 0));
        assert_eq!(document.read::<Umkm>().unwrap(), dapur());
        let again = Document::load(id(), [change.bytes.as_slice()]).unwrap();
        assert_eq!(again.read::<Umkm>().unwrap(), dapur());
    }

    #[test]
    fn edits_of_different_fields_both_stay() {
        let (base, first) = create(Actor::derive(&[1; 32], 0));
        let before = fields_of(&dapur()).unwrap();
        let edit = |actor: u8, change: &dyn Fn(&mut Umkm)| {
            let mut edited = dapur();
            change(&mut edited);
            let mut document = base.clone();
            document.write(Actor::derive(&[actor; 32], 0), NOW, &before, &fields_of(&edited).unwrap()).unwrap().unwrap().bytes
        };
        let a = edit(1, &|umkm| umkm.product = None);
        let b = edit(2, &|umkm| umkm.founded = Some(2011));
        let merged: Vec<Umkm> = [[&a, &b], [&b, &a]]
            .map(|[x, y]| Document::load(id(), [first.bytes.as_slice(), x, y]).unwrap().read().unwrap())
            .into();
        assert_eq!(merged[0], merged[1]);
        assert_eq!((merged[0].product.clone(), merged[0].founded), (None, Some(2011)));
    }

    #[test]
    fn writing_nothing_new_makes_no_change() {
        let (mut document, _) = create(Actor::derive(&[1; 32], 0));
        let fields = fields_of(&dapur()).unwrap();
        assert_eq!(document.write(Actor::derive(&[1; 32], 0), NOW, &fields, &fields).unwrap(), None);
    }

    #[test]
    fn a_change_without_its_dependency_is_not_loaded() {
        let (mut document, _) = create(Actor::derive(&[1; 32], 0));
        let mut edited = dapur();
        edited.founded = Some(1999);
        let before = fields_of(&dapur()).unwrap();
        let second = document.write(Actor::derive(&[1; 32], 0), NOW, &before, &fields_of(&edited).unwrap()).unwrap().unwrap();
        assert!(matches!(Document::load(id(), [second.bytes.as_slice()]), Err(DocumentError::MissingDependency)));
    }

    #[test]
    fn a_refused_change_is_written_anew_onto_what_stands_without_it() {
        let (base, first) = create(Actor::derive(&[1; 32], 0));
        let before = fields_of(&dapur()).unwrap();
        let mut edited = dapur();
        (edited.founded, edited.product) = (Some(2011), None);
        let refused =
            base.clone().write(Actor::derive(&[1; 32], 0), NOW, &before, &fields_of(&edited).unwrap()).unwrap().unwrap();
        let mut others = dapur();
        others.address = Some(lentera_domain::Text::parse("address", "Jl. Contoh 3").unwrap());
        let foreign =
            base.clone().write(Actor::derive(&[2; 32], 0), NOW, &before, &fields_of(&others).unwrap()).unwrap().unwrap();

        let mut standing = Document::load(id(), [first.bytes.as_slice(), &foreign.bytes]).unwrap();
        let anew = standing.rewrite(Actor::derive(&[1; 32], 1), NOW, &[foreign.hash], &refused.bytes).unwrap().unwrap();
        let umkm: Umkm = standing.read().unwrap();
        assert_eq!((umkm.founded, umkm.product, umkm.address), (Some(2011), None, others.address));
        assert_ne!(anew.hash, refused.hash);
        assert!(Document::load(id(), [first.bytes.as_slice(), &foreign.bytes, &anew.bytes]).is_ok());
        assert_eq!(standing.rewrite(Actor::derive(&[1; 32], 1), NOW, &[foreign.hash], &refused.bytes).unwrap(), None);
    }

    #[test]
    fn what_a_change_wrote_is_read_back_and_nothing_else() {
        let (base, first) = create(Actor::derive(&[1; 32], 0));
        let before = fields_of(&dapur()).unwrap();
        let written = written_by(&first.bytes).unwrap();
        assert!(written.iter().all(|(key, value)| before.get(key) == Some(value)), "{written:?}");
        assert_eq!(written.len(), before.difference(&Fields::default()).len());
        let edited = Umkm { founded: Some(2011), product: None, ..dapur() };
        let edit = base.clone().write(Actor::derive(&[1; 32], 0), NOW, &before, &fields_of(&edited).unwrap()).unwrap().unwrap();
        assert_eq!(
            written_by(&edit.bytes).unwrap(),
            [("founded".into(), 2011.into()), ("product".into(), serde_json::Value::Null)]
        );
        assert!(written_by(b"no change").is_err());
    }

    #[test]
    fn what_a_disk_damaged_is_an_error_and_no_panic() {
        let (mut document, change) = create(Actor::derive(&[1; 32], 0));
        for at in 0..change.bytes.len() {
            let mut damaged = change.bytes.clone();
            damaged[at] ^= 0x10;
            assert!(matches!(Document::load(id(), [damaged.as_slice()]), Err(DocumentError::Load(_))), "byte {at}");
            assert!(document.rewrite(Actor::derive(&[1; 32], 0), NOW, &[], &damaged).is_err(), "byte {at}");
        }
    }
}
