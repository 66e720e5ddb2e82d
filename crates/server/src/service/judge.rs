//! Judges the changes of a bundle, one after the other: may this person write that record, and does the change pass the guard.
//! What builds on a change that is not here waits for it; what waited for one that is accepted or refused now is judged with it.

mod unjudged;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use lentera_document::guard::{self, Accepted, CHANGE_BYTES_MAX, Refusal, Watch};
use lentera_document::{Actor, ChangeHash, Document, Projection};
use lentera_domain::{Kind, Nip, RecordId, Timestamp};
use lentera_protocol::bundle::{Change, Stamp};
use lentera_protocol::receipt::Outcome;
use lentera_protocol::{DeviceId, Hash};
use uuid::Uuid;

use super::scope::Own;
use crate::storage::{
    AcceptedChange, DOCUMENT_BYTES_MAX, DocumentCommit, DocumentKey, JudgedChange, KeptDocument, Place, Quarantined,
    RefusedChange, UNJUDGED_MAX, WAITING_BYTES_MAX, WAITING_MAX, Waiting, WaitingChange,
};

/// Names an outcome whose change builds on a refused one.
const DEP_NOT_ACCEPTED: &str = "dep_not_accepted";
/// The change is written by another actor than the sending device's: its name says nothing about what that actor wrote.
const WRONG_ACTOR: &str = Refusal::WrongActor.code();

/// Who hands over the changes, and when.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The device.
    pub device: DeviceId,
    /// Number of its bundle.
    pub number: u64,
    /// Its public key.
    pub key: [u8; 32],
    /// Of its actor.
    pub generation: u32,
    /// Whose it is.
    pub author: Nip,
    /// Their streams, as of the scope epoch that the bundle names.
    pub own: Own,
    /// When the bundle came.
    pub arrived: Timestamp,
}

/// A change of the bundle.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its place in the bundle.
    pub index: u32,
    /// The change, whole.
    pub change: Change,
    /// It is refused already, with this code.
    pub refused: Option<String>,
}

/// What the changes are judged on.
pub struct Case {
    /// Who hands them over.
    pub bearer: Bearer,
    /// The documents they are about, as they stand.
    pub kept: BTreeMap<DocumentKey, KeptDocument>,
    /// What stands before Automerge.
    pub guard: Guard,
}

/// What is asked before bytes are examined, and told of it.
#[derive(Clone)]
pub struct Guard {
    /// Is told what is examined.
    pub watch: Arc<dyn Watch + Send + Sync>,
    /// Bytes that are not examined any more.
    pub poisoned: Arc<BTreeSet<ChangeHash>>,
}

impl Guard {
    /// Whether bytes may be examined; else a code.
    fn check(&self, bytes: &[u8]) -> Result<(), &'static str> {
        if !self.poisoned.is_empty() && self.poisoned.contains(&guard::watch_hash(bytes)) { Err("poisoned") } else { Ok(()) }
    }
}

/// What became of them.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Documents of which something is kept.
    pub documents: Vec<DocumentCommit>,
    /// Changes to be stored, in order.
    pub changes: Vec<AcceptedChange>,
    /// Changes kept before that were judged only now.
    pub judged: Vec<JudgedChange>,
    /// Changes that wait, if that is not kept already.
    pub waiting: Vec<WaitingChange>,
    /// Earlier changes that wait no more.
    pub settled: Vec<Place>,
    /// Refused changes.
    pub quarantined: Vec<Quarantined>,
    /// What is said of each change of the bundle, and of each that waits no more; `None`: accepted.
    pub outcomes: BTreeMap<Place, Option<Outcome>>,
}

/// A change to be judged.
#[derive(Clone, Debug)]
struct Candidate {
    place: Place,
    key: DocumentKey,
    bytes: Vec<u8>,
    saved: Stamp,
    generation: u32,
    actor: Actor,
    author: Nip,
    /// Of the document, if this change makes it.
    home: String,
    arrived: Timestamp,
    /// What it waited for before this bundle.
    needed: Option<ChangeHash>,
}

/// What becomes of one change.
enum Ruling {
    /// It was stored before.
    Known,
    /// It is to be stored.
    Accepted(Box<Accepted>),
    /// It is to be stored though nobody here can read it.
    Unknown(ChangeHash),
    /// It waits.
    Need(ChangeHash),
    /// The same bytes wait already.
    Waits(ChangeHash),
    /// It is not stored.
    Refused(String),
}

/// A document while its changes are judged.
struct Standing {
    version: u64,
    owner: Option<Nip>,
    home: Option<String>,
    /// Of a kind not known: its changes. Else they are in the document.
    changes: Vec<Vec<u8>>,
    document: Option<Document>,
    /// Bytes of all its accepted changes.
    bytes: usize,
    waiting: Vec<(ChangeHash, Candidate)>,
    refused: Vec<RefusedChange>,
    record: Option<Projection>,
    is_added_to: bool,
    /// Of what was kept unseen: what has passed the guard now, and what has not.
    judged: Vec<JudgedChange>,
    refused_late: Vec<Quarantined>,
}

impl Case {
    /// Judges `sent` in order; each stands on those accepted before it.
    pub fn judge(self, sent: Vec<Sent>) -> Judgement {
        let Self { bearer, kept, guard } = self;
        let standing = kept.into_iter().map(|(key, kept)| (key, Standing::of(key, kept, &guard))).collect();
        let mut judging = Judging { guard, standing, judgement: Judgement::default() };
        let actor = Actor::derive(&bearer.key, bearer.generation);
        for Sent { index, change, refused } in sent {
            let candidate = Candidate {
                place: Place { device: bearer.device, number: bearer.number, index },
                key: DocumentKey { kind: change.kind, id: change.id },
                bytes: change.bytes,
                saved: change.saved,
                generation: bearer.generation,
                actor,
                author: bearer.author.clone(),
                home: bearer.own.home_of(Kind::from_number(change.kind)).to_owned(),
                arrived: bearer.arrived,
                needed: None,
            };
            judging.settle(candidate, refused);
        }
        judging.finish()
    }
}

struct Judging {
    guard: Guard,
    standing: BTreeMap<DocumentKey, Standing>,
    judgement: Judgement,
}

impl Judging {
    /// Judges a change, and what waited for it, and what waited for that.
    fn settle(&mut self, candidate: Candidate, mut refused: Option<String>) {
        let mut next = VecDeque::from([candidate]);
        while let Some(candidate) = next.pop_front() {
            let (key, place, waited) = (candidate.key, candidate.place, candidate.needed.is_some());
            let standing = self.standing.entry(key).or_insert_with(|| Standing::of(key, KeptDocument::default(), &self.guard));
            let ruling = match (refused.take(), self.guard.check(&candidate.bytes)) {
                (Some(code), _) => Ruling::Refused(code),
                (None, Err(code)) => Ruling::Refused(code.to_owned()),
                (None, Ok(())) => standing.rule(&candidate, &*self.guard.watch),
            };
            standing.is_added_to |= waited || !matches!(ruling, Ruling::Known | Ruling::Waits(_));
            let (name, outcome) = match ruling {
                Ruling::Known => (guard::change_hash(&candidate.bytes), None),
                Ruling::Accepted(accepted) => {
                    self.judgement.changes.push(standing.add(candidate, *accepted));
                    (self.judgement.changes.last().map(|change| change.hash), None)
                }
                Ruling::Unknown(hash) => {
                    self.judgement.changes.push(standing.add_unknown(candidate, hash));
                    (None, Some(Outcome::Unknown))
                }
                Ruling::Need(dep) => {
                    if !waited {
                        self.judgement.outcomes.insert(place, Some(Outcome::Need(Hash(dep))));
                    }
                    standing.waiting.push((dep, candidate));
                    continue;
                }
                Ruling::Waits(dep) => {
                    // Its writer handed it over twice. What becomes of it is told for the bundle that brought it first.
                    self.judgement.outcomes.insert(place, Some(Outcome::Need(Hash(dep))));
                    continue;
                }
                Ruling::Refused(code) => {
                    let refused = standing.refuse(candidate, &code);
                    let name = refused.change;
                    self.judgement.quarantined.push(refused);
                    (name, Some(Outcome::Refused(code)))
                }
            };
            self.judgement.outcomes.insert(place, outcome);
            if waited {
                self.judgement.settled.push(place);
            }
            next.extend(name.map(|name| standing.no_longer_waiting_for(&name)).unwrap_or_default());
        }
    }

    fn finish(self) -> Judgement {
        let mut judgement = self.judgement;
        for (key, standing) in self.standing {
            if !standing.is_added_to {
                continue;
            }
            let Standing { version, owner, home, record, waiting, judged, refused_late, .. } = standing;
            judgement.judged.extend(judged);
            judgement.quarantined.extend(refused_late);
            judgement.documents.push(DocumentCommit { key, version, owner, home, record });
            let anew = waiting.into_iter().filter(|(needs, candidate)| candidate.needed != Some(*needs));
            judgement.waiting.extend(anew.map(|(needs, candidate)| candidate.waiting(needs)));
        }
        judgement
    }
}

impl Standing {
    fn of(key: DocumentKey, kept: KeptDocument, guard: &Guard) -> Self {
        let waiting = kept.waiting.into_iter().map(|waiting| (waiting.change.needs, Candidate::of(waiting))).collect();
        let mut standing = Self {
            version: kept.version,
            owner: kept.owner,
            home: kept.home,
            bytes: kept.changes.iter().map(|change| change.bytes.len()).sum(),
            changes: Vec::new(),
            document: None,
            waiting,
            refused: kept.refused,
            record: None,
            is_added_to: false,
            judged: Vec::new(),
            refused_late: Vec::new(),
        };
        let Some(kind) = Kind::from_number(key.kind) else {
            standing.changes = kept.changes.into_iter().map(|change| change.bytes).collect();
            return standing;
        };
        let (mut judged, mut unjudged) = (Vec::new(), Vec::new());
        for change in kept.changes {
            match change.unjudged {
                None => judged.push(change.bytes),
                Some(bearer) => unjudged.push((change.bytes, bearer)),
            }
        }
        let id = RecordId { kind, id: Uuid::from_bytes(key.id) };
        match Document::load(id, judged.iter().map(Vec::as_slice)) {
            Ok(document) => standing.document = Some(document),
            Err(error) => tracing::error!(kind = key.kind, id = %id.id, %error, "a kept document does not load"),
        }
        standing.judge_late(key, unjudged, guard);
        standing
    }

    fn rule(&self, candidate: &Candidate, watch: &dyn Watch) -> Ruling {
        match self.examine(candidate, watch) {
            Ruling::Accepted(_) | Ruling::Unknown(_) if self.bytes + candidate.bytes.len() > DOCUMENT_BYTES_MAX => {
                Ruling::Refused(Refusal::TooLarge.code().to_owned())
            }
            ruling => ruling,
        }
    }

    fn examine(&self, candidate: &Candidate, watch: &dyn Watch) -> Ruling {
        let refused = |code: &str| Ruling::Refused(code.to_owned());
        let bytes = &candidate.bytes;
        if self.owner.as_ref().is_some_and(|owner| *owner != candidate.author) {
            return refused("wrong_owner");
        }
        if Kind::from_number(candidate.key.kind).is_none() {
            return if bytes.len() > CHANGE_BYTES_MAX {
                refused(Refusal::TooLarge.code())
            } else if self.changes.contains(bytes) {
                Ruling::Known
            } else if self.changes.len() >= UNJUDGED_MAX {
                refused(Refusal::TooLarge.code())
            } else {
                Ruling::Unknown(Hash::of(bytes).0)
            };
        }
        let Some(document) = &self.document else { return refused(Refusal::Malformed.code()) };
        match guard::examine(document, Some(candidate.actor), bytes, watch) {
            Err(Refusal::Need(dep)) if self.refuses(&dep, candidate.place.device) => refused(DEP_NOT_ACCEPTED),
            // It has its place among those that wait.
            Err(Refusal::Need(dep)) if candidate.needed.is_some() => Ruling::Need(dep),
            Err(Refusal::Need(dep)) if self.waiting.iter().any(|(_, waiting)| waiting.bytes == *bytes) => Ruling::Waits(dep),
            Err(Refusal::Need(_)) if !self.may_wait(bytes) => refused(DEP_NOT_ACCEPTED),
            Err(Refusal::Need(dep)) => Ruling::Need(dep),
            Err(refusal) => refused(refusal.code()),
            Ok(accepted) if accepted.known => Ruling::Known,
            Ok(accepted) if owner_of(&accepted.projection).is_some_and(|owner| *owner != candidate.author) => {
                refused("wrong_owner")
            }
            Ok(accepted) => Ruling::Accepted(Box::new(accepted)),
        }
    }

    /// Whether there is room for one more that waits.
    fn may_wait(&self, bytes: &[u8]) -> bool {
        let waiting: usize = self.waiting.iter().map(|(_, waiting)| waiting.bytes.len()).sum();
        self.waiting.len() < WAITING_MAX && waiting + bytes.len() <= WAITING_BYTES_MAX
    }

    fn add(&mut self, candidate: Candidate, accepted: Accepted) -> AcceptedChange {
        let Accepted { hash, document, projection, .. } = accepted;
        self.bytes += candidate.bytes.len();
        self.owner = owner_of(&projection).cloned();
        (self.document, self.record) = (Some(document), Some(projection));
        self.home.get_or_insert_with(|| candidate.home.clone());
        candidate.accepted(hash, None)
    }

    fn add_unknown(&mut self, candidate: Candidate, hash: ChangeHash) -> AcceptedChange {
        // Nobody here can tell whose such a record is: it stays with who made it.
        self.owner = Some(candidate.author.clone());
        self.bytes += candidate.bytes.len();
        self.changes.push(candidate.bytes.clone());
        self.home.get_or_insert_with(|| candidate.home.clone());
        let generation = candidate.generation;
        candidate.accepted(hash, Some(generation))
    }

    fn refuse(&mut self, candidate: Candidate, code: &str) -> Quarantined {
        let Candidate { key, place, bytes, arrived, .. } = candidate;
        self.set_aside(key, place.device, bytes, arrived, code)
    }

    fn set_aside(&mut self, key: DocumentKey, device: DeviceId, bytes: Vec<u8>, at: Timestamp, code: &str) -> Quarantined {
        let change = guard::change_hash(&bytes);
        self.refused.extend(change.map(|hash| RefusedChange { hash, device, code: code.to_owned() }));
        Quarantined { device, code: code.to_owned(), key: Some(key), change, bytes, at }
    }

    /// Whether the change of this name was refused, as far as its name is to be believed.
    fn refuses(&self, name: &ChangeHash, device: DeviceId) -> bool {
        self.refused.iter().any(|refused| refused.hash == *name && (refused.code != WRONG_ACTOR || refused.device == device))
    }

    fn no_longer_waiting_for(&mut self, name: &ChangeHash) -> Vec<Candidate> {
        self.waiting.extract_if(.., |(needs, _)| needs == name).map(|(_, candidate)| candidate).collect()
    }
}

impl Candidate {
    fn of(waiting: Waiting) -> Self {
        let WaitingChange { place, key, needs, bytes, saved, generation, home } = waiting.change;
        Self {
            place,
            key,
            bytes,
            saved,
            generation,
            actor: Actor::derive(&waiting.key, generation),
            author: waiting.author,
            home,
            arrived: waiting.arrived,
            needed: Some(needs),
        }
    }

    fn accepted(self, hash: ChangeHash, unjudged: Option<u32>) -> AcceptedChange {
        let Self { place: Place { device, number, .. }, key, bytes, saved, author, arrived, .. } = self;
        AcceptedChange { key, hash, bytes, unjudged, device, number, author, saved, arrived }
    }

    fn waiting(self, needs: ChangeHash) -> WaitingChange {
        let Self { place, key, bytes, saved, generation, home, .. } = self;
        WaitingChange { place, key, needs, bytes, saved, generation, home }
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

#[cfg(test)]
mod tests;
