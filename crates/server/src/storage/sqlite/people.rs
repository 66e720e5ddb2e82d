//! People, what they log in with, and their devices.

use lentera_domain::server_record::{Employee, ServerRecord};
use lentera_domain::{Nip, Timestamp};
use lentera_protocol::{DeviceId, Hash};
use rusqlite::{Connection, OptionalExtension, params};

use super::office::publish;
use crate::storage::{Device, Enrolled, Enrolment, Imported, OneTimeCode, Person, Secrets, StorageError, Try};

/// After so many milliseconds without a try the count is forgotten.
const TRIES_FORGOTTEN: i64 = 24 * 60 * 60 * 1000;

pub fn import(db: &Connection, people: Vec<Employee>) -> Result<Imported, StorageError> {
    let mut imported = Imported::default();
    for employee in people {
        let kept = person(db, &employee.nip)?;
        if kept.as_ref().is_some_and(|kept| kept.employee == employee) {
            imported.same += 1;
            continue;
        }
        if kept.is_some() {
            imported.changed += 1
        } else {
            imported.new += 1
        }
        db.prepare_cached(
            "INSERT INTO person (nip, unit, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE
             SET scope_epoch = scope_epoch + (unit <> excluded.unit), unit = excluded.unit, body = excluded.body",
        )?
        .execute(params![employee.nip.as_str(), employee.unit.as_str(), serde_json::to_string(&employee)?])?;
        publish(db, &ServerRecord::Employee(employee))?;
    }
    Ok(imported)
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
        if device.is_revoked {
            return Ok(Enrolled::Revoked);
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

pub fn device(db: &Connection, id: DeviceId) -> Result<Option<Device>, StorageError> {
    let found = db
        .prepare_cached(
            "SELECT device.key, device.revoked_at IS NOT NULL, person.body, person.scope_epoch
             FROM device JOIN person USING (nip) WHERE device.id = ?",
        )?
        .query_row([id.to_string()], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?)))
        .optional()?;
    let Some((key, is_revoked, body, scope_epoch)) = found else { return Ok(None) };
    let employee = serde_json::from_str(&body)?;
    Ok(Some(Device { id, key, is_revoked, employee, scope_epoch, last: last_bundle(db, id)? }))
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
