//! How far each stream was taken.

use lentera_protocol::stream::Cursor;
use rusqlite::{Connection, params};

use super::StoreError;

/// All cursors.
///
/// # Errors
/// [`StoreError`].
pub fn cursors(connection: &Connection) -> Result<Vec<Cursor>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT stream, position, hash FROM stream ORDER BY stream")?;
    let rows = statement.query_map([], |row| {
        Ok(Cursor { stream: row.get(0)?, position: row.get::<_, i64>(1)?.unsigned_abs(), hash: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Moves a cursor.
///
/// # Errors
/// [`StoreError`].
pub fn set(connection: &Connection, cursor: &Cursor) -> Result<(), StoreError> {
    connection.prepare_cached("INSERT OR REPLACE INTO stream (stream, position, hash) VALUES (?, ?, ?)")?.execute(params![
        cursor.stream,
        cursor.position.cast_signed(),
        cursor.hash
    ])?;
    Ok(())
}
