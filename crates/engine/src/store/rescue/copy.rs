//! Row by row out of a damaged database.

use lentera_document::guard;
use lentera_domain::Kind;
use lentera_protocol::Hash;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use crate::store::StoreError;

/// What is worth carrying over. Projections are made anew, tries to send are told no more.
const TABLES: [&str; 13] = [
    "identity",
    "bundle",
    "change",
    "draft",
    "draft_aside",
    "quarantine",
    "stream",
    "server_record",
    "pending",
    "suspect",
    "courier",
    "courier_receipt",
    "rescue",
];
/// Rows looked for one by one where a table cannot be walked through, at most.
const PROBES_MAX: i64 = 200_000;

/// What was carried over.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Changes.
    pub changes: u32,
    /// Drafts.
    pub drafts: u32,
    /// Everything was as it was written.
    pub complete: bool,
}

/// Copies every row that can be read from `source` into the empty tables of `target`; gives whether all could.
///
/// # Errors
/// [`StoreError`] of the target.
pub fn all(source: &Connection, target: &Connection) -> Result<bool, StoreError> {
    let mut complete = true;
    for table in TABLES {
        let columns = columns_of(target, table)?;
        if columns.is_empty() {
            // Of a later version than the damaged database.
            continue;
        }
        complete &= copy(source, target, table, &columns)?;
    }
    Ok(complete)
}

fn columns_of(connection: &Connection, table: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?)")?;
    let names = statement.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(names)
}

/// Up from the first row and down from the last until a damaged page is met; what lies between is looked for row by row.
fn copy(source: &Connection, target: &Connection, table: &str, columns: &[String]) -> Result<bool, StoreError> {
    let names = columns.join(", ");
    let places = vec!["?"; columns.len() + 1].join(", ");
    let mut insert = target.prepare(&format!("INSERT OR IGNORE INTO {table} (rowid, {names}) VALUES ({places})"))?;
    let select = format!("SELECT rowid, {names} FROM {table} NOT INDEXED");
    let mut walk = |condition: &str, from: i64| -> Result<(i64, bool), StoreError> {
        let mut reached = from;
        let Ok(mut statement) = source.prepare(&format!("{select} {condition}")) else { return Ok((reached, false)) };
        let Ok(mut rows) = statement.query([from]) else { return Ok((reached, false)) };
        loop {
            let Ok(row) = rows.next() else { return Ok((reached, false)) };
            let Some(row) = row else { return Ok((reached, true)) };
            let values: Result<Vec<Value>, _> = (0..=columns.len()).map(|column| row.get(column)).collect();
            let Ok(values) = values else { return Ok((reached, false)) };
            if let Some(Value::Integer(position)) = values.first() {
                reached = *position;
            }
            // A row that does not fit its table any more is not what was written.
            if insert.execute(params_from_iter(values)).is_err_and(|error| !is_misfit(&error)) {
                return Err(StoreError::Damaged("a row could not be kept"));
            }
        }
    };
    let (low, whole) = walk("WHERE rowid > ? ORDER BY rowid", i64::MIN)?;
    if whole {
        return Ok(true);
    }
    let low = low.max(0);
    let (high, _) = walk("WHERE rowid < ? ORDER BY rowid DESC", i64::MAX)?;
    for position in low.saturating_add(1)..high.min(low.saturating_add(PROBES_MAX)) {
        walk("WHERE rowid = ?", position)?;
    }
    Ok(false)
}

fn is_misfit(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(failure, _)
        if matches!(failure.code, rusqlite::ErrorCode::ConstraintViolation | rusqlite::ErrorCode::TypeMismatch))
}

/// Puts aside what was read and is not what was written, and mends what points to rows that are gone.
///
/// # Errors
/// [`StoreError`].
pub fn mend(target: &Connection) -> Result<Counts, StoreError> {
    let mut spoilt = 0;
    spoilt += put_aside(target, "change", "position", "kind, hash, bytes", |row| {
        let (kind, hash, bytes): (u16, Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let known = Kind::from_number(kind).is_some();
        let name = if known { guard::change_hash(&bytes) } else { Some(Hash::of(&bytes).0) };
        Ok((name.is_some_and(|name| name.as_slice() == hash), bytes))
    })?;
    spoilt += put_aside(target, "bundle", "row", "hash, sealed", |row| {
        let (hash, sealed): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
        Ok((Hash::of(&sealed).0.as_slice() == hash, sealed))
    })?;
    spoilt += put_aside(target, "draft", "rowid", "content", |row| {
        let content: String = row.get(0)?;
        Ok((serde_json::from_str::<serde_json::Value>(&content).is_ok(), content.into_bytes()))
    })?;
    spoilt += put_aside(target, "server_record", "rowid", "body", |row| {
        let body: String = row.get(0)?;
        let read = serde_json::from_str::<lentera_domain::server_record::ServerRecord>(&body);
        Ok((read.is_ok(), body.into_bytes()))
    })?;
    let lost = target
        .execute("UPDATE change SET bundle = NULL WHERE bundle IS NOT NULL AND bundle NOT IN (SELECT row FROM bundle)", [])?
        + target.execute(
            "UPDATE change SET replaces = NULL WHERE replaces IS NOT NULL AND replaces NOT IN (SELECT position FROM change)",
            [],
        )?;
    let count = |sql: &str| target.query_row(sql, [], |row| row.get(0));
    Ok(Counts {
        changes: count("SELECT count(*) FROM change")?,
        drafts: count("SELECT count(*) FROM draft")?,
        complete: spoilt + lost == 0,
    })
}

/// Moves rows that are not whole to `quarantine`; gives how many.
fn put_aside(
    target: &Connection,
    table: &str,
    key: &str,
    columns: &str,
    read: impl Fn(&rusqlite::Row<'_>) -> Result<(bool, Vec<u8>), rusqlite::Error>,
) -> Result<usize, StoreError> {
    let mut spoilt: Vec<(i64, Vec<u8>)> = Vec::new();
    let mut statement = target.prepare(&format!("SELECT {columns}, {key} FROM {table}"))?;
    let key_column = statement.column_count().saturating_sub(1);
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (whole, bytes) = read(row).unwrap_or((false, Vec::new()));
        if !whole {
            spoilt.push((row.get(key_column)?, bytes));
        }
    }
    for (position, bytes) in &spoilt {
        let sql = "INSERT INTO quarantine (received_at, code, bytes) VALUES (0, 'damaged', ?) ON CONFLICT (bytes) DO NOTHING";
        target.execute(sql, params![bytes])?;
        target.execute(&format!("DELETE FROM {table} WHERE {key} = ?"), [position])?;
    }
    Ok(spoilt.len())
}
