//! Which of our changes have arrived, which wait, and which were refused.

use std::collections::HashMap;

use lentera_api::view::Delivered;
use lentera_domain::{Kind, RecordId, Timestamp};
use lentera_protocol::bundle::Stamp;
use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::store::StoreError;

/// Changes of ours that have not arrived and are of concern.
const NOT_ARRIVED: &str =
    "intent IS NOT NULL AND outcome IS NOT 'accepted' AND outcome IS NOT 'replaced' AND dismissed_at IS NULL";
/// Whether a change of ours that has not arrived was refused.
const REFUSED: &str = "(outcome IS NOT NULL AND outcome <> 'need')";

/// A record of ours that waits. The protected data of an enterprise's owner counts as the enterprise.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The record.
    pub record: RecordId,
    /// Since when the oldest of its changes waits.
    pub since: Timestamp,
}

/// Records of ours that wait, oldest first. One of which a part was refused is not among them.
///
/// # Errors
/// [`StoreError`].
pub fn waiting(connection: &Connection) -> Result<Vec<Waiting>, StoreError> {
    let sql = format!("SELECT kind, id, saved, {REFUSED} FROM change WHERE {NOT_ARRIVED} ORDER BY position");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut records: Vec<(Waiting, bool)> = Vec::new();
    let mut places: HashMap<RecordId, usize> = HashMap::new();
    while let Some(row) = rows.next()? {
        let Some(record) = record_of(row.get(0)?, row.get(1)?) else { continue };
        let saved: Vec<u8> = row.get(2)?;
        let since = Timestamp::from_millis(lentera_protocol::decode::<Stamp>(&saved)?.wall);
        let place = *places.entry(record).or_insert_with(|| {
            records.push((Waiting { record, since }, false));
            records.len() - 1
        });
        if let Some((_, refused)) = records.get_mut(place) {
            *refused |= row.get::<_, bool>(3)?;
        }
    }
    Ok(records.into_iter().filter(|(_, refused)| !refused).map(|(waiting, _)| waiting).collect())
}

/// A change of ours that the server refused and that the person has not dealt with.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Its place in the order of all, by which it is named.
    pub position: i64,
    /// The record. The protected data of an enterprise's owner counts as the enterprise.
    pub record: RecordId,
    /// The server's code.
    pub code: String,
    /// When the person saved it, by this device's clock.
    pub at: Timestamp,
    /// The command that it came from: JSON of its name and arguments.
    pub intent: String,
}

/// Changes of ours that the server refused and that the person has not dealt with, oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn refused(connection: &Connection) -> Result<Vec<Refused>, StoreError> {
    let sql = format!(
        "SELECT position, kind, id, outcome, saved, intent FROM change WHERE {NOT_ARRIVED} AND {REFUSED} ORDER BY position"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut refused = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(record) = record_of(row.get(1)?, row.get(2)?) else { continue };
        let saved: Vec<u8> = row.get(4)?;
        refused.push(Refused {
            position: row.get(0)?,
            record,
            code: row.get(3)?,
            at: Timestamp::from_millis(lentera_protocol::decode::<Stamp>(&saved)?.wall),
            intent: row.get(5)?,
        });
    }
    Ok(refused)
}

/// The person has dealt with a refused change. Gives whether there was such a one.
///
/// # Errors
/// [`StoreError`].
pub fn dismiss(connection: &Connection, position: i64, at: Timestamp) -> Result<bool, StoreError> {
    let sql = format!("UPDATE change SET dismissed_at = ? WHERE position = ? AND {NOT_ARRIVED} AND {REFUSED}");
    Ok(connection.prepare_cached(&sql)?.execute(params![at.millis(), position])? > 0)
}

/// Where one record stands.
///
/// # Errors
/// [`StoreError`].
pub fn delivered(connection: &Connection, record: RecordId) -> Result<Delivered, StoreError> {
    let sql = format!("SELECT max({REFUSED}) FROM change WHERE {NOT_ARRIVED} AND id = ?1 AND kind IN (?2, ?3)");
    let owner_too = if record.kind == Kind::Umkm { Kind::UmkmOwner } else { record.kind };
    let refused: Option<bool> = connection
        .prepare_cached(&sql)?
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
    let sql = format!(
        "SELECT count(*) FILTER (WHERE NOT refused), count(*) FILTER (WHERE refused) FROM (
            SELECT max({REFUSED}) AS refused FROM change WHERE {NOT_ARRIVED}
            GROUP BY CASE kind WHEN ? THEN ? ELSE kind END, id)"
    );
    let kinds = params![Kind::UmkmOwner.number(), Kind::Umkm.number()];
    Ok(connection.prepare_cached(&sql)?.query_row(kinds, |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// How many records have changes of ours that the server keeps until what they build on has come.
///
/// # Errors
/// [`StoreError`].
pub fn count_needing(connection: &Connection) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM (SELECT DISTINCT kind, id FROM change WHERE intent IS NOT NULL AND outcome = 'need')";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Whether there is a change of ours that the server has not judged.
///
/// # Errors
/// [`StoreError`].
pub fn is_unsent(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM change WHERE intent IS NOT NULL AND outcome IS NULL)";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// The record people know behind a document.
fn record_of(kind: u16, id: [u8; 16]) -> Option<RecordId> {
    let kind = match Kind::from_number(kind)? {
        Kind::UmkmOwner => Kind::Umkm,
        kind => kind,
    };
    Some(RecordId { kind, id: Uuid::from_bytes(id) })
}
