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
