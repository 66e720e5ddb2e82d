//! Changes that nobody here could judge when they came, since their kind was not known.

use lentera_domain::Timestamp;
use lentera_protocol::bundle::Bundle;
use lentera_protocol::sign::peek;
use rusqlite::{Connection, params};

use super::bundles::{device_id, parse_nip};
use crate::storage::{JudgedChange, KeptChange, StorageError, Unjudged};

/// Kinds that were known before changes were marked. Never to be edited: it says what those servers did.
const KNOWN_BEFORE: std::ops::RangeInclusive<u16> = 1..=4;

/// Marks what was kept before there was a mark.
pub fn mark(db: &Connection) -> Result<(), StorageError> {
    let mut select = db.prepare(
        "SELECT seq, bundle.bytes FROM change JOIN bundle ON bundle.device = change.device AND bundle.number = change.bundle_number
         WHERE kind NOT BETWEEN ? AND ?",
    )?;
    let mut update = db.prepare("UPDATE change SET generation = ? WHERE seq = ?")?;
    let mut rows = select.query(params![KNOWN_BEFORE.start(), KNOWN_BEFORE.end()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let bundle = peek::<Bundle>(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?);
        found.push((row.get::<_, i64>(0)?, bundle.map_or(0, |bundle| bundle.generation)));
    }
    for (seq, generation) in found {
        update.execute(params![generation, seq])?;
    }
    Ok(())
}

/// The accepted changes of a document, in order.
pub fn changes(db: &Connection, kind: u16, uuid: &str) -> Result<Vec<KeptChange>, StorageError> {
    let mut select =
        db.prepare_cached("SELECT bytes, generation, device, bundle_number FROM change WHERE kind = ? AND id = ? ORDER BY seq")?;
    let mut rows = select.query(params![kind, uuid])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let unjudged = match row.get(1)? {
            Some(generation) => Some(bearer(db, row, generation)?),
            None => None,
        };
        changes.push(KeptChange { bytes: row.get(0)?, unjudged });
    }
    Ok(changes)
}

/// Who handed over the change of this row.
fn bearer(db: &Connection, row: &rusqlite::Row<'_>, generation: u32) -> Result<Unjudged, StorageError> {
    let (device, number): (_, i64) = (device_id(row, 2)?, row.get(3)?);
    let mut select = db.prepare_cached(
        "SELECT key, nip, received_at FROM bundle JOIN device ON device.id = bundle.device WHERE bundle.device = ? AND number = ?",
    )?;
    let (key, nip, arrived): (_, String, _) =
        select.query_row(params![device.to_string(), number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(Unjudged { device, key, generation, author: parse_nip(&nip)?, arrived: Timestamp::from_millis(arrived) })
}

/// Notes that a change passed the guard, and the name it has since.
pub fn put_judged(db: &Connection, judged: &JudgedChange) -> Result<(), StorageError> {
    db.prepare_cached("UPDATE change SET hash = ?, generation = NULL WHERE kind = ? AND id = ? AND hash = ?")?
        .execute(params![judged.hash, judged.key.kind, judged.key.uuid(), judged.before])?;
    Ok(())
}
