//! Writing a record: a change to its document, and its projection, in the caller's transaction.

use lentera_document::{Document, Fields, Projection, fields_of, project};
use lentera_domain::LogEntryId;
use lentera_domain::{RecordId, Timestamp, UmkmId, VisitId};
use lentera_protocol::bundle::Stamp;
use rusqlite::Connection;
use serde::Serialize;

use super::identity::Identity;
use super::{StoreError, change, log_entry, umkm, visit};

/// Who writes, when, and because of what.
#[derive(Debug)]
pub struct Writing<'a> {
    /// The writer.
    pub identity: &'a Identity,
    /// The clocks.
    pub stamp: Stamp,
    /// The command, as JSON.
    pub intent: &'a str,
}

/// Writes the fields in which `to` differs from `from` (nothing, for a new record) and projects the document. Gives whether anything differed.
///
/// # Errors
/// [`StoreError`].
pub fn write<T: Serialize>(
    connection: &Connection,
    writing: &Writing<'_>,
    id: RecordId,
    from: Option<&T>,
    to: &T,
) -> Result<bool, StoreError> {
    let kept = change::of_record(connection, id)?;
    let mut document = Document::load(id, kept.iter().map(Vec::as_slice))?;
    let from = from.map_or_else(|| Ok(Fields::default()), fields_of)?;
    let at = Timestamp::from_millis(writing.stamp.wall);
    let Some(new) = document.write(writing.identity.actor(), at, &from, &fields_of(to)?)? else { return Ok(false) };
    change::insert_own(connection, id, &new, writing.intent, &writing.stamp)?;
    put(connection, id, &project(&document)?)?;
    Ok(true)
}

/// Puts a record's projection in its table.
///
/// # Errors
/// [`StoreError`].
pub fn put(connection: &Connection, id: RecordId, projection: &Projection) -> Result<(), StoreError> {
    match projection {
        Projection::LogEntry(entry) => log_entry::put(connection, LogEntryId(id.id), entry),
        Projection::Umkm(umkm) => umkm::put(connection, UmkmId(id.id), umkm),
        Projection::UmkmOwner(owner) => umkm::put_owner(connection, UmkmId(id.id), owner),
        Projection::Visit(visit) => visit::put(connection, VisitId(id.id), visit),
    }
}

/// Makes all projections anew from the changes.
///
/// # Errors
/// [`StoreError`]; the caller's transaction must be given up then.
pub fn rebuild(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch("DELETE FROM log_entry; DELETE FROM umkm; DELETE FROM umkm_owner; DELETE FROM visit;")?;
    for id in change::all_records(connection)? {
        let kept = change::of_record(connection, id)?;
        let document = Document::load(id, kept.iter().map(Vec::as_slice))?;
        if let Ok(projection) = project(&document) {
            put(connection, id, &projection)?;
        }
    }
    Ok(())
}
