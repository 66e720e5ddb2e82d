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
    let mut entries: Vec<HistoryEntry> = Vec::new();
    for past in change::history(connection, record)? {
        entries.extend(entry(connection, identity, &past)?);
    }
    if record.kind == Kind::Umkm {
        // The protected data of its owner is typed into the same form: what was saved with it is told with it.
        for past in change::history(connection, UmkmId(record.id).owner())? {
            let Some(owners) = entry(connection, identity, &past)? else { continue };
            let together = |entry: &&mut HistoryEntry| {
                (entry.at, &entry.author, entry.delivered) == (owners.at, &owners.author, owners.delivered) && owners.at.is_some()
            };
            match entries.iter_mut().find(together) {
                Some(entry) => entry.fields.extend(owners.fields),
                None => entries.push(owners),
            }
        }
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
