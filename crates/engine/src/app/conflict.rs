//! Fields that two devices filled in differently.

use lentera_api::view::{self, ConflictValue, Done};
use lentera_api::{Command, Error, SettleConflict, What};
use lentera_document::{ChangeHash, Document};
use lentera_domain::{Kind, LogEntryId, RecordId, Timestamp, UmkmId, VisitId, WilayahCode};
use lentera_protocol::Hash;
use rusqlite::Connection;
use serde_json::Value;

use crate::Engine;
use crate::store::conflict::{self, Conflict};
use crate::store::identity::Identity;
use crate::store::record::{self, Writing};
use crate::store::{StoreError, change, log_entry, server_record, visit};

pub fn list(engine: &Engine) -> Result<Vec<view::Conflict>, Error> {
    engine.read(|connection, identity| {
        let conflicts = conflict::all(connection)?.into_iter();
        Ok(conflicts.map(|conflict| show(connection, identity, conflict)).collect::<Result<_, _>>()?)
    })
}

/// The conflicts of some documents.
pub fn of(connection: &Connection, identity: &Identity, documents: &[RecordId]) -> Result<Vec<view::Conflict>, StoreError> {
    let mut shown = Vec::new();
    for id in documents {
        for conflict in conflict::of_document(connection, *id)? {
            shown.push(show(connection, identity, conflict)?);
        }
    }
    Ok(shown)
}

pub fn settle(engine: &Engine, command: &Command, settle: &SettleConflict) -> Result<Done, Error> {
    engine.write(command, |transaction, writing| {
        let (document, choice) = find(transaction, settle)?.ok_or(Error::NotFound { what: What::Conflict })?;
        check_owner(transaction, writing.identity, document)?;
        let mut document = record::load(transaction, document)?;
        if !write(transaction, writing, &mut document, &settle.field, choice)? {
            return Err(Error::NotFound { what: What::Conflict });
        }
        if settle.field == "kbli" {
            // A class is of one edition: who chose the class chose that, too.
            write(transaction, writing, &mut document, "kbli_edition", choice)?;
        }
        record::show(transaction, &document)?;
        Ok(Done {})
    })
}

/// The document and the change that were meant. The protected data of an enterprise's owner is shown as the enterprise's.
fn find(connection: &Connection, settle: &SettleConflict) -> Result<Option<(RecordId, ChangeHash)>, StoreError> {
    let owner = (settle.record.kind == Kind::Umkm).then(|| UmkmId(settle.record.id).owner());
    for document in [Some(settle.record), owner].into_iter().flatten() {
        let conflicts = conflict::of_document(connection, document)?.into_iter();
        let mut values = conflicts.filter(|conflict| conflict.field == settle.field).flat_map(|conflict| conflict.values);
        if let Some(value) = values.find(|value| Hash(value.change).to_string() == settle.choice) {
            return Ok(Some((document, value.change)));
        }
    }
    Ok(None)
}

/// What only its owner may write, only its owner settles.
fn check_owner(connection: &Connection, identity: &Identity, document: RecordId) -> Result<(), Error> {
    let owner = match document.kind {
        Kind::LogEntry => log_entry::find(connection, LogEntryId(document.id))?.map(|entry| entry.owner),
        Kind::Visit => visit::find(connection, VisitId(document.id))?.map(|visit| visit.officer),
        Kind::Umkm | Kind::UmkmOwner => None,
    };
    if owner.is_some_and(|owner| owner != identity.employee.nip) { Err(Error::NotYours) } else { Ok(()) }
}

/// Whether there was something to settle.
fn write(
    connection: &Connection,
    writing: &Writing<'_>,
    document: &mut Document,
    field: &str,
    choice: ChangeHash,
) -> Result<bool, StoreError> {
    let at = Timestamp::from_millis(writing.stamp.wall);
    let Some(change) = document.settle(writing.identity.actor(), at, field, choice)? else { return Ok(false) };
    change::insert_own(connection, document.id(), &change, writing.own())?;
    Ok(true)
}

fn show(connection: &Connection, identity: &Identity, conflict: Conflict) -> Result<view::Conflict, StoreError> {
    let record = match conflict.document.kind {
        Kind::UmkmOwner => UmkmId(conflict.document.id).record(),
        _ => conflict.document,
    };
    let all: Vec<&str> = conflict.values.iter().filter_map(|value| value.value.as_str()).collect();
    let mut values = Vec::new();
    for value in &conflict.values {
        let written = change::written(connection, conflict.document, value.change)?;
        let nip = written.as_ref().and_then(|written| written.author.as_deref()).unwrap_or(identity.employee.nip.as_str());
        values.push(ConflictValue {
            choice: Hash(value.change).to_string(),
            text: text(connection, &conflict.field, &value.value, &all)?,
            author: name(connection, nip)?,
            own: nip == identity.employee.nip.as_str(),
            at: written.and_then(|written| written.saved).map(|saved| Timestamp::from_millis(saved.wall)),
            shown: value.shown,
        });
    }
    let title = super::delivery::title(connection, record)?.unwrap_or_else(|| record.id.to_string());
    Ok(view::Conflict { record, title, field: conflict.field, values })
}

/// What a person is called; the NIP where no name is known.
pub fn name(connection: &Connection, nip: &str) -> Result<String, StoreError> {
    let known = lentera_domain::Nip::parse(nip).ok().map(|nip| server_record::employee(connection, &nip)).transpose()?.flatten();
    Ok(known.map_or_else(|| nip.to_owned(), |employee| employee.name.to_string()))
}

/// A value as people read it; of a NIK no more than tells `all` apart.
pub fn text(connection: &Connection, field: &str, value: &Value, all: &[&str]) -> Result<String, StoreError> {
    Ok(match (field, value) {
        (_, Value::Null) => String::new(),
        ("village", Value::String(code)) => match WilayahCode::parse_village(code) {
            Ok(code) => server_record::village_name(connection, &code)?,
            Err(_) => code.clone(),
        },
        ("nik", Value::String(nik)) => mask(nik, all),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    })
}

/// A NIK with the digits masked that tell no difference between `all`; the first four and the last two are always shown.
fn mask(nik: &str, all: &[&str]) -> String {
    let length = nik.chars().count();
    let masked = nik.chars().enumerate().map(|(place, digit)| {
        let same = all.iter().all(|other| other.chars().nth(place) == Some(digit));
        if same && place >= 4 && place + 2 < length { '*' } else { digit }
    });
    masked.collect()
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn a_masked_nik_still_shows_what_to_choose_between() {
        let all = ["6311015203720001", "6311015203780001"];
        assert_eq!(all.map(|nik| mask(nik, &all)), ["6311*******2**01", "6311*******8**01"]);
        assert_eq!(mask(all[0], &all[..1]), "6311**********01");
    }
}
