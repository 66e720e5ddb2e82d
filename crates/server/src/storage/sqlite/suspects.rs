//! Bytes under examination when the process ended.

use lentera_document::ChangeHash;
use rusqlite::Connection;

use crate::storage::{SUSPICIONS_MAX, StorageError};

/// As [`crate::storage::Storage::suspect`].
pub fn suspect(db: &Connection, found: &[ChangeHash]) -> Result<Vec<ChangeHash>, StorageError> {
    for hash in found {
        db.prepare_cached("INSERT INTO suspect (hash, times) VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1")?
            .execute([hash])?;
    }
    let mut select = db.prepare_cached("SELECT hash FROM suspect WHERE times >= ? ORDER BY hash")?;
    let hashes = select.query_map([SUSPICIONS_MAX], |row| row.get(0))?;
    Ok(hashes.collect::<Result<_, _>>()?)
}
