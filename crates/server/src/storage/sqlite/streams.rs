//! Streams: rows in order, and the counter that moves with them.

use lentera_protocol::stream::{Cursor, Row};
use lentera_protocol::{DeviceId, decode, encode};
use rusqlite::{Connection, OptionalExtension, params};

use crate::storage::{StorageError, StreamPage, StreamQuery};

/// Appends a row to the stream, which is made where there is none.
pub fn append(db: &Connection, name: &str, origin: Option<DeviceId>, row: &Row) -> Result<(), StorageError> {
    db.prepare_cached("INSERT INTO stream (name, position, hash) VALUES (?, 0, ?) ON CONFLICT DO NOTHING")?
        .execute(params![name, [0_u8; 8]])?;
    let (stream, position, previous): (i64, i64, [u8; 8]) = db
        .prepare_cached("SELECT id, position, hash FROM stream WHERE name = ?")?
        .query_row([name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let hash = row.chained_hash(&previous);
    db.prepare_cached("INSERT INTO stream_row (stream, position, hash, origin_device, content) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![stream, position + 1, hash, origin.map(|device| device.to_string()), encode(row)])?;
    db.prepare_cached("UPDATE stream SET position = ?, hash = ? WHERE id = ?")?.execute(params![position + 1, hash, stream])?;
    Ok(())
}

/// As [`crate::storage::Storage::stream_page`].
pub fn page(db: &Connection, query: &StreamQuery) -> Result<Option<StreamPage>, StorageError> {
    let head = db
        .prepare_cached("SELECT id, position, hash FROM stream WHERE name = ?")?
        .query_row([&query.name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((stream, last, last_hash)): Option<(u32, i64, [u8; 8])> = head else { return Ok(None) };
    let mut cursor = start(db, stream, &query.cursors)?;
    let (mut rows, mut bytes, mut more) = (Vec::new(), 0, false);
    let mut select = db.prepare_cached(
        "SELECT position, hash, content FROM stream_row
         WHERE stream = ? AND position > ? AND origin_device IS NOT ? ORDER BY position",
    )?;
    let mut found = select.query(params![stream, position(cursor.position)?, query.asking.to_string()])?;
    while let Some(row) = found.next()? {
        let content: Vec<u8> = row.get(2)?;
        // A row larger than any budget would otherwise stand in the way for ever.
        if rows.len() >= query.rows || (bytes + content.len() > query.bytes && !rows.is_empty()) {
            more = true;
            break;
        }
        bytes += content.len();
        rows.push(decode(&content).map_err(|error| StorageError::Damaged(error.to_string()))?);
        cursor = Cursor { stream, position: row.get::<_, i64>(0)?.unsigned_abs(), hash: row.get(1)?, below: None };
    }
    if !more {
        // Past the device's own rows at the end, too.
        cursor = Cursor { stream, position: last.unsigned_abs(), hash: last_hash, below: None };
    }
    Ok(Some(StreamPage { rows, bytes, cursor, more }))
}

/// The device's own cursor if it stands on a row of this very stream, else the beginning.
fn start(db: &Connection, stream: u32, cursors: &[Cursor]) -> Result<Cursor, StorageError> {
    let beginning = Cursor { stream, position: 0, hash: [0; 8], below: None };
    let Some(cursor) = cursors.iter().find(|cursor| cursor.stream == stream) else { return Ok(beginning) };
    let Ok(at) = position(cursor.position) else { return Ok(beginning) };
    let hash: Option<[u8; 8]> = db
        .prepare_cached("SELECT hash FROM stream_row WHERE stream = ? AND position = ?")?
        .query_row(params![stream, at], |row| row.get(0))
        .optional()?;
    Ok(if hash == Some(cursor.hash) { *cursor } else { beginning })
}

/// A position as SQLite counts.
fn position(position: u64) -> Result<i64, StorageError> {
    i64::try_from(position).map_err(|_| StorageError::Damaged("position".to_owned()))
}
