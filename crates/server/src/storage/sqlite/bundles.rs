//! Bundles, documents and their records.

use lentera_document::Projection;
use lentera_domain::Nip;
use lentera_protocol::Hash;
use lentera_protocol::stream::Row;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use uuid::Uuid;

use super::{people, streams};
use crate::service::scope;
use crate::storage::{Commit, Committed, DocumentCommit, DocumentKey, KeptDocument, Quarantined, StorageError};

impl DocumentKey {
    fn uuid(self) -> String {
        Uuid::from_bytes(self.id).to_string()
    }
}

pub fn receipt(db: &Connection, bundle: Hash) -> Result<Option<Vec<u8>>, StorageError> {
    let mut select = db.prepare_cached("SELECT receipt FROM bundle WHERE hash = ?")?;
    Ok(select.query_row([bundle.0], |row| row.get(0)).optional()?)
}

pub fn document(db: &Connection, key: DocumentKey) -> Result<KeptDocument, StorageError> {
    let found: Option<(i64, Option<String>, String)> = db
        .prepare_cached("SELECT version, owner, home FROM document WHERE kind = ? AND id = ?")?
        .query_row(params![key.kind, key.uuid()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((version, owner, home)) = found else { return Ok(KeptDocument::default()) };
    let owner = owner.map(|owner| Nip::parse(&owner)).transpose().map_err(|error| StorageError::Damaged(error.to_string()))?;
    let changes = db
        .prepare_cached("SELECT bytes FROM change WHERE kind = ? AND id = ? ORDER BY seq")?
        .query_map(params![key.kind, key.uuid()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(KeptDocument { version: version.unsigned_abs(), owner, home: Some(home), changes })
}

pub fn commit(db: &Connection, commit: &Commit) -> Result<Committed, StorageError> {
    let (number, hash) = people::last_bundle(db, commit.device)?;
    if (number + 1, hash) != (commit.number, commit.previous) {
        return Ok(Committed::Conflict);
    }
    for document in &commit.documents {
        if version(db, document.key)? != document.version {
            return Ok(Committed::Conflict);
        }
    }
    let device = commit.device.to_string();
    db.prepare_cached("INSERT INTO bundle (device, number, hash, bytes, receipt, received_at) VALUES (?, ?, ?, ?, ?, ?)")?
        .execute(params![
            device,
            as_sql(commit.number)?,
            commit.hash.0,
            commit.bytes,
            commit.receipt,
            commit.received_at.millis()
        ])?;
    for document in &commit.documents {
        put_document(db, document)?;
    }
    for change in &commit.changes {
        let Some(document) = commit.documents.iter().find(|document| document.key == change.key) else {
            return Err(StorageError::Damaged("a change without its document".to_owned()));
        };
        db.prepare_cached("INSERT INTO change (kind, id, hash, bytes, device, bundle_number) VALUES (?, ?, ?, ?, ?, ?)")?
            .execute(params![change.key.kind, change.key.uuid(), change.hash, change.bytes, device, as_sql(commit.number)?])?;
        let row = Row::Change { kind: change.key.kind, id: change.key.id, bytes: change.bytes.clone(), origin: None };
        streams::append(db, &document.home, Some(commit.device), &row)?;
    }
    for refused in &commit.quarantined {
        quarantine(db, refused)?;
    }
    Ok(Committed::Done)
}

pub fn quarantine(db: &Connection, refused: &Quarantined) -> Result<(), StorageError> {
    db.prepare_cached(
        "INSERT INTO quarantine (device, code, kind, record, hash, bytes, received_at) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        refused.device.to_string(),
        refused.code,
        refused.key.map(|key| key.kind),
        refused.key.map(DocumentKey::uuid),
        Hash::of(&refused.bytes).0,
        refused.bytes,
        refused.at.millis()
    ])?;
    Ok(())
}

fn version(db: &Connection, key: DocumentKey) -> Result<u64, StorageError> {
    let mut select = db.prepare_cached("SELECT version FROM document WHERE kind = ? AND id = ?")?;
    let version: Option<i64> = select.query_row(params![key.kind, key.uuid()], |row| row.get(0)).optional()?;
    Ok(version.unwrap_or(0).unsigned_abs())
}

fn put_document(db: &Connection, document: &DocumentCommit) -> Result<(), StorageError> {
    db.prepare_cached(
        "INSERT INTO document (kind, id, version, owner, home) VALUES (?, ?, 1, ?, ?)
         ON CONFLICT DO UPDATE SET version = version + 1",
    )?
    .execute(params![document.key.kind, document.key.uuid(), document.owner.as_ref().map(Nip::as_str), document.home])?;
    match &document.record {
        Some(record) => put_record(db, &document.key.uuid(), record, scope::unit_of(&document.home)),
        None => Ok(()),
    }
}

fn put_record(db: &Connection, id: &str, record: &Projection, unit: &str) -> Result<(), StorageError> {
    match record {
        Projection::LogEntry(entry) => db
            .prepare_cached("INSERT OR REPLACE INTO log_entry (id, owner, day, status, body) VALUES (?, ?, ?, ?, ?)")?
            .execute(params![id, entry.owner.as_str(), entry.day.to_string(), name(&entry.status)?, json(entry)?])?,
        Projection::Umkm(umkm) => db
            .prepare_cached("INSERT OR REPLACE INTO umkm (id, name, village, unit, body) VALUES (?, ?, ?, ?, ?)")?
            .execute(params![id, umkm.name.as_str(), umkm.village.as_str(), unit, json(umkm)?])?,
        Projection::UmkmOwner(owner) => {
            db.prepare_cached("INSERT OR REPLACE INTO umkm_owner (id, body) VALUES (?, ?)")?.execute(params![id, json(owner)?])?
        }
        Projection::Visit(visit) => db
            .prepare_cached("INSERT OR REPLACE INTO visit (id, umkm, officer, day, body) VALUES (?, ?, ?, ?, ?)")?
            .execute(params![id, visit.umkm.to_string(), visit.officer.as_str(), visit.day.to_string(), json(visit)?])?,
    };
    Ok(())
}

fn json(record: &impl Serialize) -> Result<String, StorageError> {
    Ok(serde_json::to_string(record)?)
}

/// The serialised name of a choice.
fn name(choice: &impl Serialize) -> Result<String, StorageError> {
    match serde_json::to_value(choice)? {
        serde_json::Value::String(name) => Ok(name),
        _ => Err(StorageError::Damaged("not a name".to_owned())),
    }
}

fn as_sql(number: u64) -> Result<i64, StorageError> {
    i64::try_from(number).map_err(|_| StorageError::Damaged("number".to_owned()))
}
