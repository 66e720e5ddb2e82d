//! What is kept of bundles, documents and their changes.

use lentera_document::{ChangeHash, Projection};
use lentera_domain::{Nip, Timestamp};
use lentera_protocol::bundle::{Part, Stamp};
use lentera_protocol::{DeviceId, Hash};

use super::people::Device;

/// Names a document, of a kind known or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentKey {
    /// The kind's number.
    pub kind: u16,
    /// Id of the record.
    pub id: [u8; 16],
}

/// Who sends a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The device that the bundle names.
    pub device: Device,
    /// The first word on a bundle with the asked hash, where one is here. Later ones come as amendments, in their order: a device that was
    /// told one out of turn would take those before it for told.
    pub receipt: Option<Vec<u8>>,
}

/// What is kept of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptDocument {
    /// Raised whenever anything of the document is kept: accepted, waiting or refused. 0 for a document not here.
    pub version: u64,
    /// The one who may write it; `None` where any member of staff may, or nothing was accepted yet.
    pub owner: Option<Nip>,
    /// The stream that carries it; `None` while nothing was accepted.
    pub home: Option<String>,
    /// Its accepted changes, in order.
    pub changes: Vec<KeptChange>,
    /// Changes that wait for others, the oldest first.
    pub waiting: Vec<Waiting>,
    /// Changes that were refused: the newest, at most [`super::REFUSED_MAX`].
    pub refused: Vec<RefusedChange>,
}

/// An accepted change of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptChange {
    /// Its raw bytes.
    pub bytes: Vec<u8>,
    /// Who handed it over, where nobody here could judge it then, its kind not being known. `None`: it passed the guard.
    pub unjudged: Option<Unjudged>,
}

/// What is needed to judge a change that was taken unseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unjudged {
    /// The device it came from.
    pub device: DeviceId,
    /// Its public key.
    pub key: [u8; 32],
    /// Generation of its actor.
    pub generation: u32,
    /// Who wrote it.
    pub author: Nip,
    /// When its bundle came.
    pub arrived: Timestamp,
}

/// A refused change of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedChange {
    /// Its name.
    pub hash: ChangeHash,
    /// Who sent it.
    pub device: DeviceId,
    /// Why it was refused.
    pub code: String,
}

/// Where a change came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From which device.
    pub device: DeviceId,
    /// In its bundle of this number.
    pub number: u64,
    /// At this index, from 0.
    pub index: u32,
}

/// A change that builds on one that is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingChange {
    /// Where it came in.
    pub place: Place,
    /// Of which document.
    pub key: DocumentKey,
    /// What it waits for.
    pub needs: ChangeHash,
    /// Its raw bytes.
    pub bytes: Vec<u8>,
    /// The writing device's clocks when it was saved.
    pub saved: Stamp,
    /// Generation of the device's actor.
    pub generation: u32,
    /// The stream that carries the document if this change makes it.
    pub home: String,
}

/// A kept change that waits, and what is needed to judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The change.
    pub change: WaitingChange,
    /// Public key of the device it came from.
    pub key: [u8; 32],
    /// Who wrote it.
    pub author: Nip,
    /// When its bundle came.
    pub arrived: Timestamp,
    /// The last word on its bundle: a signed receipt.
    pub receipt: Vec<u8>,
    /// Number of the device's last amendment; 0 for none.
    pub amendment: u64,
}

/// A judged bundle, to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// Whose it is.
    pub device: DeviceId,
    /// Its number.
    pub number: u64,
    /// Number and hash of the device's last bundle when it was judged: it must still be that.
    pub after: (u64, Hash),
    /// Its hash.
    pub hash: Hash,
    /// Its sealed bytes.
    pub bytes: Vec<u8>,
    /// Its receipt, signed.
    pub receipt: Vec<u8>,
    /// When it came.
    pub arrived: Timestamp,
    /// It is taken from a withdrawn or frozen device, too.
    pub from_barred: bool,
    /// The documents of which anything is kept with it.
    pub documents: Vec<DocumentCommit>,
    /// Accepted changes, in order: its own, and those that waited for them.
    pub changes: Vec<AcceptedChange>,
    /// Changes kept before that were judged only now.
    pub judged: Vec<JudgedChange>,
    /// Changes that wait: its own, and earlier ones that need another now.
    pub waiting: Vec<WaitingChange>,
    /// Earlier changes that wait no more.
    pub settled: Vec<Place>,
    /// Later words on earlier bundles.
    pub amendments: Vec<Amendment>,
    /// Refused bytes.
    pub quarantined: Vec<Quarantined>,
    /// What becomes of the device's parts.
    pub parts: Parts,
}

/// A document of which something is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentCommit {
    /// Which.
    pub key: DocumentKey,
    /// Its version when it was judged: it must still have that.
    pub version: u64,
    /// As in [`KeptDocument`].
    pub owner: Option<Nip>,
    /// As in [`KeptDocument`].
    pub home: Option<String>,
    /// The record it holds now, where that changed and its kind is known.
    pub record: Option<Projection>,
}

/// An accepted change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedChange {
    /// Of which document; it is one of [`Commit::documents`], with a home.
    pub key: DocumentKey,
    /// Its name; of one that nobody here can judge, SHA-256 of its bytes.
    pub hash: ChangeHash,
    /// Its raw bytes.
    pub bytes: Vec<u8>,
    /// Generation of the device's actor, where nobody here can judge the change.
    pub unjudged: Option<u32>,
    /// Which device it came from.
    pub device: DeviceId,
    /// In its bundle of this number.
    pub number: u64,
    /// Who wrote it.
    pub author: Nip,
    /// The writing device's clocks when it was saved.
    pub saved: Stamp,
    /// When its bundle came.
    pub arrived: Timestamp,
}

/// A change that was kept unseen and has passed the guard since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JudgedChange {
    /// Of which document.
    pub key: DocumentKey,
    /// The name it was kept under.
    pub before: ChangeHash,
    /// The name it has.
    pub hash: ChangeHash,
}

/// A later word on a bundle, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amendment {
    /// Whose bundle.
    pub device: DeviceId,
    /// The bundle's number.
    pub bundle: u64,
    /// The device's last amendment before: it must still be that.
    pub previous: u64,
    /// Its own number, higher.
    pub number: u64,
    /// The signed receipt.
    pub receipt: Vec<u8>,
}

/// What becomes of a device's parts with a bundle. A device has parts of one change at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Parts {
    /// The bundle is none: parts not followed by their next are given up. Their bundles are kept, as all are.
    #[default]
    Drop,
    /// It is the first, or the next after those kept.
    Keep(KeptPart),
}

/// A part of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPart {
    /// Number of its bundle.
    pub number: u64,
    /// Of which document.
    pub key: DocumentKey,
    /// Where it belongs.
    pub part: Part,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Refused bytes, kept whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Who sent them.
    pub device: DeviceId,
    /// Why they were refused.
    pub code: String,
    /// The document, for a change.
    pub key: Option<DocumentKey>,
    /// The change's name, where it has one.
    pub change: Option<ChangeHash>,
    /// The raw change, or the whole bundle.
    pub bytes: Vec<u8>,
    /// When they came.
    pub at: Timestamp,
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is kept.
    Done,
    /// Something it was judged on has changed since: judge again. Nothing was changed.
    Conflict,
}

/// A bundle of a withdrawn or frozen device, kept until its owner confirms it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBundle {
    /// Whose it is.
    pub device: DeviceId,
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: Hash,
    /// Its sealed bytes.
    pub bytes: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
}
