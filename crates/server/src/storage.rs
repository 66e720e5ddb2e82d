//! What the server keeps.
//!
//! Every method of [`Storage`] is one whole transaction: it happens entirely or not at all, it is on disk when the method returns, and
//! concurrent calls behave as if made one after the other. No transaction lives longer than its call, so none waits for a network or a guard.
//! What is decided between two calls (a bundle is judged on documents read before) is checked again by the second: see [`Storage::commit_bundle`].

#[cfg(test)]
mod conformance;
pub mod sqlite;

use std::future::Future;

use lentera_document::Projection;
use lentera_domain::rules::LogRules;
use lentera_domain::server_record::{Employee, Region};
use lentera_domain::{Nip, Timestamp};
use lentera_protocol::stream::{Cursor, Row};
use lentera_protocol::{DeviceId, Hash};

pub use sqlite::Sqlite;

/// Why nothing was read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The database said no: full disk, locked, lost connection.
    #[error("database: {0}")]
    Database(String),
    /// What is kept is not what was written.
    #[error("damaged: {0}")]
    Damaged(String),
    /// It was closed, or its thread ended.
    #[error("storage is closed")]
    Closed,
}

/// Where the server keeps what it must not lose.
pub trait Storage: Clone + Send + Sync + 'static {
    /// Pieces of work that wait at this moment. It costs nothing, so it can be asked before every request.
    fn load(&self) -> usize;

    /// Makes the office with its first rules. `false`: there is one already, nothing was changed.
    fn create_office(&self, name: String, rules: LogRules) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// The office's name; `None` before it is made.
    fn office(&self) -> impl Future<Output = Result<Option<String>, StorageError>> + Send;

    /// Takes these people, all or none. Who is here already keeps password and devices; a record that differs goes to the kabupaten's
    /// stream; a person whose unit differs gets the next scope epoch.
    fn import_staff(&self, people: Vec<Employee>) -> impl Future<Output = Result<Imported, StorageError>> + Send;

    /// Takes these regions, all or none; as [`Storage::import_staff`].
    fn import_regions(&self, regions: Vec<Region>) -> impl Future<Output = Result<Imported, StorageError>> + Send;

    /// Sets the rules of one starting day. `false`: they stood so already.
    fn put_log_rules(&self, rules: LogRules) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// Those of `people` that are members of staff here.
    fn known_people(&self, people: Vec<Nip>) -> impl Future<Output = Result<Vec<Nip>, StorageError>> + Send;

    /// The person.
    fn person(&self, nip: Nip) -> impl Future<Output = Result<Option<Person>, StorageError>> + Send;

    /// Counts one try to log in, before it is known whether it succeeds, so that tries at the same moment cannot share one count.
    /// `pause_after` gives the milliseconds without tries that follow a number of tries. People who are not here are counted like
    /// those who are; a count is forgotten a day after its last try.
    fn begin_try(
        &self,
        nip: Nip,
        now: Timestamp,
        pause_after: fn(u32) -> i64,
    ) -> impl Future<Output = Result<Try, StorageError>> + Send;

    /// A try succeeded: its count is forgotten.
    fn clear_tries(&self, nip: Nip) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Sets a new password and ends any one-time code, if the person's secrets still are `seen`. `false`: they are not, nothing was changed.
    fn set_password(&self, nip: Nip, seen: Secrets, password: String) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// Sets a one-time code, hashed, valid until then. `false`: no such person.
    fn set_one_time_code(&self, nip: Nip, code: OneTimeCode) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// Enrols a device, with a new password where one is given, both or nothing. Again the same is done without harm.
    fn enrol_device(&self, enrolment: Enrolment) -> impl Future<Output = Result<Enrolled, StorageError>> + Send;

    /// The device, its person, and its last bundle.
    fn device(&self, id: DeviceId) -> impl Future<Output = Result<Option<Device>, StorageError>> + Send;

    /// Withdraws a device; the first time stands. `false`: no such device.
    fn revoke_device(&self, id: DeviceId, at: Timestamp) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// The receipt of the bundle with this hash, as it was signed; `None` for a bundle not here.
    fn receipt(&self, bundle: Hash) -> impl Future<Output = Result<Option<Vec<u8>>, StorageError>> + Send;

    /// What is kept of these documents, in the same order, all as of one moment.
    fn documents(&self, keys: Vec<DocumentKey>) -> impl Future<Output = Result<Vec<KeptDocument>, StorageError>> + Send;

    /// Keeps a bundle, its accepted changes, their records, stream rows and receipt, and what was refused of it: all of it, if the
    /// device's last bundle and the documents' versions still are those it was judged on; else nothing.
    fn commit_bundle(&self, commit: Commit) -> impl Future<Output = Result<Committed, StorageError>> + Send;

    /// Keeps bytes that were refused. The same bytes with the same code are kept once.
    fn quarantine(&self, refused: Quarantined) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The next rows of a stream; `None` where it has none yet.
    fn stream_page(&self, query: StreamQuery) -> impl Future<Output = Result<Option<StreamPage>, StorageError>> + Send;
}

/// What became of an import's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Imported {
    pub new: usize,
    pub changed: usize,
    pub same: usize,
}

/// A member of staff as the server knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// What all may know.
    pub employee: Employee,
    /// What shows that it is this person.
    pub secrets: Secrets,
    /// Raised when the person joins or leaves a stream.
    pub scope_epoch: u32,
}

/// What a person logs in with, hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// The password; `None` while the first one holds, which is part of the NIP and no secret.
    pub password: Option<String>,
    /// A one-time code given out by the operator.
    pub code: Option<OneTimeCode>,
}

/// A one-time code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeCode {
    /// Its hash.
    pub hash: String,
    /// Until when it is taken.
    pub until: Timestamp,
}

/// A try to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Try {
    /// Not before this time; it was not counted.
    Paused(Timestamp),
    /// Go on.
    Begun {
        /// Tries since the last success, this one too.
        tries: u32,
        /// Whom it would be; `None` if not here.
        person: Option<Person>,
    },
}

/// A device to be enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Enrolment {
    pub nip: Nip,
    pub key: [u8; 32],
    pub at: Timestamp,
    /// The secrets that the log-in was judged on, and the hash of a new password to be set.
    pub new_password: Option<(Secrets, String)>,
}

/// What became of an enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolled {
    /// The device is this person's.
    Done,
    /// The person's secrets are others by now. Nothing was changed.
    Conflict,
    /// The key is a withdrawn device's. Nothing was changed.
    Revoked,
    /// The key is another person's device. Nothing was changed.
    Taken,
}

/// An enrolled device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub id: DeviceId,
    /// Its public key.
    pub key: [u8; 32],
    /// It was withdrawn.
    pub is_revoked: bool,
    /// Whose it is.
    pub employee: Employee,
    /// Of its person.
    pub scope_epoch: u32,
    /// Number and hash of its last bundle; 0 and zeroes before the first.
    pub last: (u64, Hash),
}

/// Names a document, of a kind known or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentKey {
    /// The kind's number.
    pub kind: u16,
    /// Id of the record.
    pub id: [u8; 16],
}

/// What is kept of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptDocument {
    /// How often it was added to; 0 for a document not here.
    pub version: u64,
    /// The one who may write it; `None` where any member of staff may.
    pub owner: Option<Nip>,
    /// The stream that carries it.
    pub home: Option<String>,
    /// Its changes, in the order they were accepted.
    pub changes: Vec<Vec<u8>>,
}

/// A judged bundle, to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// Whose it is.
    pub device: DeviceId,
    /// Its number.
    pub number: u64,
    /// Hash of the bundle before it: the device's last must still be that.
    pub previous: Hash,
    /// Its hash.
    pub hash: Hash,
    /// Its sealed bytes.
    pub bytes: Vec<u8>,
    /// Its receipt, signed.
    pub receipt: Vec<u8>,
    /// When it was judged.
    pub received_at: Timestamp,
    /// The documents that its accepted changes add to.
    pub documents: Vec<DocumentCommit>,
    /// Its accepted changes, in order.
    pub changes: Vec<AcceptedChange>,
    /// Its refused changes.
    pub quarantined: Vec<Quarantined>,
}

/// A document that is added to.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentCommit {
    /// Which.
    pub key: DocumentKey,
    /// Its version when it was judged: it must still have that.
    pub version: u64,
    /// As in [`KeptDocument`].
    pub owner: Option<Nip>,
    /// The stream that carries it.
    pub home: String,
    /// The record it holds now; `None` for a kind not known.
    pub record: Option<Projection>,
}

/// An accepted change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedChange {
    /// Of which document; it is one of [`Commit::documents`].
    pub key: DocumentKey,
    /// Its name.
    pub hash: [u8; 32],
    /// Its raw bytes.
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

/// Asks for rows of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamQuery {
    /// Its name.
    pub name: String,
    /// Where the device says it stands, by the stream's number; the stream starts over where it has no such row.
    pub cursors: Vec<Cursor>,
    /// Rows at most.
    pub rows: usize,
    /// Bytes at most; one row is given even if it is larger.
    pub bytes: usize,
    /// Rows that came from this device are passed over.
    pub asking: DeviceId,
}

/// Rows of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamPage {
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// Bytes of the rows.
    pub bytes: usize,
    /// Where the device stands after them.
    pub cursor: Cursor,
    /// There are more.
    pub more: bool,
}
