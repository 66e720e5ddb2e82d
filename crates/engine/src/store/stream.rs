//! How far each stream was taken.

use lentera_api::view::Progress;
use lentera_protocol::stream::Cursor;
use rusqlite::{Connection, params};

use super::StoreError;

/// All cursors.
///
/// # Errors
/// [`StoreError`].
pub fn cursors(connection: &Connection) -> Result<Vec<Cursor>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT stream, position, hash, below FROM stream ORDER BY stream")?;
    let rows = statement.query_map([], |row| {
        Ok(Cursor {
            stream: row.get(0)?,
            position: row.get::<_, i64>(1)?.unsigned_abs(),
            hash: row.get(2)?,
            below: row.get::<_, Option<i64>>(3)?.map(i64::unsigned_abs),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Moves a cursor.
///
/// # Errors
/// [`StoreError`].
pub fn set(connection: &Connection, cursor: &Cursor) -> Result<(), StoreError> {
    let below = cursor.below.map(u64::cast_signed);
    connection
        .prepare_cached("INSERT OR REPLACE INTO stream (stream, position, hash, below) VALUES (?, ?, ?, ?)")?
        .execute(params![cursor.stream, cursor.position.cast_signed(), cursor.hash, below])?;
    Ok(())
}

/// Forgets all cursors: the server gives everything again, which is harmless.
///
/// # Errors
/// [`StoreError`].
pub fn clear(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("DELETE FROM stream", [])?;
    Ok(())
}

/// How far the older rows have come; `None` where none are to come.
///
/// # Errors
/// [`StoreError`].
pub fn backfill(connection: &Connection) -> Result<Option<Progress>, StoreError> {
    let (mut done, mut total) = (0_u64, 0_u64);
    for cursor in cursors(connection)? {
        if let Some(below) = cursor.below {
            done = done.saturating_add(cursor.position.saturating_sub(below));
            total = total.saturating_add(cursor.position);
        }
    }
    Ok((total > 0).then_some(Progress { done, total }))
}
