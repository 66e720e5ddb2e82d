//! Bugs planted from outside, to see that the simulation sees them.

use std::sync::{Arc, Mutex, PoisonError};

use lentera_document::ChangeHash;
use lentera_domain::rules::LogRules;
use lentera_domain::server_record::{Employee, Region};
use lentera_domain::{Nip, Timestamp, UmkmId};
use lentera_protocol::stream::Row;
use lentera_protocol::{DeviceId, Hash};
use lentera_server::storage::{
    Commit, Committed, Device, DocumentKey, Enrolled, Enrolment, HeldBundle, Imported, KeptDocument, KeptPart, Moved, News,
    NewsQuery, OneTimeCode, Person, Quarantined, Secrets, Sender, Storage, StorageError, Try,
};

/// A bug that is not in the shipped code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Disks say synced of what is not.
    LyingDisk,
    /// The server answers that a bundle is kept, and keeps it later.
    AnswerBeforeCommit,
    /// A cursor moves past a row that was not given.
    CursorPastRow,
    /// Of two changes that build on each other the second is dropped.
    DependentDropped,
    /// A device forgets an edit that has arrived, and gives the next one its seq.
    SeqReused,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::LyingDisk, Self::AnswerBeforeCommit, Self::CursorPastRow, Self::DependentDropped, Self::SeqReused];

    /// Whether it sits in the server's storage.
    pub const fn is_of_storage(self) -> bool {
        matches!(self, Self::AnswerBeforeCommit | Self::CursorPastRow | Self::DependentDropped)
    }
}

/// A storage with a bug.
#[derive(Clone, Debug)]
pub struct Planted<S> {
    sound: S,
    bug: Bug,
    /// What was answered and is not kept yet.
    postponed: Arc<Mutex<Option<Commit>>>,
}

impl<S: Storage> Planted<S> {
    /// `sound` with `bug`.
    pub fn new(sound: S, bug: Bug) -> Self {
        Self { sound, bug, postponed: Arc::default() }
    }

    /// Keeps what was postponed.
    async fn catch_up(&self) -> Result<(), StorageError> {
        let postponed = self.postponed.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(commit) = postponed {
            self.sound.commit_bundle(commit).await?;
        }
        Ok(())
    }
}

/// Methods that the sound storage answers.
macro_rules! sound {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(async fn $name(&self, $($argument: $type),*) -> Result<$answer, StorageError> {
            self.sound.$name($($argument),*).await
        })*
    };
}

impl<S: Storage> Storage for Planted<S> {
    fn load(&self) -> usize {
        self.sound.load()
    }

    async fn commit_bundle(&self, mut commit: Commit) -> Result<Committed, StorageError> {
        match self.bug {
            Bug::AnswerBeforeCommit => {
                self.catch_up().await?;
                *self.postponed.lock().unwrap_or_else(PoisonError::into_inner) = Some(commit);
                Ok(Committed::Done)
            }
            Bug::DependentDropped => {
                let last = commit.changes.last().map(|change| change.key);
                if commit.changes.iter().filter(|change| Some(change.key) == last).count() > 1 {
                    commit.changes.pop();
                }
                self.sound.commit_bundle(commit).await
            }
            _ => self.sound.commit_bundle(commit).await,
        }
    }

    async fn news(&self, query: NewsQuery) -> Result<Option<News>, StorageError> {
        let mut news = self.sound.news(query).await?;
        if self.bug == Bug::CursorPastRow {
            for page in news.iter_mut().flat_map(|news| &mut news.pages) {
                if page.rows.len() > 1 && matches!(page.rows.last(), Some(Row::Change { .. })) {
                    page.rows.pop();
                }
            }
        }
        Ok(news)
    }

    async fn sender(&self, device: DeviceId, bundle: Hash) -> Result<Option<Sender>, StorageError> {
        self.catch_up().await?;
        self.sound.sender(device, bundle).await
    }

    sound! {
        create_office(name: String, rules: LogRules) -> bool;
        office() -> Option<String>;
        import_staff(people: Vec<Employee>) -> Imported;
        import_regions(regions: Vec<Region>) -> Imported;
        put_log_rules(rules: LogRules) -> bool;
        known_people(people: Vec<Nip>) -> Vec<Nip>;
        person(nip: Nip) -> Option<Person>;
        begin_try(nip: Nip, now: Timestamp, pause_after: fn(u32) -> i64) -> Try;
        clear_tries(nip: Nip) -> ();
        set_password(nip: Nip, seen: Secrets, password: String) -> bool;
        set_one_time_code(nip: Nip, code: OneTimeCode) -> bool;
        enrol_device(enrolment: Enrolment) -> Enrolled;
        know_earlier_key(earlier: Enrolment) -> ();
        unit_at(nip: Nip, epoch: u32) -> Option<String>;
        device(id: DeviceId) -> Option<Device>;
        devices(nip: Nip) -> Vec<Device>;
        count_request(id: DeviceId, counter: u64) -> Result<(), u64>;
        revoke_device(id: DeviceId, at: Timestamp) -> bool;
        freeze_device(evidence: Quarantined) -> ();
        receipts(device: DeviceId, after: u64, limit: usize) -> Vec<Vec<u8>>;
        bundle(device: DeviceId, number: u64) -> Option<Vec<u8>>;
        last_word(device: DeviceId, number: u64) -> Option<Vec<u8>>;
        last_amendment(device: DeviceId) -> u64;
        documents(keys: Vec<DocumentKey>) -> Vec<KeptDocument>;
        parts(device: DeviceId) -> Vec<KeptPart>;
        quarantine(refused: Quarantined) -> ();
        hold(bundle: HeldBundle) -> ();
        held(device: DeviceId) -> Vec<HeldBundle>;
        move_enterprise(id: UmkmId, unit: String) -> Moved;
        suspect(found: Vec<ChangeHash>) -> Vec<ChangeHash>;
    }
}
