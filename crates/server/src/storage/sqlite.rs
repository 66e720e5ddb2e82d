//! SQLite: one file, one thread that writes, one that reads.

mod bundles;
mod commit;
mod enterprises;
mod news;
mod office;
mod people;
mod records;
mod streams;
mod suspects;
mod worker;

use std::path::Path;
use std::time::Duration;

use lentera_document::ChangeHash;
use lentera_domain::rules::LogRules;
use lentera_domain::server_record::{Employee, Region};
use lentera_domain::{Nip, Timestamp, UmkmId};
use lentera_protocol::{DeviceId, Hash};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::{
    Commit, Committed, Device, DocumentKey, Enrolled, Enrolment, HeldBundle, Imported, KeptDocument, KeptPart, Moved, News,
    NewsQuery, OneTimeCode, Person, Quarantined, Secrets, Sender, Storage, StorageError, Try,
};
use crate::service::scope;
use worker::Worker;

/// Brings the schema from the version that is its place here to the next. None is ever edited.
struct Migration {
    sql: &'static str,
    /// What SQL cannot say.
    then: fn(&Connection) -> Result<(), StorageError>,
}

const MIGRATIONS: [Migration; 2] = [
    Migration { sql: include_str!("migrations/2026-11-22-first.sql"), then: |_| Ok(()) },
    Migration { sql: include_str!("migrations/2026-11-22-sync.sql"), then: |db| streams::renew(db, scope::REGIONS) },
];
/// How long to wait for another process, such as an import beside the running server.
const BUSY: Duration = Duration::from_secs(10);
/// Statements kept prepared: all there are.
const STATEMENTS: usize = 128;
/// KiB of pages that the writer and the reader keep in memory.
const CACHE_KIB: i64 = 64 * 1024;
/// Pages in the journal before they are brought into the database: a page that many bundles touch is then written once.
const CHECKPOINT_PAGES: i64 = 4000;

impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(error.to_string()),
            _ => Self::Database(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for StorageError {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// A number as SQLite counts.
fn as_sql(number: u64) -> Result<i64, StorageError> {
    i64::try_from(number).map_err(|_| StorageError::Damaged("number".to_owned()))
}

/// The storage in one SQLite file.
#[derive(Clone, Debug)]
pub struct Sqlite {
    writer: Worker,
    reader: Worker,
}

impl Sqlite {
    /// Opens the file, makes it where there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StorageError`] where it cannot be opened, or is of a newer version of the server.
    pub fn open(file: &Path) -> Result<Self, StorageError> {
        let mut writer = Connection::open(file)?;
        set_up(&writer)?;
        migrate(&mut writer)?;
        // Without it REFERENCES says nothing.
        writer.pragma_update(None, "foreign_keys", true)?;
        let reader = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        reader.busy_timeout(BUSY)?;
        for connection in [&writer, &reader] {
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            // Negative: KiB, not pages.
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        }
        Ok(Self {
            // Immediate: a write that began as a read would fail, not wait, when another process wrote in between.
            writer: Worker::start(writer, TransactionBehavior::Immediate)?,
            reader: Worker::start(reader, TransactionBehavior::Deferred)?,
        })
    }
}

fn set_up(connection: &Connection) -> Result<(), StorageError> {
    connection.busy_timeout(BUSY)?;
    // Readers do not wait for the writer nor it for them, and a commit is one sequential write.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // In WAL mode NORMAL may lose the last commits in a power cut; a receipt promises that they stay.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    // Off while a migration makes anew what others refer to.
    connection.pragma_update(None, "foreign_keys", false)?;
    // A damaged or hostile file must not run functions through its own schema.
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<(), StorageError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let mut reached = 0;
    for (from, migration) in (0_u32..).zip(MIGRATIONS) {
        if from >= version {
            transaction.execute_batch(migration.sql)?;
            (migration.then)(&transaction)?;
        }
        reached = from + 1;
    }
    if version > reached {
        return Err(StorageError::Database(format!("the file is of a newer server: version {version}")));
    }
    if version < reached && transaction.prepare("PRAGMA foreign_key_check")?.exists([])? {
        return Err(StorageError::Damaged("rows refer to rows that are not there".to_owned()));
    }
    transaction.pragma_update(None, "user_version", reached)?;
    Ok(transaction.commit()?)
}

impl Storage for Sqlite {
    fn load(&self) -> usize {
        self.writer.load() + self.reader.load()
    }

    async fn create_office(&self, name: String, rules: LogRules) -> Result<bool, StorageError> {
        self.writer.run(move |db| office::create(db, &name, rules)).await
    }

    async fn office(&self) -> Result<Option<String>, StorageError> {
        self.reader.run(office::name).await
    }

    async fn import_staff(&self, people: Vec<Employee>) -> Result<Imported, StorageError> {
        self.writer.run(move |db| people::import(db, people)).await
    }

    async fn import_regions(&self, regions: Vec<Region>) -> Result<Imported, StorageError> {
        self.writer.run(move |db| office::import_regions(db, regions)).await
    }

    async fn put_log_rules(&self, rules: LogRules) -> Result<bool, StorageError> {
        self.writer.run(move |db| office::put_log_rules(db, rules)).await
    }

    async fn known_people(&self, people: Vec<Nip>) -> Result<Vec<Nip>, StorageError> {
        self.reader.run(move |db| people::known(db, people)).await
    }

    async fn person(&self, nip: Nip) -> Result<Option<Person>, StorageError> {
        self.reader.run(move |db| people::person(db, &nip)).await
    }

    async fn begin_try(&self, nip: Nip, now: Timestamp, pause_after: fn(u32) -> i64) -> Result<Try, StorageError> {
        self.writer.run(move |db| people::begin_try(db, &nip, now, pause_after)).await
    }

    async fn clear_tries(&self, nip: Nip) -> Result<(), StorageError> {
        self.writer.run(move |db| people::clear_tries(db, &nip)).await
    }

    async fn set_password(&self, nip: Nip, seen: Secrets, password: String) -> Result<bool, StorageError> {
        self.writer.run(move |db| people::set_password(db, &nip, &seen, &password)).await
    }

    async fn set_one_time_code(&self, nip: Nip, code: OneTimeCode) -> Result<bool, StorageError> {
        self.writer.run(move |db| people::set_one_time_code(db, &nip, &code)).await
    }

    async fn enrol_device(&self, enrolment: Enrolment) -> Result<Enrolled, StorageError> {
        self.writer.run(move |db| people::enrol_device(db, &enrolment)).await
    }

    async fn unit_at(&self, nip: Nip, epoch: u32) -> Result<Option<String>, StorageError> {
        self.reader.run(move |db| people::unit_at(db, &nip, epoch)).await
    }

    async fn device(&self, id: DeviceId) -> Result<Option<Device>, StorageError> {
        self.reader.run(move |db| people::device(db, id)).await
    }

    async fn devices(&self, nip: Nip) -> Result<Vec<Device>, StorageError> {
        self.reader.run(move |db| people::devices(db, &nip)).await
    }

    async fn count_request(&self, id: DeviceId, counter: u64) -> Result<Result<(), u64>, StorageError> {
        self.writer.run(move |db| people::count_request(db, id, counter)).await
    }

    async fn revoke_device(&self, id: DeviceId, at: Timestamp) -> Result<bool, StorageError> {
        self.writer.run(move |db| people::revoke_device(db, id, at)).await
    }

    async fn freeze_device(&self, evidence: Quarantined) -> Result<(), StorageError> {
        self.writer.run(move |db| people::freeze_device(db, &evidence)).await
    }

    async fn sender(&self, device: DeviceId, bundle: Hash) -> Result<Option<Sender>, StorageError> {
        self.reader.run(move |db| bundles::sender(db, device, bundle)).await
    }

    async fn last_amendment(&self, device: DeviceId) -> Result<u64, StorageError> {
        self.reader.run(move |db| bundles::amendment(db, device)).await
    }

    async fn documents(&self, keys: Vec<DocumentKey>) -> Result<Vec<KeptDocument>, StorageError> {
        self.reader.run(move |db| keys.iter().map(|key| bundles::document(db, *key)).collect()).await
    }

    async fn parts(&self, device: DeviceId) -> Result<Vec<KeptPart>, StorageError> {
        self.reader.run(move |db| bundles::parts(db, device)).await
    }

    async fn commit_bundle(&self, commit: Commit) -> Result<Committed, StorageError> {
        self.writer.run(move |db| commit::commit(db, &commit)).await
    }

    async fn quarantine(&self, refused: Quarantined) -> Result<(), StorageError> {
        self.writer.run(move |db| bundles::quarantine(db, &refused)).await
    }

    async fn hold(&self, bundle: HeldBundle) -> Result<(), StorageError> {
        self.writer.run(move |db| bundles::hold(db, &bundle)).await
    }

    async fn held(&self, device: DeviceId) -> Result<Vec<HeldBundle>, StorageError> {
        self.reader.run(move |db| bundles::held(db, device)).await
    }

    async fn move_enterprise(&self, id: UmkmId, unit: String) -> Result<Moved, StorageError> {
        self.writer.run(move |db| enterprises::move_to(db, id, &unit)).await
    }

    async fn news(&self, query: NewsQuery) -> Result<Option<News>, StorageError> {
        self.reader.run(move |db| news::news(db, &query)).await
    }

    async fn suspect(&self, found: Vec<ChangeHash>) -> Result<Vec<ChangeHash>, StorageError> {
        self.writer.run(move |db| suspects::suspect(db, &found)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_promises_of_storage() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("db.sqlite");
        super::super::conformance::run(Sqlite::open(&file).unwrap(), || Sqlite::open(&file).unwrap()).await;
    }

    #[test]
    fn a_newer_file_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("db.sqlite");
        drop(Sqlite::open(&file).unwrap());
        Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Sqlite::open(&file), Err(StorageError::Database(_))));
    }
}
