//! Everything that was ever written to a record.

use lentera_api::view::Delivered;
use lentera_domain::RecordId;
use rusqlite::{Connection, params};

use super::{ACCEPTED, NEED, REPLACED, Written, read_written};
use crate::store::StoreError;

/// A change, whatever became of it.
#[derive(Clone, Debug)]
pub struct Past {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Who wrote it, and when.
    pub written: Written,
    /// Where it stands.
    pub delivered: Delivered,
}

/// All changes of a document, newest first. One that was written anew is among them as the new one only.
///
/// # Errors
/// [`StoreError`].
pub fn history(connection: &Connection, document: RecordId) -> Result<Vec<Past>, StoreError> {
    let sql = "SELECT author, saved, arrived_at, bytes, intent IS NOT NULL, outcome FROM change
        WHERE kind = ? AND id = ? ORDER BY position DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![document.kind.number(), document.id.as_bytes()])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let outcome: Option<String> = row.get(5)?;
        let delivered = match (row.get(4)?, outcome.as_deref()) {
            (_, Some(REPLACED)) => continue,
            (false, _) | (true, Some(ACCEPTED)) => Delivered::Arrived,
            (true, None | Some(NEED)) => Delivered::Waiting,
            (true, Some(_)) => Delivered::Refused,
        };
        changes.push(Past { bytes: row.get(3)?, written: read_written(row)?, delivered });
    }
    Ok(changes)
}
