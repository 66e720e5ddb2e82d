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
mod unjudged;
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

const MIGRATIONS: [Migration; 5] = [
    Migration { sql: include_str!("migrations/2026-11-22-first.sql"), then: |_| Ok(()) },
    Migration { sql: include_str!("migrations/2026-11-22-sync.sql"), then: |db| streams::renew(db, scope::REGIONS) },
    Migration { sql: include_str!("migrations/2026-11-27-indexes.sql"), then: |_| Ok(()) },
    Migration { sql: include_str!("migrations/2026-11-27-unjudged.sql"), then: unjudged::mark },
    Migration { sql: include_str!("migrations/2026-11-27-superiors.sql"), then: |_| Ok(()) },
];
/// How long to wait for another process, such as an import beside the running server.
const BUSY: Duration = Duration::from_secs(10);
/// Statements kept prepared: all there are.
const STATEMENTS: usize = 128;
/// KiB of pages that the writer and the reader keep in memory; the system keeps the others. Not more: nearly every commit that splits a
/// page makes SQLite look through all that it keeps (the split borrows the number of a page far beyond the end).
const CACHE_KIB: i64 = 8 * 1024;
/// Pages in the journal before they are brought into the database: a page that many bundles touch is then written once.
const CHECKPOINT_PAGES: i64 = 4000;

impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(error.to_string()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(error.to_string()),
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
            // What a savepoint would take back is noted in memory, not in a file.
            connection.pragma_update(None, "temp_store", "MEMORY")?;
        }
        Ok(Self {
            // Immediate: a write that began as a read would fail, not wait, when another process wrote in between.
            writer: Worker::start(writer, TransactionBehavior::Immediate)?,
            reader: Worker::start(reader, TransactionBehavior::Deferred)?,
        })
    }
}

#[cfg(test)]
impl Sqlite {
    /// Does something on the connection that writes.
    pub async fn with_writer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        self.writer.run(work).await
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
        self.writer.load().saturating_add(self.reader.load())
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

    async fn know_earlier_key(&self, earlier: Enrolment) -> Result<(), StorageError> {
        self.writer.run(move |db| people::know_earlier_key(db, &earlier)).await
    }

    async fn freeze_device(&self, evidence: Quarantined) -> Result<(), StorageError> {
        self.writer.run(move |db| people::freeze_device(db, &evidence)).await
    }

    async fn sender(&self, device: DeviceId, bundle: Hash) -> Result<Option<Sender>, StorageError> {
        self.reader.run(move |db| bundles::sender(db, device, bundle)).await
    }

    async fn receipts(&self, device: DeviceId, after: u64, limit: usize) -> Result<Vec<Vec<u8>>, StorageError> {
        self.reader.run(move |db| bundles::receipts(db, device, after, limit)).await
    }

    async fn bundle(&self, device: DeviceId, number: u64) -> Result<Option<Vec<u8>>, StorageError> {
        self.reader.run(move |db| bundles::sealed(db, device, number)).await
    }

    async fn last_word(&self, device: DeviceId, number: u64) -> Result<Option<Vec<u8>>, StorageError> {
        self.reader.run(move |db| bundles::last_word(db, device, number)).await
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
    use crate::storage::{KeptChange, Unjudged};
    use lentera_protocol::stream::{Cursor, Row};

    #[tokio::test]
    async fn keeps_the_promises_of_storage() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("db.sqlite");
        super::super::conformance::run(Sqlite::open(&file).unwrap(), || Sqlite::open(&file).unwrap()).await;
    }

    /// A file of the first schema, with a person, a change, and a region that was renamed.
    fn write_first_schema(file: &Path) -> (DeviceId, [u8; 8]) {
        let db = Connection::open(file).unwrap();
        db.execute_batch(MIGRATIONS[0].sql).unwrap();
        db.pragma_update(None, "user_version", 1).unwrap();
        let device = DeviceId::of_key(&[1; 32]);
        let nip = "198001012006041001";
        let employee = format!(r#"{{"nip":"{nip}","name":"Contoh","position":"Penyuluh","unit":"A"}}"#);
        db.execute("INSERT INTO person (nip, unit, body, scope_epoch) VALUES (?, 'A', ?, 3)", [nip, &employee]).unwrap();
        let insert = "INSERT INTO device (id, nip, key, enrolled_at) VALUES (?, ?, ?, 5)";
        db.execute(insert, rusqlite::params![device.to_string(), nip, [1_u8; 32]]).unwrap();
        let id = uuid::Uuid::from_u128(9);
        db.execute_batch(&format!(
            "INSERT INTO bundle VALUES ('{device}', 1, x'{}', x'22', x'33', 44);
             INSERT INTO document VALUES (900, '{id}', 1, '{nip}', 'person:{nip}');
             INSERT INTO change VALUES (1, 900, '{id}', x'55', x'66', '{device}', 1);
             INSERT INTO quarantine VALUES (1, '{device}', 'bad_record', 900, '{id}', x'77', x'88', 99);",
            "11".repeat(32)
        ))
        .unwrap();
        let record = |json: &str| Row::Record(json.to_owned());
        let employee = format!(r#"{{"kind":"employee",{}"#, &employee[1..]);
        let region = |name: &str| record(&format!(r#"{{"kind":"region","code":"63.11","name":"{name}"}}"#));
        let change = Row::Change { kind: 900, id: id.into_bytes(), bytes: vec![0x66], origin: None };
        let streams = [
            ("kabupaten".to_owned(), vec![record(&employee), region("Lama"), region("Baru")]),
            (format!("person:{nip}"), vec![change]),
        ];
        let mut last = [0; 8];
        for (stream, (name, rows)) in (1..).zip(streams) {
            last = [0; 8];
            db.execute("INSERT INTO stream VALUES (?, ?, ?, x'')", rusqlite::params![stream, name, rows.len() as i64]).unwrap();
            for (position, row) in (1..).zip(rows) {
                last = row.chained_hash(&last);
                let values = rusqlite::params![stream, position, last, lentera_protocol::encode(&row)];
                db.execute("INSERT INTO stream_row VALUES (?, ?, ?, NULL, ?)", values).unwrap();
            }
            db.execute("UPDATE stream SET hash = ? WHERE id = ?", rusqlite::params![last, stream]).unwrap();
        }
        (device, last)
    }

    #[tokio::test]
    async fn a_file_of_the_first_schema_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("db.sqlite");
        let (device, hash) = write_first_schema(&file);
        let storage = Sqlite::open(&file).unwrap();
        let nip = Nip::parse("198001012006041001").unwrap();
        assert_eq!(storage.unit_at(nip.clone(), 1).await.unwrap().as_deref(), Some("A"));
        let key = DocumentKey { kind: 900, id: uuid::Uuid::from_u128(9).into_bytes() };
        let kept = storage.documents(vec![key]).await.unwrap().remove(0);
        let unjudged = Unjudged { device, key: [1; 32], generation: 0, author: nip.clone(), arrived: Timestamp::from_millis(44) };
        let changes = vec![KeptChange { bytes: vec![0x66], unjudged: Some(unjudged) }];
        assert_eq!((kept.version, kept.owner, kept.changes), (1, Some(nip.clone()), changes));
        let enrolment = Enrolment { nip, key: [2; 32], at: Timestamp::from_millis(1), new_password: None };
        storage.enrol_device(enrolment).await.unwrap();
        let second = DeviceId::of_key(&[2; 32]);
        let query = |device, cursors: Vec<Cursor>, newest_first| NewsQuery {
            device,
            cursors,
            rows: 100,
            bytes: 10_000,
            newest_first,
            amendments: None,
        };
        for newest_first in [true, false] {
            let news = storage.news(query(second, vec![], newest_first)).await.unwrap().unwrap();
            let text = format!("{:?}", news.pages);
            assert_eq!(
                (text.matches("Baru").count(), text.matches("102").count()),
                (if newest_first { 1 } else { 2 }, 1),
                "{text}"
            );
        }
        // A device goes on where it stood.
        let stood = Cursor { stream: 2, position: 1, hash, below: None };
        let news = storage.news(query(device, vec![stood], true)).await.unwrap().unwrap();
        assert!(news.pages.iter().all(|page| page.cursor.stream != 2), "{news:?}");
        assert_eq!(storage.sender(device, Hash([0x11; 32])).await.unwrap().unwrap().receipt, Some(vec![0x33]));
    }

    #[tokio::test]
    async fn what_is_looked_for_often_has_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Sqlite::open(&folder.path().join("db.sqlite")).unwrap();
        for (sql, values, index) in [
            (bundles::LAST_AMENDMENT, 2, "INDEX amendment_by_bundle (device=? AND bundle_number=?)"),
            (news::PEOPLE_OF_UNIT, 2, "INDEX person_by_unit (unit=?)"),
            (people::BELOW, 1, "INDEX person_by_superior (<expr>=?)"),
            (people::WRITTEN_IN_STREAM, 2, "INDEX change_by_device (device=?)"),
        ] {
            let explain = move |db: &Connection| {
                let mut steps = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let steps = steps.query_map(rusqlite::params_from_iter(vec![1; values]), |row| row.get::<_, String>(3))?;
                Ok(steps.collect::<Result<Vec<_>, _>>()?.join("; "))
            };
            let plan = storage.with_writer(explain).await.unwrap();
            assert!(plan.contains(index) && !plan.contains("SCAN") && !plan.contains("ORDER BY"), "{plan}");
        }
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
