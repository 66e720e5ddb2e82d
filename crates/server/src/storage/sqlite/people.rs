//! People, what they log in with, and their devices.

use lentera_domain::server_record::{Employee, ServerRecord};
use lentera_domain::{Nip, Timestamp};
use lentera_protocol::{DeviceId, Hash};
use rusqlite::{Connection, OptionalExtension, params};

use super::as_sql;
use super::bundles::{self, device_id};
use super::streams::Appending;
use crate::service::scope;
use crate::storage::{
    Device, DocumentKey, Enrolled, Enrolment, Imported, OneTimeCode, Person, Quarantined, Secrets, StorageError, Try,
};

/// After so many milliseconds without a try the count is forgotten.
const TRIES_FORGOTTEN: i64 = 24 * 60 * 60 * 1000;

pub fn import(db: &Connection, people: Vec<Employee>) -> Result<Imported, StorageError> {
    let mut imported = Imported::default();
    let mut appending = Appending::to(db);
    for employee in people {
        let kept = person(db, &employee.nip)?;
        if kept.as_ref().is_some_and(|kept| kept.employee == employee) {
            imported.same += 1;
            continue;
        }
        db.prepare_cached(
            "INSERT INTO person (nip, unit, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE
             SET scope_epoch = scope_epoch + (unit <> excluded.unit), unit = excluded.unit, body = excluded.body",
        )?
        .execute(params![employee.nip.as_str(), employee.unit.as_str(), serde_json::to_string(&employee)?])?;
        db.prepare_cached(
            "INSERT INTO scope (nip, epoch, unit) SELECT nip, scope_epoch, unit FROM person WHERE nip = ? ON CONFLICT DO NOTHING",
        )?
        .execute([employee.nip.as_str()])?;
        match kept {
            Some(kept) => {
                imported.changed += 1;
                if kept.employee.unit != employee.unit {
                    take_along(db, &mut appending, &kept.employee)?;
                }
            }
            None => imported.new += 1,
        }
        appending.record(scope::KABUPATEN, &ServerRecord::Employee(employee))?;
    }
    appending.finish()?;
    Ok(imported)
}

/// Those whose superior this is.
pub const BELOW: &str = "SELECT nip FROM person WHERE json_extract(body, '$.superior') = ?";

/// The NIPs of those whose superior this is.
pub fn below(db: &Connection, superior: &Nip) -> Result<Vec<Nip>, StorageError> {
    let mut select = db.prepare_cached(BELOW)?;
    let mut rows = select.query([superior.as_str()])?;
    let mut below = Vec::new();
    while let Some(row) = rows.next()? {
        below.push(bundles::parse_nip(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(below)
}

/// The documents in a stream that a person wrote in. From the person's changes to the stream: a unit's has many more.
pub const WRITTEN_IN_STREAM: &str =
    "SELECT DISTINCT change.kind, change.id FROM device CROSS JOIN change ON change.device = device.id
     CROSS JOIN stream_row ON stream_row.change = change.seq
     WHERE device.nip = ? AND stream_row.stream = (SELECT id FROM stream WHERE name = ?) ORDER BY 1, 2";

/// Puts the documents of the unit which this person leaves, as far as they wrote in them, into their own stream.
fn take_along(db: &Connection, appending: &mut Appending<'_>, leaving: &Employee) -> Result<(), StorageError> {
    let mut select = db.prepare_cached(WRITTEN_IN_STREAM)?;
    let own = scope::Own::of(&leaving.nip, leaving.unit.as_str());
    let written = select.query_map([leaving.nip.as_str(), &own.unit], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    for document in written.collect::<Result<Vec<_>, _>>()? {
        let key = DocumentKey::named(document.0, &document.1)?;
        appending.document(&own.person, key, &document.1)?;
    }
    Ok(())
}

/// As [`crate::storage::Storage::unit_at`].
pub fn unit_at(db: &Connection, nip: &Nip, epoch: u32) -> Result<Option<String>, StorageError> {
    let mut select = db.prepare_cached(
        "SELECT unit FROM scope WHERE nip = ?1
         ORDER BY epoch <= ?2 DESC, CASE WHEN epoch <= ?2 THEN -epoch ELSE epoch END LIMIT 1",
    )?;
    Ok(select.query_row(params![nip.as_str(), epoch], |row| row.get(0)).optional()?)
}

/// The unit of the person now.
pub fn unit(db: &Connection, nip: &Nip) -> Result<Option<String>, StorageError> {
    let mut select = db.prepare_cached("SELECT unit FROM person WHERE nip = ?")?;
    Ok(select.query_row([nip.as_str()], |row| row.get(0)).optional()?)
}

pub fn known(db: &Connection, people: Vec<Nip>) -> Result<Vec<Nip>, StorageError> {
    let mut select = db.prepare_cached("SELECT 1 FROM person WHERE nip = ?")?;
    let mut known = Vec::new();
    for nip in people {
        if select.exists([nip.as_str()])? {
            known.push(nip);
        }
    }
    Ok(known)
}

pub fn person(db: &Connection, nip: &Nip) -> Result<Option<Person>, StorageError> {
    let found = db
        .prepare_cached("SELECT body, password, code, code_until, scope_epoch FROM person WHERE nip = ?")?
        .query_row([nip.as_str()], |row| {
            let code: Option<String> = row.get(2)?;
            let until: Option<i64> = row.get(3)?;
            let code = code.zip(until).map(|(hash, until)| OneTimeCode { hash, until: Timestamp::from_millis(until) });
            Ok((row.get::<_, String>(0)?, Secrets { password: row.get(1)?, code }, row.get(4)?))
        })
        .optional()?;
    let Some((body, secrets, scope_epoch)) = found else { return Ok(None) };
    Ok(Some(Person { employee: serde_json::from_str(&body)?, secrets, scope_epoch }))
}

pub fn begin_try(db: &Connection, nip: &Nip, now: Timestamp, pause_after: fn(u32) -> i64) -> Result<Try, StorageError> {
    // Here and not by the clock: numbers that are nobody's must not pile up.
    db.prepare_cached("DELETE FROM login_failure WHERE last_at < ?")?.execute([now.millis().saturating_sub(TRIES_FORGOTTEN)])?;
    let kept: Option<(u32, i64)> = db
        .prepare_cached("SELECT tries, paused_until FROM login_failure WHERE nip = ?")?
        .query_row([nip.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (before, paused_until) = kept.unwrap_or((0, i64::MIN));
    if now.millis() < paused_until {
        return Ok(Try::Paused(Timestamp::from_millis(paused_until)));
    }
    let tries = before.saturating_add(1);
    db.prepare_cached("INSERT OR REPLACE INTO login_failure (nip, tries, last_at, paused_until) VALUES (?, ?, ?, ?)")?
        .execute(params![nip.as_str(), tries, now.millis(), now.plus_millis(pause_after(tries)).millis()])?;
    Ok(Try::Begun { tries, person: person(db, nip)? })
}

pub fn clear_tries(db: &Connection, nip: &Nip) -> Result<(), StorageError> {
    db.prepare_cached("DELETE FROM login_failure WHERE nip = ?")?.execute([nip.as_str()])?;
    Ok(())
}

pub fn set_password(db: &Connection, nip: &Nip, seen: &Secrets, password: &str) -> Result<bool, StorageError> {
    if person(db, nip)?.is_none_or(|person| person.secrets != *seen) {
        return Ok(false);
    }
    let set = db
        .prepare_cached("UPDATE person SET password = ?, code = NULL, code_until = NULL WHERE nip = ?")?
        .execute([password, nip.as_str()])?;
    Ok(set == 1)
}

pub fn set_one_time_code(db: &Connection, nip: &Nip, code: &OneTimeCode) -> Result<bool, StorageError> {
    let set = db.prepare_cached("UPDATE person SET code = ?, code_until = ? WHERE nip = ?")?.execute(params![
        code.hash,
        code.until.millis(),
        nip.as_str()
    ])?;
    clear_tries(db, nip)?;
    Ok(set == 1)
}

pub fn enrol_device(db: &Connection, enrolment: &Enrolment) -> Result<Enrolled, StorageError> {
    let id = DeviceId::of_key(&enrolment.key);
    if let Some(device) = device(db, id)? {
        if device.employee.nip != enrolment.nip || device.key != enrolment.key {
            return Ok(Enrolled::Taken);
        }
        if device.revoked_at.is_some() {
            return Ok(Enrolled::Revoked);
        }
        if device.frozen_at.is_some() {
            return Ok(Enrolled::Frozen);
        }
    }
    if let Some((seen, password)) = &enrolment.new_password
        && !set_password(db, &enrolment.nip, seen, password)?
    {
        return Ok(Enrolled::Conflict);
    }
    db.prepare_cached("INSERT INTO device (id, nip, key, enrolled_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")?
        .execute(params![id.to_string(), enrolment.nip.as_str(), enrolment.key, enrolment.at.millis()])?;
    Ok(Enrolled::Done)
}

pub fn know_earlier_key(db: &Connection, earlier: &Enrolment) -> Result<(), StorageError> {
    let id = DeviceId::of_key(&earlier.key).to_string();
    db.prepare_cached(
        "INSERT INTO device (id, nip, key, enrolled_at, frozen_at) VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT DO NOTHING",
    )?
    .execute(params![id, earlier.nip.as_str(), earlier.key, earlier.at.millis()])?;
    Ok(())
}

pub fn device(db: &Connection, id: DeviceId) -> Result<Option<Device>, StorageError> {
    let found = db
        .prepare_cached(
            "SELECT device.key, device.revoked_at, device.frozen_at, device.counter, person.body, person.scope_epoch
             FROM device JOIN person USING (nip) WHERE device.id = ?",
        )?
        .query_row([id.to_string()], |row| {
            let body: String = row.get(4)?;
            let device = |employee| -> rusqlite::Result<Device> {
                Ok(Device {
                    id,
                    key: row.get(0)?,
                    revoked_at: row.get::<_, Option<i64>>(1)?.map(Timestamp::from_millis),
                    frozen_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
                    counter: row.get::<_, i64>(3)?.unsigned_abs(),
                    employee,
                    scope_epoch: row.get(5)?,
                    last: (0, Hash::default()),
                })
            };
            Ok(serde_json::from_str(&body).map(device))
        })
        .optional()?;
    let Some(found) = found else { return Ok(None) };
    Ok(Some(Device { last: last_bundle(db, id)?, ..found?? }))
}

pub fn devices(db: &Connection, nip: &Nip) -> Result<Vec<Device>, StorageError> {
    let mut select = db.prepare_cached("SELECT id FROM device WHERE nip = ? ORDER BY enrolled_at, id")?;
    let ids: Vec<_> = select.query_map([nip.as_str()], |row| device_id(row, 0))?.collect::<Result<_, _>>()?;
    ids.into_iter().filter_map(|id| device(db, id).transpose()).collect()
}

pub fn count_request(db: &Connection, id: DeviceId, counter: u64) -> Result<Result<(), u64>, StorageError> {
    let counted = db
        .prepare_cached("UPDATE device SET counter = ?1 WHERE id = ?2 AND counter < ?1")?
        .execute(params![as_sql(counter)?, id.to_string()])?;
    if counted == 1 {
        return Ok(Ok(()));
    }
    let mut select = db.prepare_cached("SELECT counter FROM device WHERE id = ?")?;
    let highest: Option<i64> = select.query_row([id.to_string()], |row| row.get(0)).optional()?;
    Ok(Err(highest.unwrap_or(0).unsigned_abs()))
}

/// Number and hash of the device's last bundle.
pub fn last_bundle(db: &Connection, id: DeviceId) -> Result<(u64, Hash), StorageError> {
    let last: Option<(i64, [u8; 32])> = db
        .prepare_cached("SELECT number, hash FROM bundle WHERE device = ? ORDER BY number DESC LIMIT 1")?
        .query_row([id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(last.map_or((0, Hash::default()), |(number, hash)| (number.unsigned_abs(), Hash(hash))))
}

pub fn revoke_device(db: &Connection, id: DeviceId, at: Timestamp) -> Result<bool, StorageError> {
    let set = db
        .prepare_cached("UPDATE device SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?")?
        .execute(params![at.millis(), id.to_string()])?;
    Ok(set == 1)
}

pub fn freeze_device(db: &Connection, evidence: &Quarantined) -> Result<(), StorageError> {
    db.prepare_cached("UPDATE device SET frozen_at = coalesce(frozen_at, ?) WHERE id = ?")?
        .execute(params![evidence.at.millis(), evidence.device.to_string()])?;
    bundles::quarantine(db, evidence)
}
