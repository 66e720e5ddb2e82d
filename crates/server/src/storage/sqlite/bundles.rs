//! Bundles, and what is read of documents to judge them.

use lentera_domain::{Nip, Timestamp};
use lentera_protocol::{DeviceId, Hash, decode};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::{as_sql, people, unjudged};
use crate::storage::{
    DocumentKey, HeldBundle, KeptDocument, KeptPart, Place, Quarantined, REFUSED_MAX, RefusedChange, Sender, StorageError,
    Waiting, WaitingChange,
};

impl DocumentKey {
    pub(super) fn uuid(self) -> String {
        Uuid::from_bytes(self.id).to_string()
    }

    /// The document with an id as it is kept.
    pub(super) fn named(kind: u16, uuid: &str) -> Result<Self, StorageError> {
        let id: Uuid = uuid.parse().map_err(|_| StorageError::Damaged("a record's id".to_owned()))?;
        Ok(Self { kind, id: id.into_bytes() })
    }
}

pub fn sender(db: &Connection, device: DeviceId, bundle: Hash) -> Result<Option<Sender>, StorageError> {
    let Some(device) = people::device(db, device)? else { return Ok(None) };
    let receipt = db
        .prepare_cached("SELECT receipt FROM bundle WHERE hash = ? AND device = ?")?
        .query_row(params![bundle.0, device.id.to_string()], |row| row.get(0))
        .optional()?;
    Ok(Some(Sender { device, receipt }))
}

/// The first receipts of a device's bundles behind a number.
pub fn receipts(db: &Connection, device: DeviceId, after: u64, limit: usize) -> Result<Vec<Vec<u8>>, StorageError> {
    // A number beyond any that is given has none behind it.
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut select = db.prepare_cached("SELECT receipt FROM bundle WHERE device = ? AND number > ? ORDER BY number LIMIT ?")?;
    let receipts = select.query_map(params![device.to_string(), after, as_sql(limit as u64)?], |row| row.get(0))?;
    Ok(receipts.collect::<Result<_, _>>()?)
}

/// A bundle as it was sealed.
pub fn sealed(db: &Connection, device: DeviceId, number: u64) -> Result<Option<Vec<u8>>, StorageError> {
    let mut select = db.prepare_cached("SELECT bytes FROM bundle WHERE device = ? AND number = ?")?;
    Ok(select.query_row(params![device.to_string(), as_sql(number)?], |row| row.get(0)).optional()?)
}

/// The newest amendment of a bundle.
pub const LAST_AMENDMENT: &str =
    "SELECT receipt FROM amendment WHERE device = ? AND bundle_number = ? ORDER BY number DESC LIMIT 1";

/// The newest amendment of a bundle, else its receipt: what a next amendment goes on from.
pub fn last_word(db: &Connection, device: DeviceId, number: u64) -> Result<Option<Vec<u8>>, StorageError> {
    let bundle = params![device.to_string(), as_sql(number)?];
    let word = |sql| db.prepare_cached(sql)?.query_row(bundle, |row| row.get(0)).optional();
    Ok(match word(LAST_AMENDMENT)? {
        Some(receipt) => Some(receipt),
        None => word("SELECT receipt FROM bundle WHERE device = ? AND number = ?")?,
    })
}

/// Number of the device's last amendment; 0 for none.
pub fn amendment(db: &Connection, device: DeviceId) -> Result<u64, StorageError> {
    let mut select = db.prepare_cached("SELECT max(number) FROM amendment WHERE device = ?")?;
    let last: Option<i64> = select.query_row([device.to_string()], |row| row.get(0))?;
    Ok(last.unwrap_or(0).unsigned_abs())
}

pub fn document(db: &Connection, key: DocumentKey) -> Result<KeptDocument, StorageError> {
    let uuid = key.uuid();
    let found: Option<(i64, Option<String>, Option<String>)> = db
        .prepare_cached("SELECT version, owner, home FROM document WHERE kind = ? AND id = ?")?
        .query_row(params![key.kind, uuid], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((version, owner, home)) = found else { return Ok(KeptDocument::default()) };
    let owner = owner.map(|owner| parse_nip(&owner)).transpose()?;
    let changes = unjudged::changes(db, key.kind, &uuid)?;
    let refused = db
        .prepare_cached(
            "SELECT change_hash, device, code FROM quarantine WHERE kind = ? AND record = ? AND change_hash IS NOT NULL
             ORDER BY id DESC LIMIT ?",
        )?
        .query_map(params![key.kind, uuid, as_sql(REFUSED_MAX as u64)?], |row| {
            Ok(RefusedChange { hash: row.get(0)?, device: device_id(row, 1)?, code: row.get(2)? })
        })?
        .collect::<Result<_, _>>()?;
    Ok(KeptDocument { version: version.unsigned_abs(), owner, home, changes, waiting: waiting(db, key, &uuid)?, refused })
}

fn waiting(db: &Connection, key: DocumentKey, uuid: &str) -> Result<Vec<Waiting>, StorageError> {
    let mut select = db.prepare_cached(
        "SELECT waiting_change.device, waiting_change.bundle_number, place, needs, waiting_change.bytes, saved, generation, home,
                device.key, device.nip, bundle.received_at
         FROM waiting_change JOIN device ON device.id = waiting_change.device
         JOIN bundle ON bundle.device = waiting_change.device AND bundle.number = waiting_change.bundle_number
         WHERE kind = ? AND waiting_change.id = ? ORDER BY waiting_change.rowid",
    )?;
    let mut rows = select.query(params![key.kind, uuid])?;
    let mut waiting = Vec::new();
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(1)?;
        let place = Place { device: device_id(row, 0)?, number: number.unsigned_abs(), index: row.get(2)? };
        let saved = decode(row.get_ref(5)?.as_blob().map_err(rusqlite::Error::from)?);
        waiting.push(Waiting {
            change: WaitingChange {
                place,
                key,
                needs: row.get(3)?,
                bytes: row.get(4)?,
                saved: saved.map_err(|error| StorageError::Damaged(error.to_string()))?,
                generation: row.get(6)?,
                home: row.get(7)?,
            },
            key: row.get(8)?,
            author: parse_nip(row.get_ref(9)?.as_str().map_err(rusqlite::Error::from)?)?,
            arrived: Timestamp::from_millis(row.get(10)?),
            receipt: last_word(db, place.device, place.number)?
                .ok_or_else(|| StorageError::Damaged("a waiting change without a bundle".to_owned()))?,
            amendment: amendment(db, place.device)?,
        });
    }
    Ok(waiting)
}

pub fn parts(db: &Connection, device: DeviceId) -> Result<Vec<KeptPart>, StorageError> {
    let mut select =
        db.prepare_cached("SELECT bundle_number, kind, id, part, bytes FROM part WHERE device = ? ORDER BY bundle_number")?;
    let mut rows = select.query([device.to_string()])?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        let id: Uuid = parsed(row, 2, str::parse)?;
        let part = decode(row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?);
        parts.push(KeptPart {
            number: row.get::<_, i64>(0)?.unsigned_abs(),
            key: DocumentKey { kind: row.get(1)?, id: id.into_bytes() },
            part: part.map_err(|error| StorageError::Damaged(error.to_string()))?,
            bytes: row.get(4)?,
        });
    }
    Ok(parts)
}

pub fn quarantine(db: &Connection, refused: &Quarantined) -> Result<(), StorageError> {
    db.prepare_cached(
        "INSERT INTO quarantine (device, code, kind, record, hash, change_hash, bytes, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        refused.device.to_string(),
        refused.code,
        refused.key.map(|key| key.kind),
        refused.key.map(DocumentKey::uuid),
        Hash::of(&refused.bytes).0,
        refused.change,
        refused.bytes,
        refused.at.millis()
    ])?;
    Ok(())
}

pub fn hold(db: &Connection, bundle: &HeldBundle) -> Result<(), StorageError> {
    db.prepare_cached(
        "INSERT INTO held (hash, device, number, bytes, received_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )?
    .execute(params![bundle.hash.0, bundle.device.to_string(), as_sql(bundle.number)?, bundle.bytes, bundle.at.millis()])?;
    Ok(())
}

pub fn held(db: &Connection, device: DeviceId) -> Result<Vec<HeldBundle>, StorageError> {
    let mut select = db.prepare_cached(
        "SELECT number, hash, bytes, received_at FROM held WHERE device = ? ORDER BY number, received_at, hash",
    )?;
    let held = select.query_map([device.to_string()], |row| {
        Ok(HeldBundle {
            device,
            number: row.get::<_, i64>(0)?.unsigned_abs(),
            hash: Hash(row.get(1)?),
            bytes: row.get(2)?,
            at: Timestamp::from_millis(row.get(3)?),
        })
    })?;
    Ok(held.collect::<Result<_, _>>()?)
}

pub(super) fn parse_nip(text: &str) -> Result<Nip, StorageError> {
    Nip::parse(text).map_err(|error| StorageError::Damaged(error.to_string()))
}

/// The device named in a column.
pub(super) fn device_id(row: &Row<'_>, column: usize) -> rusqlite::Result<DeviceId> {
    parsed(row, column, |text| u128::from_str_radix(text, 16)).map(|id| DeviceId(id.to_be_bytes()))
}

fn parsed<T, E: std::error::Error + Send + Sync + 'static>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(&str) -> Result<T, E>,
) -> rusqlite::Result<T> {
    parse(row.get_ref(column)?.as_str()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}
