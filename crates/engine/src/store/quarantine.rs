//! What came from outside and could not be taken: kept whole, never applied.

use lentera_domain::Timestamp;
use rusqlite::{Connection, params};

use super::StoreError;

/// Keeps bytes aside, once.
///
/// # Errors
/// [`StoreError`].
pub fn insert(connection: &Connection, received_at: Timestamp, code: &str, bytes: &[u8]) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO quarantine (received_at, code, bytes) VALUES (?, ?, ?) ON CONFLICT (bytes) DO NOTHING")?
        .execute(params![received_at.millis(), code, bytes])?;
    Ok(())
}

/// How much is kept aside.
///
/// # Errors
/// [`StoreError`].
pub fn count(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.prepare_cached("SELECT count(*) FROM quarantine")?.query_row([], |row| row.get(0))?)
}

/// Bytes kept aside for this reason, newest first, with their positions.
///
/// # Errors
/// [`StoreError`].
pub fn of_code(connection: &Connection, code: &str) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT position, bytes FROM quarantine WHERE code = ? ORDER BY position DESC")?;
    let rows = statement.query_map([code], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// They could be taken after all, and are where they belong.
///
/// # Errors
/// [`StoreError`].
pub fn remove_taken(connection: &Connection, position: i64) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM quarantine WHERE position = ?")?.execute([position])?;
    Ok(())
}
