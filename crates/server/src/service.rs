//! What the server does, each in a file of its own. Nothing here knows of HTTP or SQL.

mod accept_bundle;
mod amend;
mod change_password;
mod csv_table;
mod enrol;
mod enterprises;
mod exchange;
mod import_staff;
mod import_wilayah;
mod invite;
mod judge;
mod log_in;
mod office;
mod parts;
mod passwords;
pub mod scope;
pub mod server_key;
mod take;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeSet;
use std::io;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use lentera_document::ChangeHash;
use lentera_document::guard::{FileWatch, NoWatch, Watch};
use lentera_domain::Timestamp;
use lentera_protocol::ProtocolError;
use lentera_protocol::sync::Refusal;
use tokio::sync::Semaphore;
use tokio::task::JoinError;

use crate::clock::Clock;
use crate::storage::{Storage, StorageError};

pub use accept_bundle::Verdict;
pub use csv_table::{ImportError, RowError};
pub use exchange::Receipts;
pub use invite::Invite;
pub use take::{FileRefusal, Request, TOO_MANY, Taken};

/// Passwords that are hashed at one moment: each takes 19 MiB and a processor.
const HASHING_MAX: usize = 2;
/// Seconds after which a device may try again when there was no time for it.
pub const BUSY_SECONDS: u32 = 10;

/// Seconds after which a device may try again when the disk is full.
pub const FULL_SECONDS: u32 = 60;

/// The server, without its network.
pub struct Service<S> {
    storage: S,
    key: SigningKey,
    clock: Arc<dyn Clock>,
    hashing: Arc<Semaphore>,
    /// Places to judge bundles.
    judging: Arc<Semaphore>,
    watch: Arc<dyn Watch + Send + Sync>,
    /// Bytes that ended the process, by their hash: they are refused unseen.
    poisoned: Arc<BTreeSet<ChangeHash>>,
}

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Its own fault.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The storage's.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// No randomness.
    #[error("no randomness: {0}")]
    Random(#[from] io::Error),
    /// The watch over foreign bytes cannot be written.
    #[error("watch: {0}")]
    Watch(io::Error),
    /// A fault in our code.
    #[error("task failed: {0}")]
    Task(#[from] JoinError),
    /// Hashing a password failed.
    #[error("password hash: {0}")]
    Hashing(String),
    /// An answer could not be made.
    #[error("answer: {0}")]
    Answer(ProtocolError),
}

impl Failure {
    /// What the device is told.
    pub fn into_refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            // Room can be made; until then there is no use in asking often.
            Self::Storage(StorageError::Full(_)) => Refusal::Busy(FULL_SECONDS),
            Self::Storage(StorageError::Busy(_)) => Refusal::Busy(BUSY_SECONDS),
            _ => Refusal::Internal,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<S> Service<S> {
    /// A server that keeps in `storage` and signs with `key`.
    pub fn new(storage: S, key: SigningKey, clock: Arc<dyn Clock>) -> Self {
        let judging = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            storage,
            key,
            clock,
            hashing: Arc::new(Semaphore::new(HASHING_MAX)),
            judging: Arc::new(Semaphore::new(judging)),
            watch: Arc::new(NoWatch),
            poisoned: Arc::default(),
        }
    }

    /// The same, with a watch in `file` over foreign bytes. What was being examined when the last process ended is counted; what ended
    /// it too often is not examined again.
    ///
    /// # Errors
    /// Where the file or the storage cannot be written.
    pub async fn watching(self, file: &Path) -> Result<Self, Failure>
    where
        S: Storage,
    {
        let (watch, found) = FileWatch::open(file).map_err(Failure::Watch)?;
        if !found.is_empty() {
            tracing::warn!(found = found.len(), "the last process ended while it examined foreign bytes");
        }
        let poisoned = self.storage.suspect(found).await?.into_iter().collect();
        Ok(Self { watch: Arc::new(watch), poisoned: Arc::new(poisoned), ..self })
    }

    /// The key it signs with.
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Pieces of work that wait for the storage.
    pub fn load(&self) -> usize
    where
        S: Storage,
    {
        self.storage.load()
    }

    /// The server's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
