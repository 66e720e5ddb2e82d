//! Writing anew: what a person typed goes on standing, though the change that carried it does not.

use std::collections::{BTreeMap, BTreeSet};

use lentera_document::{ChangeHash, Document, builds_on, project};
use lentera_domain::{RecordId, Timestamp};
use rusqlite::Connection;

use crate::store::change::{self, ACCEPTED, NEED, Own, OwnChange, REPLACED, Standing};
use crate::store::identity::{self, Identity};
use crate::store::{StoreError, record};

/// The server refused what this change builds on.
pub const DEP_NOT_ACCEPTED: &str = "dep_not_accepted";
/// Refusals that are no fault of what the person typed: it is written anew. With all others the person decides.
const WRITTEN_ANEW: [&str; 3] = [DEP_NOT_ACCEPTED, "wrong_seq", "wrong_actor"];
/// So many times one thing is written anew: then something else is wrong, and the person decides.
const TIMES_MAX: u32 = 3;

/// Makes the documents of changes that the server refused anew without them, under the next generation of this device's actor.
///
/// # Errors
/// [`StoreError`].
pub fn after_refusal(connection: &Connection, identity: &mut Identity, refused: &[OwnChange]) -> Result<(), StoreError> {
    identity.generation = identity::raise_generation(connection)?;
    for (record, refused) in by_record(refused.to_vec()) {
        let loaded = record::build(record, change::of_record(connection, record)?)?;
        let mut lost = Vec::new();
        for (stranded, _) in loaded.stranded {
            let Some(own) = change::find_own(connection, stranded.position)? else { continue };
            change::set_outcome(connection, own.position, DEP_NOT_ACCEPTED)?;
            lost.push(own);
        }
        let ours_to_mend = |own: &OwnChange| own.outcome.as_deref().is_some_and(|code| WRITTEN_ANEW.contains(&code));
        lost.extend(refused.into_iter().filter(ours_to_mend));
        lost.sort_unstable_by_key(|own| own.position);
        let mut again = Vec::new();
        for own in lost {
            if change::times_rewritten(connection, own.position)? < TIMES_MAX {
                again.push(own);
            }
        }
        write_anew(connection, identity, loaded.document, &again)?;
    }
    Ok(())
}

/// Writes everything that has not arrived anew: under another key, nothing that the old one signed will.
///
/// # Errors
/// [`StoreError`].
pub fn under_new_key(connection: &Connection, identity: &Identity) -> Result<(), StoreError> {
    for (record, own) in by_record(change::unconfirmed(connection)?) {
        let (document, accepted) = build_without_unconfirmed(connection, record)?;
        let lost: Vec<_> = own.into_iter().filter(|own| !accepted.contains(&own.position)).collect();
        write_anew(connection, identity, document, &lost)?;
    }
    Ok(())
}

/// Those of known kinds, record by record, each record's in order.
fn by_record(changes: Vec<OwnChange>) -> Vec<(RecordId, Vec<OwnChange>)> {
    let mut records: BTreeMap<(u16, [u8; 16]), (RecordId, Vec<OwnChange>)> = BTreeMap::new();
    for own in changes {
        let Some(record) = own.record else { continue };
        let key = (record.kind.number(), record.id.into_bytes());
        records.entry(key).or_insert_with(|| (record, Vec::new())).1.push(own);
    }
    records.into_values().collect()
}

/// The document without what has no receipt. What a change that the server gave out builds on, the server has accepted, though the
/// receipt was lost: that stays.
fn build_without_unconfirmed(connection: &Connection, record: RecordId) -> Result<(Document, Vec<i64>), StoreError> {
    let mut accepted = Vec::new();
    loop {
        let standing: Vec<Standing> =
            change::of_record(connection, record)?.into_iter().filter(|standing| !standing.unconfirmed).collect();
        let loaded = record::build(record, standing)?;
        let mut found = false;
        for (_, lacks) in &loaded.stranded {
            if let Some(position) = change::find_unconfirmed(connection, record, *lacks)? {
                change::set_outcome(connection, position, ACCEPTED)?;
                accepted.push(position);
                found = true;
            }
        }
        if !found {
            return Ok((loaded.document, accepted));
        }
    }
}

/// Writes what `lost` holds onto `document`, in order, and shows it.
fn write_anew(
    connection: &Connection,
    identity: &Identity,
    mut document: Document,
    lost: &[OwnChange],
) -> Result<(), StoreError> {
    for own in lost {
        let before = document.clone();
        let at = Timestamp::from_millis(own.saved.wall);
        let new = ground(connection, &document, &own.bytes)
            .and_then(|ground| Ok(document.rewrite(identity.actor(), at, &ground, &own.bytes)?));
        let new = match new {
            // Its bytes are not what they were.
            Err(StoreError::Document(_)) => None,
            new => Some(new?),
        };
        let Some(new) = new.filter(|_| project(&document).is_ok()) else {
            // Without what it stood on it is no record: the person decides.
            document = before;
            if matches!(own.outcome.as_deref(), None | Some(NEED)) {
                change::set_outcome(connection, own.position, DEP_NOT_ACCEPTED)?;
            }
            continue;
        };
        if let Some(new) = new {
            let kept =
                Own { intent: &own.intent, saved: &own.saved, generation: identity.generation, replaces: Some(own.position) };
            change::insert_own(connection, document.id(), &new, kept)?;
        }
        change::set_outcome(connection, own.position, REPLACED)?;
    }
    record::show(connection, &document)
}

/// What of `document` a change that does not stand was written on: what it builds on, and in the place of what does not stand either,
/// what was written anew for that, or what that was written on.
fn ground(connection: &Connection, document: &Document, lost: &[u8]) -> Result<Vec<ChangeHash>, StoreError> {
    let (mut ground, mut seen, mut left) = (Vec::new(), BTreeSet::new(), builds_on(lost)?);
    while let Some(hash) = left.pop() {
        if !seen.insert(hash) {
            continue;
        }
        if document.holds(&hash) {
            ground.push(hash);
        } else if let Some(anew) = change::written_anew_for(connection, document.id(), hash)? {
            left.push(anew);
        } else if let Some(bytes) = change::bytes(connection, document.id(), hash)? {
            left.extend(builds_on(&bytes)?);
        }
    }
    Ok(ground)
}

/// Shows a record as it stands, after a change came to it again.
///
/// # Errors
/// [`StoreError`].
pub fn show_again(connection: &Connection, record: Option<RecordId>) -> Result<(), StoreError> {
    let Some(record) = record else { return Ok(()) };
    record::show(connection, &record::load(connection, record)?)
}
