//! One person's database: raw changes as the truth, projections beside them, outbox and cursors. Each table has its file.

pub mod attempt;
pub mod bundle;
pub mod change;
pub mod conflict;
pub mod courier;
pub mod draft;
pub mod identity;
pub mod log_entry;
pub mod pending;
pub mod quarantine;
pub mod record;
pub mod rescue;
pub mod server_record;
pub mod stream;
pub mod suspect;
pub mod umkm;
pub mod visit;

use std::ops::Range;
use std::path::Path;

use lentera_api::Error;
use lentera_document::DocumentError;
use lentera_domain::Timestamp;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

/// Migrations in order, each with what SQL alone cannot do; a database's `user_version` is how many it has had. They are never edited.
const MIGRATIONS: &[(&str, Then)] = &[
    (include_str!("store/migrations/2026-11-22-first.sql"), |_| Ok(())),
    (include_str!("store/migrations/2026-11-22-sync.sql"), |connection| {
        bundle::name_devices(connection)?;
        pending::take_unknown_kinds(connection)
    }),
    (include_str!("store/migrations/2026-11-27-earlier-keys.sql"), |_| Ok(())),
    (include_str!("store/migrations/2026-11-27-kept-keys.sql"), |_| Ok(())),
];

/// What a migration does beside its SQL.
type Then = fn(&Connection) -> Result<(), StoreError>;

/// Request counters taken at a time.
const COUNTERS: u32 = 64;

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    /// Request counters that are taken and not used. They are taken many at a time: a device that looks for its server all day spares its flash.
    counters: Range<u64>,
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
    /// Files beside the database.
    #[error(transparent)]
    File(#[from] std::io::Error),
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
            StoreError::File(file) if is_full(file) => Self::DiskFull,
            _ => Self::Storage { detail: error.to_string() },
        }
    }
}

/// The code of a failed file operation.
pub fn storage_error(error: std::io::Error) -> Error {
    if is_full(&error) { Error::DiskFull } else { Error::Storage { detail: error.to_string() } }
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// What SQLite says of a database that is not what it wrote.
fn is_damage(error: &StoreError) -> bool {
    match error {
        StoreError::Damaged(_) => true,
        StoreError::Sqlite(rusqlite::Error::SqliteFailure(failure, _)) => {
            matches!(failure.code, ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
        }
        _ => false,
    }
}

impl Store {
    /// Opens the database at `path`, making it where it is missing, and rescuing it where it is damaged.
    ///
    /// # Errors
    /// [`StoreError::Newer`], [`StoreError::Sqlite`], [`StoreError::File`].
    pub fn open(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        rescue::finish(path)?;
        match Self::open_whole(path) {
            Err(error) if is_damage(&error) => {
                tracing::error!(%error, path = %path.display(), "the database is damaged and is rescued");
                rescue::rescue(path, now)?;
                Self::open_whole(path)
            }
            opened => opened,
        }
    }

    /// Opens a database that is to be whole.
    fn open_whole(path: &Path) -> Result<Self, StoreError> {
        let mut store = Self::connect(path)?;
        // Reads every page once: a millisecond for each MB where it was measured, a tenth of a second for a phone's year. Damage that is
        // found now is found before a person has typed into it.
        let found: String = store.connection.pragma_query_value(None, "quick_check", |row| row.get(0))?;
        if found != "ok" {
            return Err(StoreError::Damaged("pages"));
        }
        store.migrate()?;
        // A damaged row would be met only later, and then at every step.
        identity::find(&store.connection).map_err(|error| match error {
            StoreError::Sqlite(rusqlite::Error::SqliteFailure(..)) => error,
            _ => StoreError::Damaged("identity"),
        })?;
        Ok(store)
    }

    /// Makes a new database of an older version.
    fn open_as(path: &Path, version: usize) -> Result<Self, StoreError> {
        let mut store = Self::connect(path)?;
        let version = if (1..=MIGRATIONS.len()).contains(&version) { version } else { MIGRATIONS.len() };
        store.migrate_to(version)?;
        Ok(store)
    }

    fn connect(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        // Readers (backup, a second tool) do not block the writer, and a commit is one sequential write.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // With WAL only FULL syncs at every commit: what the screen calls saved must survive a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Another process may look (never write): wait for its checkpoint instead of failing a save.
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        // 2 MB of page cache: the lists of a year stay in it and a cheap phone does not feel it.
        connection.pragma_update(None, "cache_size", -2048)?;
        // Sorting stays in memory: no temporary files to fail on a full disk.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(Self { connection, counters: 0..0 })
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        self.migrate_to(MIGRATIONS.len())?;
        // Off while tables are made anew.
        self.connection.pragma_update(None, "foreign_keys", true)?;
        Ok(())
    }

    fn migrate_to(&mut self, newest: usize) -> Result<(), StoreError> {
        let had: u32 = self.connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if had as usize > MIGRATIONS.len() {
            return Err(StoreError::Newer);
        }
        // The bundled SQLite has them on.
        self.connection.pragma_update(None, "foreign_keys", false)?;
        for (version, (sql, then)) in (1_u32..).zip(MIGRATIONS).take(newest).skip(had as usize) {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(sql)?;
            then(&transaction)?;
            transaction.pragma_update(None, "user_version", version)?;
            transaction.commit()?;
        }
        Ok(())
    }

    /// Closes the database with its journal emptied, so that its own file is all there is of it.
    fn close_whole(self) -> Result<(), StoreError> {
        let is_busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))?;
        if is_busy { Err(StoreError::Damaged("journal")) } else { Ok(()) }
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

    /// The next request's counter: higher than any before it, whatever happens in between.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn next_request_counter(&mut self) -> Result<u64, StoreError> {
        if self.counters.is_empty() {
            let first = identity::take_request_counters(&self.connection, COUNTERS)?;
            self.counters = first..first + u64::from(COUNTERS);
        }
        Ok(self.counters.next().unwrap_or_default())
    }

    /// The server has seen this request counter: the next one is higher.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn skip_request_counters(&mut self, seen: u64) -> Result<(), StoreError> {
        self.counters = 0..0;
        identity::raise_request_counter(&self.connection, seen)
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
