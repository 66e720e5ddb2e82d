//! Colleagues' parcels that this device carries to the server, and the receipts it brings back. It cannot read the parcels: they are
//! encrypted to the server.

use lentera_api::view::Carried;
use lentera_domain::Timestamp;
use lentera_protocol::Hash;
use rusqlite::{Connection, params};

use super::StoreError;

/// Bytes of parcels that wait on one device at most: eight full files.
pub const WAITING_MAX: u64 = 8 * lentera_protocol::limits::FILE_MAX as u64;

/// A parcel to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Names it in [`mark_delivered`].
    pub position: i64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Keeps a parcel to be handed over, once. Gives whether it was new.
///
/// # Errors
/// [`StoreError`].
pub fn put_parcel(connection: &Connection, parcel: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    let sql = "INSERT INTO courier (hash, parcel, taken_at) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING";
    Ok(connection.prepare_cached(sql)?.execute(params![Hash::of(parcel).0, parcel, now.millis()])? > 0)
}

/// Bytes of parcels that wait.
///
/// # Errors
/// [`StoreError`].
pub fn waiting_bytes(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce(sum(length(parcel)), 0) FROM courier WHERE delivered_at IS NULL";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

/// The parcels to be handed over next, oldest first, of together at most `budget` bytes.
///
/// # Errors
/// [`StoreError`].
pub fn next_parcels(connection: &Connection, budget: usize) -> Result<Vec<Parcel>, StoreError> {
    let sql = "SELECT position, parcel FROM courier WHERE delivered_at IS NULL ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let (mut parcels, mut left) = (Vec::new(), budget);
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(1)?;
        let Some(rest) = left.checked_sub(bytes.len()) else { break };
        left = rest;
        parcels.push(Parcel { position: row.get(0)?, bytes });
    }
    Ok(parcels)
}

/// The server answered a request that carried these parcels: it has taken what it could of them.
///
/// # Errors
/// [`StoreError`].
pub fn mark_delivered(connection: &Connection, positions: &[i64], now: Timestamp) -> Result<(), StoreError> {
    // The bytes go: what is in them, the sender keeps until the receipt is there.
    let sql = "UPDATE courier SET delivered_at = ?, parcel = x'' WHERE position = ? AND delivered_at IS NULL";
    let mut statement = connection.prepare_cached(sql)?;
    for position in positions {
        statement.execute(params![now.millis(), position])?;
    }
    Ok(())
}

/// Keeps the server's receipt for another device, once.
///
/// # Errors
/// [`StoreError`].
pub fn put_receipt(connection: &Connection, receipt: &[u8], now: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO courier_receipt (hash, receipt, came_at) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING";
    connection.prepare_cached(sql)?.execute(params![Hash::of(receipt).0, receipt, now.millis()])?;
    Ok(())
}

/// Receipts for other devices, newest first, of together at most `budget` bytes.
///
/// # Errors
/// [`StoreError`].
pub fn receipts(connection: &Connection, budget: usize) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT receipt FROM courier_receipt ORDER BY position DESC")?;
    let mut rows = statement.query([])?;
    let (mut receipts, mut left) = (Vec::new(), budget);
    while let Some(row) = rows.next()? {
        let receipt: Vec<u8> = row.get(0)?;
        let Some(rest) = left.checked_sub(receipt.len()) else { break };
        left = rest;
        receipts.push(receipt);
    }
    Ok(receipts)
}

/// How many parcels and receipts are here.
///
/// # Errors
/// [`StoreError`].
pub fn carried(connection: &Connection) -> Result<Carried, StoreError> {
    let sql = "SELECT count(*) FILTER (WHERE delivered_at IS NULL), count(delivered_at), (SELECT count(*) FROM courier_receipt) FROM courier";
    Ok(connection
        .prepare_cached(sql)?
        .query_row([], |row| Ok(Carried { waiting: row.get(0)?, delivered: row.get(1)?, receipts: row.get(2)? }))?)
}
