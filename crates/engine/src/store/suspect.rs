//! Foreign bytes that were being examined when the process ended.

use lentera_document::ChangeHash;
use rusqlite::{Connection, OptionalExtension};

use super::StoreError;

/// So many ends of the process are no chance any more: the bytes are not looked at again.
const POISONED_AFTER: u32 = 2;

/// The process ended while it examined the bytes of this hash.
///
/// # Errors
/// [`StoreError`].
pub fn note(connection: &Connection, hash: ChangeHash) -> Result<(), StoreError> {
    let sql = "INSERT INTO suspect (hash, crashes) VALUES (?, 1) ON CONFLICT (hash) DO UPDATE SET crashes = crashes + 1";
    connection.prepare_cached(sql)?.execute([hash])?;
    Ok(())
}

/// Whether the bytes of this hash must not be looked at.
///
/// # Errors
/// [`StoreError`].
pub fn is_poisoned(connection: &Connection, hash: ChangeHash) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT crashes FROM suspect WHERE hash = ?")?;
    let crashes: Option<u32> = statement.query_row([hash], |row| row.get(0)).optional()?;
    Ok(crashes.is_some_and(|crashes| crashes >= POISONED_AFTER))
}
