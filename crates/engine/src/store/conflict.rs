//! Fields with two or more different values that nobody wrote over: a projection of documents, like the tables of records.

use lentera_document::{ChangeHash, Document, FieldConflict};
use lentera_domain::{Kind, RecordId};
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::StoreError;

/// Fields that nobody filled in: their difference means nothing to a person.
const NOT_TYPED: [&str; 4] = ["kind", "noted_at", "registered_at", "kbli_edition"];

/// A field of one document to be settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The document.
    pub document: RecordId,
    /// The field's key.
    pub field: String,
    /// Its values, in the order of their changes' names.
    pub values: Vec<Value>,
}

/// One of the values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// The value; null where it was emptied.
    pub value: serde_json::Value,
    /// The change that wrote it.
    pub change: ChangeHash,
    /// Whether it is the one shown.
    pub shown: bool,
}

/// Puts the conflicts of a document in the place of those it had.
///
/// # Errors
/// [`StoreError`].
pub fn put(connection: &Connection, document: &Document) -> Result<(), StoreError> {
    let id = document.id();
    remove(connection, id)?;
    let sql = "INSERT INTO conflict (kind, id, field, body) VALUES (?, ?, ?, ?)";
    for FieldConflict { field, values } in document.conflicts() {
        if NOT_TYPED.contains(&field.as_str()) {
            continue;
        }
        let values: Vec<Value> =
            values.into_iter().map(|value| Value { value: value.value, change: value.change, shown: value.shown }).collect();
        let body = serde_json::to_string(&values)?;
        connection.prepare_cached(sql)?.execute(params![id.kind.number(), id.id.as_bytes(), field, body])?;
    }
    Ok(())
}

/// Takes away the conflicts of a document that shows nothing any more.
///
/// # Errors
/// [`StoreError`].
pub fn remove(connection: &Connection, id: RecordId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM conflict WHERE kind = ? AND id = ?")?
        .execute(params![id.kind.number(), id.id.as_bytes()])?;
    Ok(())
}

/// The conflicts of one document, by field.
///
/// # Errors
/// [`StoreError`].
pub fn of_document(connection: &Connection, id: RecordId) -> Result<Vec<Conflict>, StoreError> {
    let sql = "SELECT kind, id, field, body FROM conflict WHERE kind = ? AND id = ? ORDER BY field";
    read(connection.prepare_cached(sql)?.query(params![id.kind.number(), id.id.as_bytes()])?)
}

/// What this device's person may settle: not in the log of somebody below.
const TO_SETTLE: &str = "(kind <> 1 OR id IN (
    SELECT log_entry.id FROM log_entry JOIN identity ON owner = json_extract(employee, '$.nip')))";

/// The conflicts of all documents that this device's person may settle.
///
/// # Errors
/// [`StoreError`].
pub fn all(connection: &Connection) -> Result<Vec<Conflict>, StoreError> {
    let sql = format!("SELECT kind, id, field, body FROM conflict WHERE {TO_SETTLE} ORDER BY id, kind, field");
    read(connection.prepare_cached(&sql)?.query([])?)
}

/// How many records have conflicts that this device's person may settle, an enterprise and its owner's protected data as one.
///
/// # Errors
/// [`StoreError`].
pub fn count_records(connection: &Connection) -> Result<u32, StoreError> {
    let sql = format!("SELECT count(DISTINCT hex(id) || CASE kind WHEN ? THEN ? ELSE kind END) FROM conflict WHERE {TO_SETTLE}");
    let kinds = params![Kind::UmkmOwner.number(), Kind::Umkm.number()];
    Ok(connection.prepare_cached(&sql)?.query_row(kinds, |row| row.get(0))?)
}

/// How many fields of these documents are in conflict.
///
/// # Errors
/// [`StoreError`].
pub fn count_fields(connection: &Connection, documents: &[RecordId]) -> Result<u32, StoreError> {
    let mut statement = connection.prepare_cached("SELECT count(*) FROM conflict WHERE kind = ? AND id = ?")?;
    let mut count = 0;
    for id in documents {
        count += statement.query_row(params![id.kind.number(), id.id.as_bytes()], |row| row.get::<_, u32>(0))?;
    }
    Ok(count)
}

fn read(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Conflict>, StoreError> {
    let mut conflicts = Vec::new();
    while let Some(row) = rows.next()? {
        conflicts.extend(read_row(row)?);
    }
    Ok(conflicts)
}

fn read_row(row: &Row<'_>) -> Result<Option<Conflict>, StoreError> {
    let Some(kind) = Kind::from_number(row.get(0)?) else { return Ok(None) };
    let body: String = row.get(3)?;
    Ok(Some(Conflict {
        document: RecordId { kind, id: Uuid::from_bytes(row.get(1)?) },
        field: row.get(2)?,
        values: serde_json::from_str(&body)?,
    }))
}
