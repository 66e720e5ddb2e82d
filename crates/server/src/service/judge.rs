//! Judges the changes of a bundle, one after the other: may this person write that record, and does the change pass the guard.

use std::collections::BTreeMap;

use lentera_document::guard::{self, CHANGE_BYTES_MAX, Refusal};
use lentera_document::{Actor, Document, Projection};
use lentera_domain::{Kind, Nip, RecordId, Timestamp};
use lentera_protocol::Hash;
use lentera_protocol::bundle::Change;
use lentera_protocol::receipt::{Exception, Outcome};
use uuid::Uuid;

use super::scope;
use crate::storage::{AcceptedChange, Device, DocumentCommit, DocumentKey, KeptDocument, Quarantined};

/// What the changes are judged on.
pub struct Case {
    /// Who sends them.
    pub device: Device,
    /// Of the device's actor.
    pub generation: u32,
    /// The documents they are about, as they stand.
    pub kept: BTreeMap<DocumentKey, KeptDocument>,
    /// When.
    pub now: Timestamp,
}

/// What became of them.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Documents that are added to.
    pub documents: Vec<DocumentCommit>,
    /// Changes to be stored, in order.
    pub changes: Vec<AcceptedChange>,
    /// Changes that were refused.
    pub quarantined: Vec<Quarantined>,
    /// What the device is told of changes that are not simply accepted.
    pub exceptions: Vec<Exception>,
}

/// What becomes of one change.
enum Ruling {
    /// It was stored before.
    Known,
    /// It is to be stored, and makes this record.
    Accepted([u8; 32], Box<Projection>),
    /// It is to be stored though nobody here can read it.
    Unknown([u8; 32]),
    /// It is not stored.
    Refused(Outcome, &'static str),
}

impl Case {
    /// Judges `changes` in order; each stands on those accepted before it.
    pub fn judge(mut self, changes: Vec<Change>) -> Judgement {
        let mut judgement = Judgement::default();
        for (index, change) in (0_u32..).zip(changes) {
            let key = DocumentKey { kind: change.kind, id: change.id };
            let (hash, record) = match self.judge_one(key, &change.bytes) {
                Ruling::Known => continue,
                Ruling::Accepted(hash, record) => (hash, Some(*record)),
                Ruling::Unknown(hash) => {
                    judgement.exceptions.push(Exception { index, outcome: Outcome::Unknown });
                    (hash, None)
                }
                Ruling::Refused(outcome, code) => {
                    judgement.exceptions.push(Exception { index, outcome });
                    let (device, code) = (self.device.id, code.to_owned());
                    let refused = Quarantined { device, code, key: Some(key), bytes: change.bytes, at: self.now };
                    judgement.quarantined.push(refused);
                    continue;
                }
            };
            self.add(&mut judgement, key, AcceptedChange { key, hash, bytes: change.bytes }, record);
        }
        judgement
    }

    fn judge_one(&self, key: DocumentKey, bytes: &[u8]) -> Ruling {
        let refused = |code: &'static str| Ruling::Refused(Outcome::Refused(code.to_owned()), code);
        let nobody = KeptDocument::default();
        let document = self.kept.get(&key).unwrap_or(&nobody);
        if document.owner.as_ref().is_some_and(|owner| *owner != self.device.employee.nip) {
            return refused("wrong_owner");
        }
        let Some(kind) = Kind::from_number(key.kind) else {
            return if bytes.len() > CHANGE_BYTES_MAX {
                refused(Refusal::TooLarge.code())
            } else if document.changes.iter().any(|kept| kept == bytes) {
                Ruling::Known
            } else {
                Ruling::Unknown(Hash::of(bytes).0)
            };
        };
        let id = RecordId { kind, id: Uuid::from_bytes(key.id) };
        let actor = Actor::derive(&self.device.key, self.generation);
        let Ok(standing) = Document::load(id, document.changes.iter().map(Vec::as_slice)) else {
            return refused(Refusal::Malformed.code());
        };
        match guard::examine(&standing, Some(actor), bytes, &guard::NoWatch) {
            Err(Refusal::Need(hash)) => Ruling::Refused(Outcome::Need(Hash(hash)), Refusal::Need(hash).code()),
            Err(refusal) => refused(refusal.code()),
            Ok(accepted) if accepted.known => Ruling::Known,
            Ok(accepted) if owner_of(&accepted.projection).is_some_and(|owner| *owner != self.device.employee.nip) => {
                refused("wrong_owner")
            }
            Ok(accepted) => Ruling::Accepted(accepted.hash, Box::new(accepted.projection)),
        }
    }

    fn add(&mut self, judgement: &mut Judgement, key: DocumentKey, change: AcceptedChange, record: Option<Projection>) {
        let document = self.kept.entry(key).or_default();
        let kind = Kind::from_number(key.kind);
        let owner = match &record {
            Some(record) => owner_of(record).cloned(),
            // Nobody here can tell whose such a record is: it stays with who made it.
            None => Some(self.device.employee.nip.clone()),
        };
        let home = document.home.get_or_insert_with(|| scope::home_of(kind, &self.device.employee)).clone();
        document.owner.clone_from(&owner);
        document.changes.push(change.bytes.clone());
        judgement.changes.push(change);
        match judgement.documents.iter_mut().find(|document| document.key == key) {
            Some(document) => document.record = record,
            None => judgement.documents.push(DocumentCommit { key, version: document.version, owner, home, record }),
        }
    }
}

/// The only one who may write the record; `None` where any member of staff may.
fn owner_of(record: &Projection) -> Option<&Nip> {
    match record {
        Projection::LogEntry(entry) => Some(&entry.owner),
        Projection::Visit(visit) => Some(&visit.officer),
        Projection::Umkm(_) | Projection::UmkmOwner(_) => None,
    }
}
