//! Writing a record: a change to its document, and its projection, in the caller's transaction.

use lentera_document::guard::{self, NoWatch, Refusal};
use lentera_document::{ChangeHash, Document, Fields, Projection, fields_of, project};
use lentera_domain::{Kind, LogEntryId, RecordId, Timestamp, UmkmId, VisitId};
use lentera_protocol::bundle::Stamp;
use rusqlite::Connection;
use serde::Serialize;

use super::change::{Own, Standing};
use super::identity::Identity;
use super::{StoreError, change, conflict, log_entry, umkm, visit};

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

impl Writing<'_> {
    /// What is kept beside each change.
    pub const fn own(&self) -> Own<'_> {
        Own { intent: self.intent, saved: &self.stamp, generation: self.identity.generation, replaces: None }
    }
}

/// A record's document, and what of it could not be built: changes that stand on one which is refused.
#[derive(Debug)]
pub struct Loaded {
    /// The document.
    pub document: Document,
    /// Its changes that lack another, each with the one it lacks.
    pub stranded: Vec<(Standing, ChangeHash)>,
}

/// The document of `id` as it stands.
///
/// # Errors
/// [`StoreError`].
pub fn load(connection: &Connection, id: RecordId) -> Result<Document, StoreError> {
    Ok(load_with_stranded(connection, id)?.document)
}

/// The document of `id` as it stands, and what of it has lost its ground.
///
/// # Errors
/// [`StoreError`].
pub fn load_with_stranded(connection: &Connection, id: RecordId) -> Result<Loaded, StoreError> {
    load_standing(id, change::of_record(connection, id)?)
}

fn load_standing(id: RecordId, standing: Vec<Standing>) -> Result<Loaded, StoreError> {
    match Document::load(id, standing.iter().map(|change| change.bytes.as_slice())) {
        Ok(document) => Ok(Loaded { document, stranded: Vec::new() }),
        // One has lost its ground, or its bytes are not what they were: the others are shown.
        Err(_) => build(id, standing),
    }
}

/// The document of those changes that follow from each other, in whatever order they are given.
///
/// # Errors
/// [`StoreError`].
pub fn build(id: RecordId, changes: Vec<Standing>) -> Result<Loaded, StoreError> {
    let mut loaded = Loaded { document: Document::new(id)?, stranded: Vec::new() };
    let mut left = changes;
    loop {
        let before = left.len();
        for change in std::mem::take(&mut left) {
            match guard::examine(&loaded.document, None, &change.bytes, &NoWatch) {
                Ok(accepted) => loaded.document = accepted.document,
                Err(Refusal::Need(hash)) => loaded.stranded.push((change, hash)),
                // Accepted before, and by itself not whole: a later change makes it so.
                Err(_) => left.push(change),
            }
        }
        left.extend(std::mem::take(&mut loaded.stranded).into_iter().map(|(change, _)| change));
        if left.len() == before {
            break;
        }
    }
    for change in left {
        let lacks = match guard::examine(&loaded.document, None, &change.bytes, &NoWatch) {
            Err(Refusal::Need(hash)) => hash,
            _ => change.hash,
        };
        loaded.stranded.push((change, lacks));
    }
    Ok(loaded)
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
    let standing = change::of_record(connection, id)?;
    let mut document = load_standing(id, standing.clone())?.document;
    let (actor, at, to) = (writing.identity.actor(), Timestamp::from_millis(writing.stamp.wall), fields_of(to)?);
    let new = match from {
        None => Vec::from_iter(document.write(actor, at, &Fields::default(), &to)?),
        // Others may have written since the person saw it.
        Some(from) => {
            let kept: Vec<_> =
                standing.iter().filter(|change| document.holds(&change.hash)).map(|change| change.bytes.as_slice()).collect();
            document.write_as_seen(actor, at, &kept, &fields_of(from)?, &to)?
        }
    };
    if new.is_empty() {
        return Ok(false);
    }
    for new in new {
        change::insert_own(connection, id, &new, writing.own())?;
    }
    put(connection, id, &project(&document)?)?;
    conflict::put(connection, &document)?;
    Ok(true)
}

/// Puts the row of `document` as it stands, and its conflicts; takes them away where nothing whole is left.
///
/// # Errors
/// [`StoreError`].
pub fn show(connection: &Connection, document: &Document) -> Result<(), StoreError> {
    match project(document) {
        Ok(projection) => {
            put(connection, document.id(), &projection)?;
            conflict::put(connection, document)
        }
        Err(_) => {
            conflict::remove(connection, document.id())?;
            remove_row(connection, document.id())
        }
    }
}

/// Takes a record's row away. Its changes stay.
fn remove_row(connection: &Connection, id: RecordId) -> Result<(), StoreError> {
    let table = match id.kind {
        Kind::LogEntry => "log_entry",
        Kind::Umkm => "umkm",
        Kind::UmkmOwner => "umkm_owner",
        Kind::Visit => "visit",
    };
    connection.execute(&format!("DELETE FROM {table} WHERE id = ?"), [id.id.as_bytes()])?;
    Ok(())
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
    connection.execute_batch(
        "DELETE FROM log_entry; DELETE FROM umkm; DELETE FROM umkm_owner; DELETE FROM visit; DELETE FROM conflict;",
    )?;
    for id in change::all_records(connection)? {
        show(connection, &load(connection, id)?)?;
    }
    Ok(())
}
