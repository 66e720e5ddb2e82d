//! Rows of visits.

use lentera_domain::{UmkmId, Visit, VisitId};
use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::log_entry::uuid_at;

/// Puts a visit.
///
/// # Errors
/// [`StoreError`].
pub fn put(connection: &Connection, id: VisitId, visit: &Visit) -> Result<(), StoreError> {
    connection.prepare_cached("INSERT OR REPLACE INTO visit (id, umkm, day, start, body) VALUES (?, ?, ?, ?, ?)")?.execute(
        params![
            id.0.as_bytes(),
            visit.umkm.0.as_bytes(),
            visit.day.to_string(),
            visit.time.start().minutes(),
            serde_json::to_string(visit)?
        ],
    )?;
    Ok(())
}

/// One visit.
///
/// # Errors
/// [`StoreError`].
pub fn find(connection: &Connection, id: VisitId) -> Result<Option<Visit>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT body FROM visit WHERE id = ?")?;
    let body: Option<String> = statement.query_row(params![id.0.as_bytes()], |row| row.get(0)).optional()?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

/// Visits to an enterprise, newest first.
///
/// # Errors
/// [`StoreError`].
pub fn of_umkm(connection: &Connection, umkm: UmkmId) -> Result<Vec<(VisitId, Visit)>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id, body FROM visit WHERE umkm = ? ORDER BY day DESC, start DESC, id")?;
    let mut rows = statement.query(params![umkm.0.as_bytes()])?;
    let mut visits = Vec::new();
    while let Some(row) = rows.next()? {
        visits.push((VisitId(uuid_at(row, 0)?), serde_json::from_str(&row.get::<_, String>(1)?)?));
    }
    Ok(visits)
}
