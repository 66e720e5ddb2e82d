//! Everything that was ever written to a record: what others wrote over is still there.

use lentera_api::Error;
use lentera_api::view::{HistoryEntry, HistoryField};
use lentera_document::written_by;
use lentera_domain::{Kind, RecordId, Timestamp, UmkmId};
use rusqlite::Connection;

use super::conflict;
use crate::Engine;
use crate::store::identity::Identity;
use crate::store::{StoreError, change};

pub fn history(engine: &Engine, record: RecordId) -> Result<Vec<HistoryEntry>, Error> {
    engine.read(|connection, identity| Ok(of(connection, identity, record)?))
}

fn of(connection: &Connection, identity: &Identity, record: RecordId) -> Result<Vec<HistoryEntry>, StoreError> {
    // The protected data of an enterprise's owner is typed into the same form.
    let owner = (record.kind == Kind::Umkm).then(|| UmkmId(record.id).owner());
    let mut entries: Vec<HistoryEntry> = Vec::new();
    for document in [Some(record), owner].into_iter().flatten() {
        for past in change::history(connection, document)? {
            let Some(next) = entry(connection, identity, &past)? else { continue };
            // What was saved at one moment is one thing to whoever saved it.
            let together = |entry: &&mut HistoryEntry| {
                (entry.at, &entry.author, entry.delivered) == (next.at, &next.author, next.delivered) && next.at.is_some()
            };
            match entries.iter_mut().find(together) {
                Some(entry) => entry.fields.extend(next.fields),
                None => entries.push(next),
            }
        }
    }
    if owner.is_some() {
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    }
    Ok(entries)
}

/// What one change says to people; `None` where that is nothing.
fn entry(connection: &Connection, identity: &Identity, past: &change::Past) -> Result<Option<HistoryEntry>, StoreError> {
    let nip = past.written.author.as_deref().unwrap_or(identity.employee.nip.as_str());
    let mut fields = Vec::new();
    for (field, value) in written_by(&past.bytes)? {
        if HistoryEntry::UNSAID.contains(&field.as_str()) {
            continue;
        }
        let text = conflict::text(connection, &field, &value, &[])?;
        fields.push(HistoryField { field, text });
    }
    let entry = HistoryEntry {
        author: conflict::name(connection, nip)?,
        own: nip == identity.employee.nip.as_str(),
        at: past.written.saved.map(|saved| Timestamp::from_millis(saved.wall)),
        delivered: past.delivered,
        fields,
    };
    Ok((!entry.fields.is_empty()).then_some(entry))
}
