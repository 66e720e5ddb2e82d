//! The light's page.

use lentera_api::view::{Attempt, Cause, Delivery, Done, Light, RefusedRecord, WaitingRecord};
use lentera_api::{Command, Error, What};
use lentera_domain::{DraftName, Kind, LogEntryId, RecordId, UmkmId, VisitId};
use rusqlite::Connection;
use serde_json::Value;

use super::doctor::{Facts, findings};
use crate::Engine;
use crate::store::change::Refused;
use crate::store::identity::KeyState;
use crate::store::{StoreError, attempt, change, conflict, courier, log_entry, quarantine, rescue, stream, umkm, visit};

pub fn delivery(engine: &Engine) -> Result<Delivery, Error> {
    let next_attempt_at = engine.next_attempt_at.get();
    let platform = &*engine.platform;
    engine.read(|connection, identity| {
        let light = super::status::light(connection)?;
        let attempts = attempts(engine, connection)?;
        let waiting = change::waiting(connection)?;
        let facts = Facts {
            now: platform.now(),
            boot: platform.boot(),
            anchor: identity.anchor,
            address: &identity.server,
            network: platform.network(),
            free_space: platform.free_space(engine.folder.path()),
            key_state: identity.key_state,
            attempts: &attempts,
            next_attempt_at,
            waiting_since: waiting.iter().map(|waiting| waiting.since).min(),
            refused: light.refused,
            kept_aside: quarantine::count(connection)?,
            conflicts: conflict::count_records(connection)?,
            needing: change::count_needing(connection)?,
            rescued: rescue::unseen(connection)?.is_some(),
        };
        Ok(Delivery {
            cause: cause(&attempts, &light, identity.key_state),
            findings: findings(&facts),
            kept_aside: facts.kept_aside,
            waiting: waiting
                .into_iter()
                .map(|waiting| {
                    let title = title(connection, waiting.record)?.unwrap_or_else(|| waiting.record.id.to_string());
                    Ok(WaitingRecord { record: waiting.record, title, since: waiting.since })
                })
                .collect::<Result<_, StoreError>>()?,
            refused: refused(connection)?
                .into_iter()
                .map(|(refused, _)| show_refused(connection, refused))
                .collect::<Result<_, _>>()?,
            backfill: stream::backfill(connection)?,
            carried: courier::carried(connection)?,
            next_attempt_at,
            light,
            attempts,
        })
    })
}

pub async fn sync_now(engine: &Engine) -> Result<Delivery, Error> {
    engine.sync().await?;
    delivery(engine)
}

pub fn dismiss(engine: &Engine, position: i64) -> Result<Done, Error> {
    let now = super::now(engine);
    let dismiss = |connection: &Connection| -> Result<bool, Error> {
        let mut groups = refused(connection)?.into_iter();
        let Some((_, changes)) = groups.find(|(_, changes)| changes.contains(&position)) else { return Ok(false) };
        for change in changes {
            change::dismiss(connection, change, now)?;
        }
        Ok(true)
    };
    let dismissed = engine.with_store(|store| store.write(|transaction| dismiss(transaction)))?.ok_or(Error::NotEnrolled)?;
    engine.emit_light();
    if dismissed { Ok(Done {}) } else { Err(Error::NotFound { what: What::Refused }) }
}

/// The last tries, newest first: those on the disk and those that are not written yet.
pub fn attempts(engine: &Engine, connection: &Connection) -> Result<Vec<Attempt>, StoreError> {
    let mut attempts = attempt::all(connection)?;
    if let Some(unwritten) = engine.notes.get().unwritten {
        match attempts.first_mut().and_then(|newest| Some((attempt::join(newest, &unwritten)?, newest))) {
            Some((joined, newest)) => *newest = joined,
            None => attempts.insert(0, unwritten),
        }
        attempts.truncate(attempt::KEPT);
    }
    Ok(attempts)
}

/// Why nothing is sent: how the last try failed, as long as something waits. That the person must log in again is told even where nothing
/// waits and whatever happened since: nothing comes in either.
pub fn cause(attempts: &[Attempt], light: &Light, key_state: KeyState) -> Option<Cause> {
    let failed = attempts.first().and_then(|last| last.failed);
    if matches!(key_state, KeyState::Frozen | KeyState::Unknown) || failed == Some(Cause::LogInAgain) {
        return Some(Cause::LogInAgain);
    }
    failed.filter(|_| light.waiting > 0)
}

/// What was refused, once for each thing that the person did, with the positions of all its changes: an enterprise and its owner's
/// protected data, for one, were typed into one form.
fn refused(connection: &Connection) -> Result<Vec<(Refused, Vec<i64>)>, StoreError> {
    let mut groups: Vec<(Refused, Vec<i64>)> = Vec::new();
    for refused in change::refused(connection)? {
        let same = |(first, _): &&mut (Refused, Vec<i64>)| first.record == refused.record && first.intent == refused.intent;
        match groups.iter_mut().find(same) {
            Some((_, changes)) => changes.push(refused.position),
            None => {
                let position = refused.position;
                groups.push((refused, vec![position]));
            }
        }
    }
    Ok(groups)
}

/// A refused change, with what the person typed.
fn show_refused(connection: &Connection, refused: Refused) -> Result<RefusedRecord, StoreError> {
    let Refused { position, record, code, at, intent } = refused;
    let known = title(connection, record)?;
    let intent: Value = serde_json::from_str(&intent)?;
    let (name, arguments) = (intent.get("command").and_then(Value::as_str), intent.get("arguments").cloned());
    let command = name.zip(arguments).and_then(|(name, arguments)| Command::read(name, arguments).ok());
    let opened = match &command {
        Some(Command::EditLogEntry(c)) => json(&c.opened)?,
        Some(Command::EditUmkm(c)) => json(&c.opened)?,
        _ => None,
    };
    let (form, draft, typed) = match command {
        Some(Command::AddLogEntry(c)) => (json(&c.form)?, "log_entry/new".into(), c.form.activity),
        Some(Command::EditLogEntry(c)) => (json(&c.form)?, again("log_entry", &c.id, known.is_some()), c.form.activity),
        Some(Command::RegisterUmkm(c)) => (json(&c.form)?, "umkm/new".into(), c.form.name),
        Some(Command::EditUmkm(c)) => (json(&c.form)?, again("umkm", &c.id, known.is_some()), c.form.name),
        Some(Command::RecordVisit(c)) => {
            let id = c.form.umkm.parse().map(UmkmId);
            let umkm = id.ok().map(|id| title(connection, id.record())).transpose()?.flatten();
            (json(&c.form)?, format!("visit/{}", c.form.umkm), umkm.unwrap_or_default())
        }
        _ => (None, String::new(), String::new()),
    };
    let typed = Some(typed).filter(|typed| !typed.trim().is_empty());
    Ok(RefusedRecord {
        record,
        title: known.or(typed).unwrap_or_else(|| record.id.to_string()),
        reason: code,
        change: position,
        at,
        form,
        opened,
        draft: DraftName::parse(&draft).is_ok().then_some(draft),
    })
}

fn json(form: &impl serde::Serialize) -> Result<Option<Value>, StoreError> {
    Ok(Some(serde_json::to_value(form)?))
}

/// The draft that opens an edit again; of a record that is not there any more, as a new one.
fn again(kind: &str, id: &impl std::fmt::Display, is_there: bool) -> String {
    if is_there { format!("{kind}/{id}") } else { format!("{kind}/new") }
}

/// What people call a record; `None` where nothing of it is shown here.
pub fn title(connection: &Connection, record: RecordId) -> Result<Option<String>, StoreError> {
    Ok(match record.kind {
        Kind::LogEntry => log_entry::find(connection, LogEntryId(record.id))?.map(|entry| entry.activity.to_string()),
        Kind::Umkm | Kind::UmkmOwner => umkm::find(connection, UmkmId(record.id))?.map(|umkm| umkm.name.to_string()),
        Kind::Visit => visit::find(connection, VisitId(record.id))?
            .map(|visit| umkm::find(connection, visit.umkm))
            .transpose()?
            .flatten()
            .map(|umkm| umkm.name.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lentera_domain::Timestamp;

    #[test]
    fn logging_in_again_is_asked_for_even_where_nothing_waits() {
        let at = Timestamp::from_millis(0);
        let of = |failed, waiting, key_state| {
            let attempt = Attempt { at, last: at, count: 1, failed, sent: 0, received: 0, millis: 0 };
            cause(&[attempt], &Light { refused: 0, waiting, drafts: 0, arrived_at: None }, key_state)
        };
        assert_eq!(of(Some(Cause::Unreachable), 0, KeyState::Good), None);
        assert_eq!(of(Some(Cause::Unreachable), 1, KeyState::Good), Some(Cause::Unreachable));
        assert_eq!(of(Some(Cause::Unreachable), 0, KeyState::Frozen), Some(Cause::LogInAgain));
        assert_eq!(of(Some(Cause::LogInAgain), 0, KeyState::Good), Some(Cause::LogInAgain));
        assert_eq!(of(None, 3, KeyState::Unknown), Some(Cause::LogInAgain));
    }
}
