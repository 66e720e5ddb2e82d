//! Forms as typed so far.

use lentera_api::view::Draft;
use lentera_domain::DraftName;
use lentera_domain::Timestamp;
use rusqlite::{Connection, Row, params};

use super::StoreError;

/// Keeps a form as it is now.
///
/// # Errors
/// [`StoreError`].
pub fn put(connection: &Connection, draft: &Draft) -> Result<(), StoreError> {
    connection.prepare_cached("INSERT OR REPLACE INTO draft (name, content, saved_at) VALUES (?, ?, ?)")?.execute(params![
        draft.name,
        draft.content.to_string(),
        draft.saved_at.millis()
    ])?;
    Ok(())
}

/// All drafts, newest first.
///
/// # Errors
/// [`StoreError`].
pub fn all(connection: &Connection) -> Result<Vec<Draft>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT name, content, saved_at FROM draft ORDER BY saved_at DESC, name")?;
    let mut rows = statement.query([])?;
    let mut drafts = Vec::new();
    while let Some(row) = rows.next()? {
        drafts.push(read(row)?);
    }
    Ok(drafts)
}

/// The draft of one form.
///
/// # Errors
/// [`StoreError`].
pub fn find(connection: &Connection, name: &DraftName) -> Result<Option<Draft>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT name, content, saved_at FROM draft WHERE name = ?")?;
    let mut rows = statement.query([name.as_str()])?;
    rows.next()?.map(read).transpose()
}

fn read(row: &Row<'_>) -> Result<Draft, StoreError> {
    let content: String = row.get(1)?;
    Ok(Draft { name: row.get(0)?, content: serde_json::from_str(&content)?, saved_at: Timestamp::from_millis(row.get(2)?) })
}

/// How many there are.
///
/// # Errors
/// [`StoreError`].
pub fn count(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.prepare_cached("SELECT count(*) FROM draft")?.query_row([], |row| row.get(0))?)
}

/// The form was saved: its draft has become a record.
///
/// # Errors
/// [`StoreError`].
pub fn remove_saved(connection: &Connection, name: &str) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM draft WHERE name = ?")?.execute([name])?;
    Ok(())
}

/// Takes a draft out of its form and keeps it aside.
///
/// # Errors
/// [`StoreError`].
pub fn set_aside(connection: &Connection, name: &DraftName) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO draft_aside (name, content, saved_at) SELECT name, content, saved_at FROM draft WHERE name = ?",
        [name.as_str()],
    )?;
    remove_saved(connection, name.as_str())
}
