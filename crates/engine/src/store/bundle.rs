//! Sealed bundles and their receipts, of all keys that this person had on this device.

use lentera_protocol::bundle::Bundle;
use lentera_protocol::sign::peek;
use lentera_protocol::{DeviceId, Hash};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::StoreError;

/// A sealed bundle as it is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its row.
    pub row: i64,
    /// Hash of its bytes.
    pub hash: Hash,
    /// Its bytes.
    pub sealed: Vec<u8>,
    /// Its receipt, signed.
    pub receipt: Option<Vec<u8>>,
}

/// What is in a bundle's row beside its name.
const COLUMNS: &str = "row, hash, sealed, receipt";

fn read(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok(Kept { row: row.get(0)?, hash: Hash(row.get(1)?), sealed: row.get(2)?, receipt: row.get(3)? })
}

/// Number and hash of a key's last sealed bundle; 0 and zeroes before the first.
///
/// # Errors
/// [`StoreError`].
pub fn last(connection: &Connection, device: DeviceId) -> Result<(u64, Hash), StoreError> {
    let sql = "SELECT number, hash FROM bundle WHERE device = ? ORDER BY number DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let last = statement.query_row([device.0], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), Hash(row.get(1)?)))).optional()?;
    Ok(last.unwrap_or_default())
}

/// Number of a key's last bundle whose receipt is here; 0 for none.
///
/// # Errors
/// [`StoreError`].
pub fn last_receipted(connection: &Connection, device: DeviceId) -> Result<u64, StoreError> {
    let sql = "SELECT number FROM bundle WHERE device = ? AND receipt IS NOT NULL ORDER BY number DESC LIMIT 1";
    let last: Option<i64> = connection.prepare_cached(sql)?.query_row([device.0], |row| row.get(0)).optional()?;
    Ok(last.unwrap_or_default().unsigned_abs())
}

/// How many bundles of a key are here behind number `after`.
///
/// # Errors
/// [`StoreError`].
pub fn count_after(connection: &Connection, device: DeviceId, after: u64) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM bundle WHERE device = ? AND number > ?";
    let count: i64 = connection.prepare_cached(sql)?.query_row(params![device.0, after.cast_signed()], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// Keeps a sealed bundle; gives its row.
///
/// # Errors
/// [`StoreError`].
pub fn insert(connection: &Connection, device: DeviceId, number: u64, sealed: &[u8], sealed_at: i64) -> Result<i64, StoreError> {
    connection
        .prepare_cached("INSERT INTO bundle (device, number, hash, sealed, sealed_at) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![device.0, number.cast_signed(), Hash::of(sealed).0, sealed, sealed_at])?;
    Ok(connection.last_insert_rowid())
}

/// Bundles of a key that are to be handed over, in order: without a receipt, or behind the last number that the server holds. At most `limit`.
///
/// # Errors
/// [`StoreError`].
pub fn to_hand_over(connection: &Connection, device: DeviceId, server_last: u64, limit: usize) -> Result<Vec<Kept>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM bundle WHERE device = ?1 AND (receipt IS NULL OR number > ?2) ORDER BY number LIMIT ?3");
    let mut statement = connection.prepare_cached(&sql)?;
    let server_last = i64::try_from(server_last).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![device.0, server_last, i64::try_from(limit).unwrap_or(i64::MAX)], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The server may have been restored from a backup: it is to be asked about all that it had receipted of all keys but `present`, whose log
/// is compared by its numbers.
///
/// # Errors
/// [`StoreError`].
pub fn return_earlier_keys(connection: &Connection, present: DeviceId) -> Result<(), StoreError> {
    let sql = "INSERT INTO to_return SELECT row FROM bundle WHERE device <> ? AND receipt IS NOT NULL ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute([present.0])?;
    Ok(())
}

/// The server is to be asked about what it is not known to have said its last word on, of all keys but `present`, which alone is told
/// amendments: bundles of which something waits, and those without a receipt of which something stands that the server has given out.
///
/// # Errors
/// [`StoreError`].
pub fn ask_about_earlier_keys(connection: &Connection, present: DeviceId) -> Result<(), StoreError> {
    let sql = "INSERT INTO to_return
        SELECT bundle FROM change WHERE intent IS NOT NULL AND outcome IS NOT 'accepted' AND outcome = 'need'
            AND bundle IN (SELECT row FROM bundle WHERE device <> ?1)
        UNION SELECT row FROM bundle WHERE receipt IS NULL AND device <> ?1
            AND EXISTS (SELECT 1 FROM change WHERE change.bundle = bundle.row AND outcome = 'accepted')
        ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute([present.0])?;
    Ok(())
}

/// A bundle of an earlier key, to be given again.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// The bundle.
    pub kept: Kept,
    /// The public key, where it was kept.
    pub key: Option<[u8; 32]>,
}

/// Bundles of earlier keys that are to be given again, each key's in order. At most `limit`.
///
/// # Errors
/// [`StoreError`].
pub fn to_return(connection: &Connection, limit: usize) -> Result<Vec<Earlier>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, key FROM to_return JOIN bundle ON row = to_return.bundle LEFT JOIN earlier_key USING (device)
         ORDER BY device, number LIMIT ?"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement
        .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| Ok(Earlier { kept: read(row)?, key: row.get(4)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The server has said something about a bundle that was given again.
///
/// # Errors
/// [`StoreError`].
pub fn set_returned(connection: &Connection, row: i64) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM to_return WHERE bundle = ?")?.execute([row])?;
    Ok(())
}

/// The server holds this bundle back. If it has no receipt, it is not what brought what stands of it to the server: that is in doubt until
/// the server gives it out again. Gives whether there is such.
///
/// # Errors
/// [`StoreError`].
pub fn doubt_held(connection: &Connection, row: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE change SET outcome = 'need', arrived_at = NULL, bundle = NULL
        WHERE outcome = 'accepted' AND intent IS NOT NULL AND bundle = (SELECT row FROM bundle WHERE row = ? AND receipt IS NULL)";
    let doubted = connection.prepare_cached(sql)?.execute([row])?;
    set_returned(connection, row)?;
    Ok(doubted > 0)
}

/// The server cannot be given this bundle again: what it carried has not arrived.
///
/// # Errors
/// [`StoreError`].
pub fn forget(connection: &Connection, row: i64) -> Result<(), StoreError> {
    let sql =
        "UPDATE change SET outcome = NULL, arrived_at = NULL WHERE outcome = 'accepted' AND intent IS NOT NULL AND bundle = ?";
    connection.prepare_cached(sql)?.execute([row])?;
    set_returned(connection, row)
}

/// The bundle of a key with this number.
///
/// # Errors
/// [`StoreError`].
pub fn find(connection: &Connection, device: DeviceId, number: u64) -> Result<Option<Kept>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM bundle WHERE device = ? AND number = ?");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row(params![device.0, number.cast_signed()], read).optional()?)
}

/// Keeps a receipt.
///
/// # Errors
/// [`StoreError`].
pub fn set_receipt(connection: &Connection, row: i64, receipt: &[u8]) -> Result<(), StoreError> {
    connection.prepare_cached("UPDATE bundle SET receipt = ? WHERE row = ?")?.execute(params![receipt, row])?;
    Ok(())
}

/// Gives each bundle the name of the key that sealed it: the second migration's part that SQL cannot do.
///
/// # Errors
/// [`StoreError`].
pub fn name_devices(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT row, sealed FROM bundle")?;
    let rows: Vec<(i64, Vec<u8>)> = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut update = connection.prepare("UPDATE bundle SET device = ? WHERE row = ?")?;
    for (row, sealed) in rows {
        // What a failing disk did to one is met when it is to be sent.
        if let Ok(bundle) = peek::<Bundle>(&sealed) {
            update.execute(params![bundle.device.0, row])?;
        }
    }
    Ok(())
}
