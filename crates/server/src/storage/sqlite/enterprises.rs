//! Enterprises and the units that look after them.

use lentera_domain::{Kind, UmkmId};
use rusqlite::{Connection, OptionalExtension, params};

use super::streams::Appending;
use crate::service::scope;
use crate::storage::{DocumentKey, Moved, StorageError};

/// As [`crate::storage::Storage::move_enterprise`].
pub fn move_to(db: &Connection, id: UmkmId, unit: &str) -> Result<Moved, StorageError> {
    let id = id.to_string();
    let kept: Option<String> =
        db.prepare_cached("SELECT unit FROM umkm WHERE id = ?")?.query_row([&id], |row| row.get(0)).optional()?;
    let Some(kept) = kept else { return Ok(Moved::NoEnterprise) };
    if kept == unit {
        return Ok(Moved::Same);
    }
    if !db.prepare_cached("SELECT 1 FROM person WHERE unit = ?")?.exists([unit])? {
        return Ok(Moved::NoUnit);
    }
    let visits = db
        .prepare_cached("SELECT id FROM visit WHERE umkm = ? ORDER BY id")?
        .query_map([&id], |row| Ok((Kind::Visit, row.get(0)?)))?
        .collect::<Result<Vec<(Kind, String)>, _>>()?;
    let home = scope::unit_stream(unit);
    let mut appending = Appending::to(db);
    let mut moved = 0;
    for (kind, uuid) in [(Kind::Umkm, id.clone()), (Kind::UmkmOwner, id.clone())].into_iter().chain(visits) {
        let is_here = db
            .prepare_cached("UPDATE document SET home = ?, version = version + 1 WHERE kind = ? AND id = ? AND home IS NOT NULL")?
            .execute(params![home, kind.number(), uuid])?;
        if is_here == 1 {
            appending.document(&home, DocumentKey::named(kind.number(), &uuid)?, &uuid)?;
            moved += 1;
        }
    }
    db.prepare_cached("UPDATE umkm SET unit = ? WHERE id = ?")?.execute([unit, &id])?;
    appending.finish()?;
    Ok(Moved::Done(moved))
}
