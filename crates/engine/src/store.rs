//! One person's database: raw changes as the truth, projections beside them, outbox and cursors. Each table has its file.

pub mod attempt;
pub mod bundle;
pub mod change;
pub mod draft;
pub mod identity;
pub mod log_entry;
pub mod quarantine;
pub mod record;
pub mod server_record;
pub mod stream;
pub mod umkm;
pub mod visit;

use std::path::Path;

use lentera_api::Error;
use lentera_document::DocumentError;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

/// Migrations in order; a database's `user_version` is how many it has had. They are never edited.
const MIGRATIONS: &[&str] = &[include_str!("store/migrations/2026-11-22-first.sql")];

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
}

/// What can go wrong below the use cases.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A kept document.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Kept JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Kept protocol bytes.
    #[error(transparent)]
    Protocol(#[from] lentera_protocol::ProtocolError),
    /// The database is of a newer app.
    #[error("this data is of a newer version of the app")]
    Newer,
    /// Kept bytes that are not what they must be.
    #[error("damaged: {0}")]
    Damaged(&'static str),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Sqlite(rusqlite::Error::SqliteFailure(failure, _)) if failure.code == ErrorCode::DiskFull => {
                Self::DiskFull
            }
            StoreError::Newer => Self::AppTooOld,
            _ => Self::Storage { detail: error.to_string() },
        }
    }
}

/// The code of a failed file operation.
pub fn storage_error(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::DiskFull,
        _ => Error::Storage { detail: error.to_string() },
    }
}

impl Store {
    /// Opens the database at `path`, making it where it is missing.
    ///
    /// # Errors
    /// [`StoreError::Newer`], [`StoreError::Sqlite`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        // Readers (backup, a second tool) do not block the writer, and a commit is one sequential write.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // With WAL only FULL syncs at every commit: what the screen calls saved must survive a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Off by default in SQLite.
        connection.pragma_update(None, "foreign_keys", true)?;
        // Another process may look (never write): wait for its checkpoint instead of failing a save.
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        // 2 MB of page cache: the lists of a year stay in it and a cheap phone does not feel it.
        connection.pragma_update(None, "cache_size", -2048)?;
        // Sorting stays in memory: no temporary files to fail on a full disk.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        let mut store = Self { connection };
        store.migrate()?;
        Ok(store)
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        let had: u32 = self.connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if had as usize > MIGRATIONS.len() {
            return Err(StoreError::Newer);
        }
        for (version, migration) in (1_u32..).zip(MIGRATIONS).skip(had as usize) {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", version)?;
            transaction.commit()?;
        }
        Ok(())
    }

    /// Runs `work` as one transaction: all of it is on the disk when this returns `Ok`, and nothing of it otherwise.
    ///
    /// # Errors
    /// Those of `work`, and of the commit.
    pub fn write<T, E: From<StoreError>>(&mut self, work: impl FnOnce(&Transaction<'_>) -> Result<T, E>) -> Result<T, E> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StoreError::from)?;
        let value = work(&transaction)?;
        transaction.commit().map_err(StoreError::from)?;
        Ok(value)
    }

    /// For reading.
    pub const fn read(&self) -> &Connection {
        &self.connection
    }
}

/// What a row is searched by: its texts in lower case.
fn search_words<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    texts.into_iter().flatten().map(str::to_lowercase).collect::<Vec<_>>().join("\n")
}

/// A condition on the column `words` that all words of `search` occur, and its values. At most eight words count.
fn search_condition(search: &str) -> (String, Vec<String>) {
    let words: Vec<_> = search.to_lowercase().split_whitespace().take(8).map(ToOwned::to_owned).collect();
    let condition = if words.is_empty() { "TRUE".to_owned() } else { vec!["instr(words, ?) > 0"; words.len()].join(" AND ") };
    (condition, words)
}
