//! Keeping a judged bundle.

use std::collections::BTreeMap;

use lentera_domain::Nip;
use lentera_protocol::encode;
use rusqlite::{Connection, OptionalExtension, params};

use super::bundles::{self, amendment};
use super::records::put_record;
use super::streams::{Appending, row_of_accepted};
use super::{as_sql, people, unjudged};
use crate::service::scope;
use crate::storage::{Commit, Committed, DocumentCommit, DocumentKey, Parts, StorageError};

/// As [`crate::storage::Storage::commit_bundle`].
pub fn commit(db: &Connection, commit: &Commit) -> Result<Committed, StorageError> {
    if !still_holds(db, commit)? {
        return Ok(Committed::Conflict);
    }
    let (device, number) = (commit.device.to_string(), as_sql(commit.number)?);
    db.prepare_cached("INSERT INTO bundle (device, number, hash, bytes, receipt, received_at) VALUES (?, ?, ?, ?, ?, ?)")?
        .execute(params![device, number, commit.hash.0, commit.bytes, commit.receipt, commit.arrived.millis()])?;
    let mut documents = BTreeMap::new();
    for document in &commit.documents {
        let uuid = document.key.uuid();
        put_document(db, document, &uuid)?;
        documents.insert(document.key, (uuid, document.home.as_deref()));
    }
    // First: what is accepted now may build on them.
    commit.judged.iter().try_for_each(|judged| unjudged::put_judged(db, judged))?;
    put_changes(db, commit, &documents)?;
    for place in &commit.settled {
        db.prepare_cached("DELETE FROM waiting_change WHERE device = ? AND bundle_number = ? AND place = ?")?
            .execute(params![place.device.to_string(), as_sql(place.number)?, place.index])?;
    }
    for waiting in &commit.waiting {
        db.prepare_cached(
            "INSERT INTO waiting_change (device, bundle_number, place, kind, id, needs, bytes, saved, generation, home)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET needs = excluded.needs",
        )?
        .execute(params![
            waiting.place.device.to_string(),
            as_sql(waiting.place.number)?,
            waiting.place.index,
            waiting.key.kind,
            waiting.key.uuid(),
            waiting.needs,
            waiting.bytes,
            encode(&waiting.saved),
            waiting.generation,
            waiting.home
        ])?;
    }
    for amendment in &commit.amendments {
        db.prepare_cached("INSERT INTO amendment (device, number, bundle_number, receipt) VALUES (?, ?, ?, ?)")?.execute(
            params![amendment.device.to_string(), as_sql(amendment.number)?, as_sql(amendment.bundle)?, amendment.receipt],
        )?;
    }
    commit.quarantined.iter().try_for_each(|refused| bundles::quarantine(db, refused))?;
    put_parts(db, commit, &device)?;
    if commit.from_barred {
        db.prepare_cached("DELETE FROM held WHERE hash = ?")?.execute([commit.hash.0])?;
    }
    Ok(Committed::Done)
}

/// Nothing that the bundle was judged on is different now.
fn still_holds(db: &Connection, commit: &Commit) -> Result<bool, StorageError> {
    if people::last_bundle(db, commit.device)? != commit.after {
        return Ok(false);
    }
    let is_barred: bool = db
        .prepare_cached("SELECT coalesce(revoked_at, frozen_at) IS NOT NULL FROM device WHERE id = ?")?
        .query_row([commit.device.to_string()], |row| row.get(0))?;
    if is_barred && !commit.from_barred {
        return Ok(false);
    }
    for document in &commit.documents {
        if version(db, document.key)? != document.version {
            return Ok(false);
        }
    }
    let mut last = BTreeMap::new();
    for amended in &commit.amendments {
        let before = match last.insert(amended.device, amended.number) {
            Some(before) => before,
            None => amendment(db, amended.device)?,
        };
        if before != amended.previous {
            return Ok(false);
        }
    }
    Ok(true)
}

fn put_changes(
    db: &Connection,
    commit: &Commit,
    documents: &BTreeMap<DocumentKey, (String, Option<&str>)>,
) -> Result<(), StorageError> {
    if commit.changes.is_empty() {
        return Ok(());
    }
    let mut appending = Appending::to(db);
    let mut authors = BTreeMap::new();
    for change in &commit.changes {
        let Some((uuid, Some(home))) = documents.get(&change.key) else {
            return Err(StorageError::Damaged("a change without its document".to_owned()));
        };
        let own = match authors.entry(&change.author) {
            std::collections::btree_map::Entry::Occupied(own) => own.into_mut(),
            std::collections::btree_map::Entry::Vacant(own) => {
                own.insert(scope::Own::of(&change.author, &people::unit(db, &change.author)?.unwrap_or_default()))
            }
        };
        db.prepare_cached(
            "INSERT INTO change (kind, id, hash, bytes, device, bundle_number, generation, saved_wall, saved_anchor, saved_since)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            change.key.kind,
            uuid,
            change.hash,
            change.bytes,
            change.device.to_string(),
            as_sql(change.number)?,
            change.unjudged,
            change.saved.wall,
            change.saved.anchor,
            change.saved.since_anchor
        ])?;
        let (seq, row) = (db.last_insert_rowid(), row_of_accepted(change));
        appending.change(home, change.key, uuid, seq, &row)?;
        if !own.carries(home) {
            appending.lineage(&own.person, change.key, uuid, change.hash)?;
        }
    }
    appending.finish()
}

fn put_document(db: &Connection, document: &DocumentCommit, uuid: &str) -> Result<(), StorageError> {
    db.prepare_cached(
        "INSERT INTO document (kind, id, version, owner, home) VALUES (?, ?, 1, ?, ?)
         ON CONFLICT DO UPDATE SET version = version + 1, owner = excluded.owner, home = excluded.home",
    )?
    .execute(params![document.key.kind, uuid, document.owner.as_ref().map(Nip::as_str), document.home])?;
    match &document.record {
        Some(record) => put_record(db, uuid, record, scope::unit_of(document.home.as_deref().unwrap_or_default())),
        None => Ok(()),
    }
}

fn put_parts(db: &Connection, commit: &Commit, device: &str) -> Result<(), StorageError> {
    match &commit.parts {
        Parts::Keep(kept) => {
            if kept.part.offset == 0 {
                db.prepare_cached("DELETE FROM part WHERE device = ?")?.execute([device])?;
            }
            db.prepare_cached("INSERT INTO part (device, bundle_number, kind, id, part, bytes) VALUES (?, ?, ?, ?, ?, ?)")?
                .execute(params![device, as_sql(kept.number)?, kept.key.kind, kept.key.uuid(), encode(&kept.part), kept.bytes])?;
        }
        Parts::Drop => {
            db.prepare_cached("DELETE FROM part WHERE device = ?")?.execute([device])?;
        }
    }
    Ok(())
}

fn version(db: &Connection, key: DocumentKey) -> Result<u64, StorageError> {
    let mut select = db.prepare_cached("SELECT version FROM document WHERE kind = ? AND id = ?")?;
    let version: Option<i64> = select.query_row(params![key.kind, key.uuid()], |row| row.get(0)).optional()?;
    Ok(version.unwrap_or(0).unsigned_abs())
}
