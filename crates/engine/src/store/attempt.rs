//! The last tries to send.

use lentera_api::view::{Attempt, Cause};
use lentera_domain::Timestamp;
use rusqlite::{Connection, params};

use super::StoreError;

/// Tries that are kept.
const KEPT: u32 = 50;

/// Notes a try, and forgets the oldest.
///
/// # Errors
/// [`StoreError`].
pub fn insert(connection: &Connection, attempt: &Attempt) -> Result<(), StoreError> {
    let failed = attempt.failed.map(|cause| serde_json::to_string(&cause)).transpose()?;
    connection
        .prepare_cached("INSERT INTO attempt (at, failed, sent, received, millis) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![attempt.at.millis(), failed, attempt.sent, attempt.received, attempt.millis])?;
    connection
        .prepare_cached("DELETE FROM attempt WHERE position <= (SELECT max(position) FROM attempt) - ?")?
        .execute([KEPT])?;
    Ok(())
}

/// The last tries, newest first.
///
/// # Errors
/// [`StoreError`].
pub fn all(connection: &Connection) -> Result<Vec<Attempt>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT at, failed, sent, received, millis FROM attempt ORDER BY position DESC")?;
    let mut rows = statement.query([])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        attempts.push(Attempt {
            at: Timestamp::from_millis(row.get(0)?),
            failed: row.get::<_, Option<String>>(1)?.map(|cause| serde_json::from_str::<Cause>(&cause)).transpose()?,
            sent: row.get(2)?,
            received: row.get(3)?,
            millis: row.get(4)?,
        });
    }
    Ok(attempts)
}
