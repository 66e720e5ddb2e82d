//! What the server keeps.
//!
//! Every method of [`Storage`] is one whole transaction: it happens entirely or not at all, it is on disk when the method returns, and
//! concurrent calls behave as if made one after the other. No transaction lives longer than its call, so none waits for a network or a guard.
//! What is decided between two calls (a bundle is judged on documents read before) is checked again by the second: see [`Storage::commit_bundle`].

#[cfg(test)]
mod conformance;
mod documents;
mod news;
mod people;
pub mod sqlite;

use std::future::Future;

use lentera_document::ChangeHash;
use lentera_domain::rules::LogRules;
use lentera_domain::server_record::{Employee, Region};
use lentera_domain::{Nip, Timestamp, UmkmId};
use lentera_protocol::{DeviceId, Hash};

pub use documents::{
    AcceptedChange, Amendment, Commit, Committed, DocumentCommit, DocumentKey, HeldBundle, JudgedChange, KeptChange,
    KeptDocument, KeptPart, Parts, Place, Quarantined, RefusedChange, Sender, Unjudged, Waiting, WaitingChange,
};
pub use news::{News, NewsQuery};
pub use people::{Device, Enrolled, Enrolment, Imported, Moved, OneTimeCode, Person, Secrets, Try};
pub use sqlite::Sqlite;

/// Bytes of one document's accepted changes at most: some thousand edits of the longest record. Each judgement reads all of them.
pub const DOCUMENT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Changes of one document that wait at one moment at most.
pub const WAITING_MAX: usize = 1000;
/// Bytes of the changes of one document that wait at one moment at most.
pub const WAITING_BYTES_MAX: usize = 256 * 1024;
/// Changes of one document at most while its kind is not known: when it is, all of them are judged at once.
pub const UNJUDGED_MAX: usize = 1000;
/// Refused changes of one document that are remembered when what may build on them is judged: the newest.
pub const REFUSED_MAX: usize = 1000;
/// Bytes that ended the process so often are not examined again.
pub const SUSPICIONS_MAX: u32 = 2;

/// Why nothing was read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The database said no: lost connection, a fault of ours.
    #[error("database: {0}")]
    Database(String),
    /// Somebody else writes, such as an operator's command, and did not end in time. Nothing was changed.
    #[error("database is busy: {0}")]
    Busy(String),
    /// There is no room on the disk. Nothing was kept; what is here can still be read.
    #[error("disk is full: {0}")]
    Full(String),
    /// What is kept is not what was written.
    #[error("damaged: {0}")]
    Damaged(String),
    /// It was closed, or its thread ended.
    #[error("storage is closed")]
    Closed,
}

/// Where the server keeps what it must not lose.
pub trait Storage: Clone + Send + Sync + 'static {
    /// Pieces of work that wait at this moment; [`usize::MAX`] where none will be done any more. It costs nothing, so it can be asked
    /// before every request.
    fn load(&self) -> usize;

    /// Makes the office with its first rules. `false`: there is one already, nothing was changed.
    fn create_office(&self, name: String, rules: LogRules) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// The office's name; `None` before it is made.
    fn office(&self) -> impl Future<Output = Result<Option<String>, StorageError>> + Send;

    /// Takes these people, all or none. Who is here already keeps password and devices; a record that differs goes to the kabupaten's
    /// stream. A person whose unit differs gets the next scope epoch, and in their own stream all documents of the old unit that they
    /// wrote in.
    fn import_staff(&self, people: Vec<Employee>) -> impl Future<Output = Result<Imported, StorageError>> + Send;

    /// Takes these regions, all or none; one that differs goes to the regions' stream.
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

    /// Knows a device again that the person had before this server was restored from a backup. It is frozen: the person has another by now.
    /// Nothing happens where it is known.
    fn know_earlier_key(&self, earlier: Enrolment) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The unit of the person as of a scope epoch: for one before the first known the first, for one not reached yet the last. `None`: no
    /// such person.
    fn unit_at(&self, nip: Nip, epoch: u32) -> impl Future<Output = Result<Option<String>, StorageError>> + Send;

    /// The device, its person, and its last bundle.
    fn device(&self, id: DeviceId) -> impl Future<Output = Result<Option<Device>, StorageError>> + Send;

    /// The devices of a person, the oldest first.
    fn devices(&self, nip: Nip) -> impl Future<Output = Result<Vec<Device>, StorageError>> + Send;

    /// Counts a request of the device. `Err` with the highest counter seen, and nothing changed, unless this one is above it.
    fn count_request(&self, id: DeviceId, counter: u64) -> impl Future<Output = Result<Result<(), u64>, StorageError>> + Send;

    /// Withdraws a device; the first time stands. `false`: no such device.
    fn revoke_device(&self, id: DeviceId, at: Timestamp) -> impl Future<Output = Result<bool, StorageError>> + Send;

    /// Keeps what shows that two bundles of one device had one number, and freezes its key; the first time stands.
    fn freeze_device(&self, evidence: Quarantined) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The device, and the first word on the bundle with this hash if it is here. `None`: no such device.
    fn sender(&self, device: DeviceId, bundle: Hash) -> impl Future<Output = Result<Option<Sender>, StorageError>> + Send;

    /// The first words on the device's bundles behind number `after`, in order, at most `limit`.
    fn receipts(
        &self,
        device: DeviceId,
        after: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Vec<u8>>, StorageError>> + Send;

    /// A bundle of the device, as it was sealed. `None`: not here.
    fn bundle(&self, device: DeviceId, number: u64) -> impl Future<Output = Result<Option<Vec<u8>>, StorageError>> + Send;

    /// The last word on a bundle of the device: its newest amendment, else its receipt. `None`: no such bundle.
    fn last_word(&self, device: DeviceId, number: u64) -> impl Future<Output = Result<Option<Vec<u8>>, StorageError>> + Send;

    /// Number of the device's last amendment; 0 for none.
    fn last_amendment(&self, device: DeviceId) -> impl Future<Output = Result<u64, StorageError>> + Send;

    /// What is kept of these documents, in the same order, all as of one moment.
    fn documents(&self, keys: Vec<DocumentKey>) -> impl Future<Output = Result<Vec<KeptDocument>, StorageError>> + Send;

    /// The parts that the device has handed over of a change that is not whole yet, in order.
    fn parts(&self, device: DeviceId) -> impl Future<Output = Result<Vec<KeptPart>, StorageError>> + Send;

    /// Keeps a bundle and all that follows from it: accepted changes, their records and stream rows, its receipt, what waits, what was
    /// refused, later words on earlier bundles. All of it, if the device's last bundle, whether it is barred, the documents' versions
    /// and the amendments' numbers still are those it was judged on; else nothing. A change goes to its document's stream and, where
    /// its author is not in that one now, to the author's own, there behind the changes that it was built on and no others. A bundle that
    /// was held is held no more.
    fn commit_bundle(&self, commit: Commit) -> impl Future<Output = Result<Committed, StorageError>> + Send;

    /// Keeps bytes that were refused. The same bytes with the same code are kept once.
    fn quarantine(&self, refused: Quarantined) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// Keeps a bundle until it is confirmed; the same one once.
    fn hold(&self, bundle: HeldBundle) -> impl Future<Output = Result<(), StorageError>> + Send;

    /// The device's held bundles, by number.
    fn held(&self, device: DeviceId) -> impl Future<Output = Result<Vec<HeldBundle>, StorageError>> + Send;

    /// Makes an enterprise, its owner's data and its visits another unit's: their changes from now on go to that unit's stream, and all
    /// that there are already do so at once.
    fn move_enterprise(&self, id: UmkmId, unit: String) -> impl Future<Output = Result<Moved, StorageError>> + Send;

    /// What is new for a device. Of what it is new to it is first given what every screen needs (rules, the people of its unit), then
    /// the rest: its person's stream, the unit's, the kabupaten's, the regions. `None`: no such device.
    fn news(&self, query: NewsQuery) -> impl Future<Output = Result<Option<News>, StorageError>> + Send;

    /// Counts that the process ended while these bytes, named by their hash, were examined, and gives all that this happened to
    /// [`SUSPICIONS_MAX`] times.
    fn suspect(&self, found: Vec<ChangeHash>) -> impl Future<Output = Result<Vec<ChangeHash>, StorageError>> + Send;
}
