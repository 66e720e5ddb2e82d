//! The daily log.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;

use lentera_api::view::{LogDay, LogEntryView, MemberDay, Page};
use lentera_api::{Command, EditLogEntry, Error, ListLogEntries, TeamDay, What};
use lentera_domain::evidence::{Saved, evidence};
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::rules::{LogRules, effects, rules_on};
use lentera_domain::{Day, LogEntry, LogEntryId, Nip, Status};
use rusqlite::Connection;

use crate::Engine;
use crate::store::identity::Identity;
use crate::store::{StoreError, change, draft, log_entry, record, server_record};

pub fn day(engine: &Engine, command: &lentera_api::LogDay) -> Result<LogDay, Error> {
    engine.read(|connection, identity| {
        let (day, today) = day_meant(engine, identity, &command.day)?;
        Ok(Viewer::new(connection, identity)?.day(&identity.employee.nip, day, today)?)
    })
}

pub fn team_day(engine: &Engine, command: &TeamDay) -> Result<Vec<MemberDay>, Error> {
    engine.read(|connection, identity| {
        let (day, today) = day_meant(engine, identity, &command.day)?;
        let viewer = Viewer::new(connection, identity)?;
        let below = server_record::employees_below(connection, &identity.employee.nip)?.into_iter();
        let days = below.map(|employee| {
            Ok(MemberDay {
                log: viewer.day(&employee.nip, day, today)?,
                nip: employee.nip,
                name: employee.name.to_string(),
                position: employee.position.to_string(),
            })
        });
        Ok(days.collect::<Result<_, StoreError>>()?)
    })
}

/// The day that a command names, and today.
fn day_meant(engine: &Engine, identity: &Identity, day: &str) -> Result<(Day, Day), Error> {
    let today = super::present(engine, identity).day();
    Ok((if day.trim().is_empty() { today } else { Day::parse(day)? }, today))
}

pub fn list(engine: &Engine, command: &ListLogEntries) -> Result<Page<LogEntryView>, Error> {
    engine.read(|connection, identity| {
        let owner = &identity.employee.nip;
        let limit = command.limit.min(super::PAGE_MAX);
        let (rows, total) = log_entry::search(connection, owner, &command.search, command.offset, limit)?;
        let viewer = Viewer::new(connection, identity)?;
        let mut days: HashMap<Day, Vec<(LogEntryId, LogEntry)>> = HashMap::new();
        for (_, entry) in &rows {
            if let MapEntry::Vacant(day) = days.entry(entry.day) {
                day.insert(log_entry::of_days(connection, owner, entry.day, entry.day)?);
            }
        }
        let views = rows.into_iter().map(|(id, entry)| {
            let day = days.get(&entry.day).map(Vec::as_slice).unwrap_or_default();
            viewer.entry(id, entry, day)
        });
        Ok(Page { rows: views.collect::<Result<_, _>>()?, total })
    })
}

pub fn detail(engine: &Engine, id: LogEntryId) -> Result<LogEntryView, Error> {
    engine.read(|connection, identity| view(connection, identity, id))
}

pub fn add(engine: &Engine, command: &Command, form: &LogEntryForm) -> Result<LogEntryView, Error> {
    let id = LogEntryId(super::new_id(engine));
    engine.write(command, |transaction, writing| {
        let owner = &writing.identity.employee.nip;
        let entry = super::read_form(engine, writing.identity, |now| form.parse(owner.clone(), now))?;
        let entry = LogEntry { noted_at: super::present(engine, writing.identity), ..entry };
        record::write(transaction, writing, id.record(), None, &entry)?;
        draft::remove_saved(transaction, "log_entry/new")?;
        view(transaction, writing.identity, id)
    })
}

pub fn edit(engine: &Engine, command: &Command, edit: &EditLogEntry) -> Result<LogEntryView, Error> {
    engine.write(command, |transaction, writing| {
        let owner = &writing.identity.employee.nip;
        let kept = find_own(transaction, edit.id, owner)?;
        // Both forms are read with the same owner: what differs is what the person changed.
        let read = |form: &LogEntryForm| super::read_form(engine, writing.identity, |now| form.parse(owner.clone(), now));
        let (from, to) = (read(&edit.opened)?, read(&edit.form)?);
        let from = LogEntry { visit: kept.visit, status: kept.status, noted_at: kept.noted_at, ..from };
        let to = LogEntry { visit: kept.visit, status: kept.status, noted_at: kept.noted_at, ..to };
        record::write(transaction, writing, edit.id.record(), Some(&from), &to)?;
        draft::remove_saved(transaction, &format!("log_entry/{}", edit.id))?;
        view(transaction, writing.identity, edit.id)
    })
}

pub fn set_status(engine: &Engine, command: &Command, id: LogEntryId, status: Status) -> Result<LogEntryView, Error> {
    engine.write(command, |transaction, writing| {
        let from = find_own(transaction, id, &writing.identity.employee.nip)?;
        let to = LogEntry { status, ..from.clone() };
        record::write(transaction, writing, id.record(), Some(&from), &to)?;
        view(transaction, writing.identity, id)
    })
}

fn find_own(connection: &Connection, id: LogEntryId, owner: &Nip) -> Result<LogEntry, Error> {
    let entry = log_entry::find(connection, id)?.ok_or(Error::NotFound { what: What::LogEntry })?;
    if entry.owner == *owner { Ok(entry) } else { Err(Error::NotYours) }
}

fn view(connection: &Connection, identity: &Identity, id: LogEntryId) -> Result<LogEntryView, Error> {
    let entry = log_entry::find(connection, id)?.ok_or(Error::NotFound { what: What::LogEntry })?;
    let day = log_entry::of_days(connection, &entry.owner, entry.day, entry.day)?;
    Ok(Viewer::new(connection, identity)?.entry(id, entry, &day)?)
}

/// Shows entries: what they need beside themselves is read once.
pub struct Viewer<'a> {
    connection: &'a Connection,
    identity: &'a Identity,
    rules: Vec<LogRules>,
}

impl<'a> Viewer<'a> {
    pub fn new(connection: &'a Connection, identity: &'a Identity) -> Result<Self, StoreError> {
        Ok(Self { connection, identity, rules: server_record::log_rules(connection)? })
    }

    /// Whether rules have come from the server that judge this day.
    pub fn rules(&self, day: Day) -> Option<&LogRules> {
        rules_on(&self.rules, day)
    }

    /// One entry among those of its day.
    pub fn entry(&self, id: LogEntryId, entry: LogEntry, day: &[(LogEntryId, LogEntry)]) -> Result<LogEntryView, StoreError> {
        let village_name = entry.village.as_ref().map(|code| server_record::village_name(self.connection, code)).transpose()?;
        let written = change::first_written(self.connection, id.record())?;
        let saved = written.as_ref().and_then(change::Written::evidence);
        // From a server that does not tell: what the record itself says, taken at its word.
        let saved = saved.unwrap_or(Saved { wall: entry.noted_at, anchor: Some(entry.noted_at), since_anchor: None });
        let evidence = evidence(saved, written.and_then(|written| written.arrived_at));
        Ok(LogEntryView {
            id,
            conflicts: super::conflict::of(self.connection, self.identity, &[id.record()])?,
            delivered: change::delivered(self.connection, id.record())?,
            effects: effects(id, &entry, &evidence, day, self.rules(entry.day)),
            evidence,
            form: LogEntryForm::of(&entry),
            village_name,
            entry,
        })
    }

    /// A person's day.
    pub fn day(&self, owner: &Nip, day: Day, today: Day) -> Result<LogDay, StoreError> {
        let entries = log_entry::of_days(self.connection, owner, day, day)?;
        let minutes = minutes_covered(&entries);
        let views = entries.iter().map(|(id, entry)| self.entry(*id, entry.clone(), &entries));
        Ok(LogDay {
            day,
            today,
            minutes,
            minutes_wanted: self.rules(day).map(|rules| rules.minutes_per_day),
            entries: views.collect::<Result<_, _>>()?,
        })
    }
}

/// Minutes of the day that some entry covers; `entries` by start.
fn minutes_covered(entries: &[(LogEntryId, LogEntry)]) -> u32 {
    let mut covered = 0;
    let mut until = 0;
    for (_, entry) in entries.iter().filter(|(_, entry)| entry.status != Status::Cancelled) {
        let (start, end) = (entry.time.start().minutes().max(until), entry.time.end().minutes());
        covered += u32::from(end.saturating_sub(start));
        until = until.max(end);
    }
    covered
}
