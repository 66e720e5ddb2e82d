//! Rows of enterprises and their owners' protected data.

use lentera_domain::{Umkm, UmkmId, UmkmOwner};
use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::log_entry::uuid_at;
use super::server_record::village_name;

/// Puts an enterprise.
///
/// # Errors
/// [`StoreError`].
pub fn put(connection: &Connection, id: UmkmId, umkm: &Umkm) -> Result<(), StoreError> {
    let village = village_name(connection, &umkm.village)?;
    let words = [
        Some(umkm.name.as_str()),
        Some(umkm.owner_name.as_str()),
        Some(village.as_str()),
        umkm.product.as_ref().map(|product| product.as_str()),
        umkm.address.as_ref().map(|address| address.as_str()),
    ];
    connection.prepare_cached("INSERT OR REPLACE INTO umkm (id, name, words, body) VALUES (?, ?, ?, ?)")?.execute(params![
        id.0.as_bytes(),
        umkm.name.as_str(),
        super::search_words(words),
        serde_json::to_string(umkm)?
    ])?;
    Ok(())
}

/// Puts what is protected about its owner.
///
/// # Errors
/// [`StoreError`].
pub fn put_owner(connection: &Connection, id: UmkmId, owner: &UmkmOwner) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO umkm_owner (id, body) VALUES (?, ?)")?
        .execute(params![id.0.as_bytes(), serde_json::to_string(owner)?])?;
    Ok(())
}

/// One enterprise.
///
/// # Errors
/// [`StoreError`].
pub fn find(connection: &Connection, id: UmkmId) -> Result<Option<Umkm>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT body FROM umkm WHERE id = ?")?;
    let body: Option<String> = statement.query_row(params![id.0.as_bytes()], |row| row.get(0)).optional()?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

/// What is protected about its owner; nothing where nothing is known.
///
/// # Errors
/// [`StoreError`].
pub fn find_owner(connection: &Connection, id: UmkmId) -> Result<UmkmOwner, StoreError> {
    let mut statement = connection.prepare_cached("SELECT body FROM umkm_owner WHERE id = ?")?;
    let body: Option<String> = statement.query_row(params![id.0.as_bytes()], |row| row.get(0)).optional()?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?.unwrap_or_default())
}

/// Enterprises that hold all the words of `search`, by name, and how many there are in all.
///
/// # Errors
/// [`StoreError`].
pub fn search(connection: &Connection, search: &str, offset: u32, limit: u32) -> Result<(Vec<(UmkmId, Umkm)>, u32), StoreError> {
    let (condition, values) = super::search_condition(search);
    let total = connection
        .prepare_cached(&format!("SELECT count(*) FROM umkm WHERE {condition}"))?
        .query_row(rusqlite::params_from_iter(&values), |row| row.get(0))?;
    let sql =
        format!("SELECT id, body FROM umkm WHERE {condition} ORDER BY name COLLATE NOCASE, id LIMIT {limit} OFFSET {offset}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(&values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((UmkmId(uuid_at(row, 0)?), serde_json::from_str(&row.get::<_, String>(1)?)?));
    }
    Ok((found, total))
}

/// Makes the search words of all enterprises anew: names of regions have come.
///
/// # Errors
/// [`StoreError`].
pub fn refresh_words(connection: &Connection) -> Result<(), StoreError> {
    let (all, _) = search(connection, "", 0, u32::MAX)?;
    all.iter().try_for_each(|(id, umkm)| put(connection, *id, umkm))
}
