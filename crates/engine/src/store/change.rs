//! Raw changes, and which of ours have arrived.

use std::collections::HashMap;

use lentera_api::view::Delivered;
use lentera_document::{ChangeHash, NewChange};
use lentera_domain::{Kind, RecordId, Timestamp};
use lentera_protocol::bundle::{Change, Stamp};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::StoreError;

/// What a change that arrived has as its outcome.
pub const ACCEPTED: &str = "accepted";

/// The raw changes of a record, in order.
///
/// # Errors
/// [`StoreError`].
pub fn of_record(connection: &Connection, id: RecordId) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT bytes FROM change WHERE kind = ? AND id = ? ORDER BY position")?;
    let rows = statement.query_map(params![id.kind.number(), id.id.as_bytes()], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Keeps a change written here, with the command it came from.
///
/// # Errors
/// [`StoreError`].
pub fn insert_own(
    connection: &Connection,
    id: RecordId,
    change: &NewChange,
    intent: &str,
    saved: &Stamp,
) -> Result<(), StoreError> {
    connection.prepare_cached("INSERT INTO change (kind, id, hash, bytes, intent, saved) VALUES (?, ?, ?, ?, ?, ?)")?.execute(
        params![id.kind.number(), id.id.as_bytes(), change.hash, change.bytes, intent, lentera_protocol::encode(saved)],
    )?;
    Ok(())
}

/// Keeps a change that came from the server. `kind` may be one that this version does not know.
///
/// # Errors
/// [`StoreError`].
pub fn insert_foreign(
    connection: &Connection,
    kind: u16,
    id: [u8; 16],
    hash: ChangeHash,
    bytes: &[u8],
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO change (kind, id, hash, bytes) VALUES (?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING")?
        .execute(params![kind, id, hash, bytes])?;
    Ok(())
}

/// Our changes that no bundle holds yet, oldest first, with their positions; at most `limit`.
///
/// # Errors
/// [`StoreError`].
pub fn unsealed(connection: &Connection, limit: usize) -> Result<Vec<(i64, Change)>, StoreError> {
    let sql = "SELECT position, kind, id, bytes, saved FROM change WHERE intent IS NOT NULL AND bundle IS NULL ORDER BY position LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let saved: Vec<u8> = row.get(4)?;
        changes.push((
            row.get(0)?,
            Change { kind: row.get(1)?, id: row.get(2)?, bytes: row.get(3)?, saved: lentera_protocol::decode(&saved)? },
        ));
    }
    Ok(changes)
}

/// Notes that a bundle holds these changes.
///
/// # Errors
/// [`StoreError`].
pub fn set_bundle(connection: &Connection, positions: impl IntoIterator<Item = i64>, bundle: u64) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("UPDATE change SET bundle = ? WHERE position = ?")?;
    for position in positions {
        statement.execute(params![bundle.cast_signed(), position])?;
    }
    Ok(())
}

/// Notes what the receipt of a bundle says: all accepted but the `exceptions`, codes by place in the bundle.
///
/// # Errors
/// [`StoreError`].
pub fn set_outcomes(connection: &Connection, bundle: u64, exceptions: &HashMap<u32, String>) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("SELECT position FROM change WHERE bundle = ? ORDER BY position")?;
    let positions: Vec<i64> = statement.query_map([bundle.cast_signed()], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut update = connection.prepare_cached("UPDATE change SET outcome = ? WHERE position = ?")?;
    for (index, position) in (0_u32..).zip(positions) {
        update.execute(params![exceptions.get(&index).map_or(ACCEPTED, String::as_str), position])?;
    }
    Ok(())
}

/// A record of ours that has not arrived whole. The protected data of an enterprise's owner counts as the enterprise.
#[derive(Clone, Debug)]
pub struct NotArrived {
    /// The record.
    pub record: RecordId,
    /// Since when the oldest of its changes waits.
    pub since: Timestamp,
    /// The server's code, where it refused one.
    pub refused: Option<String>,
}

/// Everything of ours that has not arrived, oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn not_arrived(connection: &Connection) -> Result<Vec<NotArrived>, StoreError> {
    let sql =
        "SELECT kind, id, saved, outcome FROM change WHERE intent IS NOT NULL AND outcome IS NOT 'accepted' ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut records: Vec<NotArrived> = Vec::new();
    let mut places: HashMap<RecordId, usize> = HashMap::new();
    while let Some(row) = rows.next()? {
        let Some(record) = record_of(row.get(0)?, row.get(1)?) else { continue };
        let saved: Vec<u8> = row.get(2)?;
        let since = Timestamp::from_millis(lentera_protocol::decode::<Stamp>(&saved)?.wall);
        let refused: Option<String> = row.get(3)?;
        let place = *places.entry(record).or_insert_with(|| {
            records.push(NotArrived { record, since, refused: None });
            records.len() - 1
        });
        if let (Some(known), Some(code)) = (records.get_mut(place), refused) {
            known.refused.get_or_insert(code);
        }
    }
    Ok(records)
}

/// Where one record stands.
///
/// # Errors
/// [`StoreError`].
pub fn delivered(connection: &Connection, record: RecordId) -> Result<Delivered, StoreError> {
    let sql = "SELECT max(outcome IS NOT NULL) FROM change
        WHERE intent IS NOT NULL AND outcome IS NOT 'accepted' AND id = ?1 AND kind IN (?2, ?3)";
    let owner_too = if record.kind == Kind::Umkm { Kind::UmkmOwner } else { record.kind };
    let refused: Option<bool> = connection
        .prepare_cached(sql)?
        .query_row(params![record.id.as_bytes(), record.kind.number(), owner_too.number()], |row| row.get(0))?;
    Ok(match refused {
        None => Delivered::Arrived,
        Some(false) => Delivered::Waiting,
        Some(true) => Delivered::Refused,
    })
}

/// How many records of ours wait, and how many the server refused a part of.
///
/// # Errors
/// [`StoreError`].
pub fn count_not_arrived(connection: &Connection) -> Result<(u32, u32), StoreError> {
    let sql = "SELECT count(*) FILTER (WHERE NOT refused), count(*) FILTER (WHERE refused) FROM (
        SELECT max(outcome IS NOT NULL) AS refused FROM change
        WHERE intent IS NOT NULL AND outcome IS NOT 'accepted'
        GROUP BY CASE kind WHEN ? THEN ? ELSE kind END, id)";
    let kinds = params![Kind::UmkmOwner.number(), Kind::Umkm.number()];
    Ok(connection.prepare_cached(sql)?.query_row(kinds, |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// The record people know behind a document.
fn record_of(kind: u16, id: [u8; 16]) -> Option<RecordId> {
    let kind = match Kind::from_number(kind)? {
        Kind::UmkmOwner => Kind::Umkm,
        kind => kind,
    };
    Some(RecordId { kind, id: Uuid::from_bytes(id) })
}

/// Every document there is, each once, for making projections anew.
///
/// # Errors
/// [`StoreError`].
pub fn all_records(connection: &Connection) -> Result<Vec<RecordId>, StoreError> {
    let mut statement = connection.prepare("SELECT DISTINCT kind, id FROM change")?;
    let rows: Vec<(u16, [u8; 16])> = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    Ok(rows
        .into_iter()
        .filter_map(|(kind, id)| Some(RecordId { kind: Kind::from_number(kind)?, id: Uuid::from_bytes(id) }))
        .collect())
}
