//! What the server does, each in a file of its own. Nothing here knows of HTTP or SQL.

mod accept_bundle;
mod change_password;
mod csv_table;
mod enrol;
mod import_staff;
mod import_wilayah;
mod invite;
mod judge;
mod log_in;
mod office;
mod passwords;
mod read_streams;
pub mod scope;
pub mod server_key;
mod take;
#[cfg(test)]
pub(crate) mod testing;

use std::io;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use lentera_domain::Timestamp;
use lentera_protocol::ProtocolError;
use lentera_protocol::sync::Refusal;
use tokio::sync::Semaphore;
use tokio::task::JoinError;

use crate::clock::Clock;
use crate::storage::{Storage, StorageError};

pub use accept_bundle::Verdict;
pub use csv_table::{ImportError, RowError};
pub use invite::Invite;
pub use take::Taken;

/// Passwords that are hashed at one moment: each takes 19 MiB and a processor.
const HASHING_MAX: usize = 2;
/// Seconds after which a device may try again when there was no time for it.
pub const BUSY_SECONDS: u32 = 10;

/// The server, without its network.
pub struct Service<S> {
    storage: S,
    key: SigningKey,
    clock: Arc<dyn Clock>,
    hashing: Arc<Semaphore>,
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
        Self { storage, key, clock, hashing: Arc::new(Semaphore::new(HASHING_MAX)) }
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
