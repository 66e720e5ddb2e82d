//! Sealed bundles and their receipts.

use lentera_protocol::Hash;
use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;

/// A sealed bundle without a receipt.
#[derive(Clone, Debug)]
pub struct Unreceipted {
    /// Its number.
    pub number: u64,
    /// Its bytes.
    pub sealed: Vec<u8>,
}

/// Number and hash of the last sealed bundle; 0 and zeroes before the first.
///
/// # Errors
/// [`StoreError`].
pub fn last(connection: &Connection) -> Result<(u64, Hash), StoreError> {
    let mut statement = connection.prepare_cached("SELECT number, hash FROM bundle ORDER BY number DESC LIMIT 1")?;
    let last = statement.query_row([], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), Hash(row.get(1)?)))).optional()?;
    Ok(last.unwrap_or_default())
}

/// Number of the last bundle whose receipt is here; 0 for none.
///
/// # Errors
/// [`StoreError`].
pub fn last_receipted(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce(max(number), 0) FROM bundle WHERE receipt IS NOT NULL";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

/// Keeps a sealed bundle.
///
/// # Errors
/// [`StoreError`].
pub fn insert(connection: &Connection, number: u64, sealed: &[u8], sealed_at: i64) -> Result<(), StoreError> {
    connection.prepare_cached("INSERT INTO bundle (number, hash, sealed, sealed_at) VALUES (?, ?, ?, ?)")?.execute(params![
        number.cast_signed(),
        Hash::of(sealed).0,
        sealed,
        sealed_at
    ])?;
    Ok(())
}

/// Bundles that wait for their receipt, in order; at most `limit`.
///
/// # Errors
/// [`StoreError`].
pub fn unreceipted(connection: &Connection, limit: usize) -> Result<Vec<Unreceipted>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT number, sealed FROM bundle WHERE receipt IS NULL ORDER BY number LIMIT ?")?;
    let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
        Ok(Unreceipted { number: row.get::<_, i64>(0)?.unsigned_abs(), sealed: row.get(1)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Hash of the bundle with this number.
///
/// # Errors
/// [`StoreError`].
pub fn hash(connection: &Connection, number: u64) -> Result<Option<Hash>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT hash FROM bundle WHERE number = ?")?;
    Ok(statement.query_row([number.cast_signed()], |row| Ok(Hash(row.get(0)?))).optional()?)
}

/// Keeps a receipt.
///
/// # Errors
/// [`StoreError`].
pub fn set_receipt(connection: &Connection, number: u64, receipt: &[u8]) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE bundle SET receipt = ? WHERE number = ?")?
        .execute(params![receipt, number.cast_signed()])?;
    Ok(())
}
