//! The rows that are made from documents.

use lentera_document::Projection;
use rusqlite::{Connection, params};
use serde::Serialize;

use crate::storage::StorageError;

/// Puts the row of a record; `unit` is the one whose stream carries it.
pub fn put_record(db: &Connection, id: &str, record: &Projection, unit: &str) -> Result<(), StorageError> {
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
