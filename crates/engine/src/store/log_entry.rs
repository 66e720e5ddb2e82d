//! Rows of the daily log.

use lentera_domain::{Day, LogEntry, LogEntryId, Nip};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::StoreError;

/// Puts an entry.
///
/// # Errors
/// [`StoreError`].
pub fn put(connection: &Connection, id: LogEntryId, entry: &LogEntry) -> Result<(), StoreError> {
    let words =
        [Some(entry.activity.as_str()), Some(entry.category.as_str()), entry.output.as_ref().map(|output| output.as_str())];
    connection
        .prepare_cached("INSERT OR REPLACE INTO log_entry (id, owner, day, start, words, body) VALUES (?, ?, ?, ?, ?, ?)")?
        .execute(params![
            id.0.as_bytes(),
            entry.owner.as_str(),
            entry.day.to_string(),
            entry.time.start().minutes(),
            super::search_words(words),
            serde_json::to_string(entry)?
        ])?;
    Ok(())
}

/// One entry.
///
/// # Errors
/// [`StoreError`].
pub fn find(connection: &Connection, id: LogEntryId) -> Result<Option<LogEntry>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT body FROM log_entry WHERE id = ?")?;
    let body: Option<String> = statement.query_row(params![id.0.as_bytes()], |row| row.get(0)).optional()?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

/// A person's entries of the days from `first` to `last`, by day and start.
///
/// # Errors
/// [`StoreError`].
pub fn of_days(connection: &Connection, owner: &Nip, first: Day, last: Day) -> Result<Vec<(LogEntryId, LogEntry)>, StoreError> {
    let sql = "SELECT id, body FROM log_entry WHERE owner = ? AND day BETWEEN ? AND ? ORDER BY day, start, id";
    read(connection.prepare_cached(sql)?.query(params![owner.as_str(), first.to_string(), last.to_string()])?)
}

/// A person's entries that hold all the words of `search`, newest first, and how many there are in all.
///
/// # Errors
/// [`StoreError`].
pub fn search(
    connection: &Connection,
    owner: &Nip,
    search: &str,
    offset: u32,
    limit: u32,
) -> Result<(Vec<(LogEntryId, LogEntry)>, u32), StoreError> {
    let (condition, mut values) = super::search_condition(search);
    values.insert(0, owner.as_str().to_owned());
    let condition = format!("FROM log_entry WHERE owner = ? AND {condition}");
    let total = connection
        .prepare_cached(&format!("SELECT count(*) {condition}"))?
        .query_row(rusqlite::params_from_iter(&values), |row| row.get(0))?;
    let sql = format!("SELECT id, body {condition} ORDER BY day DESC, start DESC, id DESC LIMIT {limit} OFFSET {offset}");
    let rows = read(connection.prepare_cached(&sql)?.query(rusqlite::params_from_iter(&values))?)?;
    Ok((rows, total))
}

fn read(mut rows: rusqlite::Rows<'_>) -> Result<Vec<(LogEntryId, LogEntry)>, StoreError> {
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push((LogEntryId(uuid_at(row, 0)?), serde_json::from_str(&row.get::<_, String>(1)?)?));
    }
    Ok(entries)
}

/// The UUID in a column.
pub(super) fn uuid_at(row: &Row<'_>, column: usize) -> Result<Uuid, rusqlite::Error> {
    row.get::<_, [u8; 16]>(column).map(Uuid::from_bytes)
}
