//! Records in lists, and what screens see of them.

use lentera_api::view::{
    Conflict, Delivered, HistoryEntry, LogDay, LogEntryView, MonthCount, Page, Person, UmkmDetailView, UmkmView, VisitView,
    WaitingRecord,
};
use lentera_api::{Error, What};
use lentera_domain::evidence::{Saved, evidence};
use lentera_domain::id::new_uuid;
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::rules::{Effect, LogRules, effects, rules_on};
use lentera_domain::umkm::UmkmForm;
use lentera_domain::{Day, Kind, LogEntry, LogEntryId, RecordId, Status, Timestamp, Umkm, UmkmId, UmkmOwner, Visit, VisitId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::history::History;
use super::villages;

#[derive(Default)]
pub struct Records {
    pub rules: Vec<LogRules>,
    log: Vec<Kept<LogEntryId, LogEntry>>,
    umkm: Vec<Kept<UmkmId, (Umkm, UmkmOwner)>>,
    visits: Vec<Kept<VisitId, Visit>>,
    /// Fields to be settled.
    pub conflicts: Vec<Conflict>,
    /// What was written when.
    pub history: History,
    made: u32,
}

struct Kept<Id, T> {
    id: Id,
    value: T,
    delivered: Delivered,
    since: Timestamp,
}

impl<Id, T> Kept<Id, T> {
    fn new(id: Id, value: T, since: Timestamp) -> Self {
        Self { id, value, delivered: Delivered::Waiting, since }
    }
}

/// True where every word of `search` occurs in one of `texts`, whatever the case of the letters.
pub fn holds(search: &str, texts: &[&str]) -> bool {
    let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
    search.to_lowercase().split_whitespace().all(|word| texts.iter().any(|text| text.contains(word)))
}

fn page<T>(rows: Vec<T>, offset: u32, limit: u32) -> Page<T> {
    let total = count(rows.len());
    let rows = rows.into_iter().skip(offset as usize).take(limit.min(500) as usize).collect();
    Page { rows, total }
}

impl Records {
    fn new_id(&mut self, now: Timestamp) -> uuid::Uuid {
        self.made += 1;
        let mut random = [0; 10];
        random.iter_mut().rev().zip(self.made.to_le_bytes()).for_each(|(byte, from)| *byte = from);
        new_uuid(now, random)
    }

    pub fn add_log_entry(&mut self, entry: LogEntry, now: Timestamp) -> LogEntryId {
        let id = LogEntryId(self.new_id(now));
        self.history.wrote(id.0, None, &entry, now);
        self.log.push(Kept::new(id, entry, now));
        id
    }

    fn log_entry_mut(&mut self, id: LogEntryId) -> Result<&mut Kept<LogEntryId, LogEntry>, Error> {
        let kept = self.log.iter_mut().find(|kept| kept.id == id).ok_or(Error::NotFound { what: What::LogEntry })?;
        kept.delivered = Delivered::Waiting;
        Ok(kept)
    }

    pub fn edit_log_entry(&mut self, id: LogEntryId, typed: LogEntry, now: Timestamp) -> Result<(), Error> {
        let kept = self.log_entry_mut(id)?;
        if kept.value.visit.is_some() {
            return Err(Error::NotYours);
        }
        let edited = LogEntry { status: kept.value.status, noted_at: kept.value.noted_at, ..typed };
        let before = std::mem::replace(&mut kept.value, edited.clone());
        self.history.wrote(id.0, Some(&before), &edited, now);
        Ok(())
    }

    pub fn set_status(&mut self, id: LogEntryId, status: Status) -> Result<LogEntryView, Error> {
        self.log_entry_mut(id)?.value.status = status;
        self.log_entry(id)
    }

    pub fn log_entry(&self, id: LogEntryId) -> Result<LogEntryView, Error> {
        let kept = self.log.iter().find(|kept| kept.id == id).ok_or(Error::NotFound { what: What::LogEntry })?;
        Ok(self.log_entry_view(kept))
    }

    fn log_entry_view(&self, kept: &Kept<LogEntryId, LogEntry>) -> LogEntryView {
        let entry = kept.value.clone();
        let day: Vec<_> = self.of_day(entry.day).map(|kept| (kept.id, kept.value.clone())).collect();
        let evidence = evidence(Saved { wall: kept.since, anchor: None, since_anchor: None }, None);
        LogEntryView {
            id: kept.id,
            delivered: kept.delivered,
            effects: effects(kept.id, &entry, &evidence, &day, rules_on(&self.rules, entry.day)),
            form: LogEntryForm::of(&entry),
            village_name: entry.village.as_ref().map(villages::name_of),
            evidence,
            conflicts: self.conflicts_of(kept.id.0),
            entry,
        }
    }

    fn of_day(&self, day: Day) -> impl Iterator<Item = &Kept<LogEntryId, LogEntry>> {
        self.log.iter().filter(move |kept| kept.value.day == day)
    }

    pub fn log_day(&self, day: Day, today: Day) -> LogDay {
        let mut entries: Vec<_> = self.of_day(day).map(|kept| self.log_entry_view(kept)).collect();
        entries.sort_by_key(|view| (view.entry.time.start(), view.id));
        let (mut minutes, mut until) = (0, 0);
        for view in entries.iter().filter(|view| view.entry.status != Status::Cancelled) {
            let (start, end) = (view.entry.time.start().minutes(), view.entry.time.end().minutes());
            minutes += u32::from(end.saturating_sub(start.max(until)));
            until = until.max(end);
        }
        let minutes_wanted = rules_on(&self.rules, day).map(|rules| rules.minutes_per_day);
        LogDay { day, today, entries, minutes, minutes_wanted }
    }

    pub fn list_log_entries(&self, search: &str, offset: u32, limit: u32) -> Page<LogEntryView> {
        let found = self.log.iter().filter(|kept| holds(search, &[kept.value.activity.as_str(), kept.value.category.as_str()]));
        let mut rows: Vec<_> = found.map(|kept| self.log_entry_view(kept)).collect();
        rows.sort_by_key(|view| std::cmp::Reverse((view.entry.day, view.entry.time.start(), view.id)));
        page(rows, offset, limit)
    }

    pub fn register_umkm(&mut self, umkm: (Umkm, UmkmOwner), now: Timestamp) -> UmkmId {
        let id = UmkmId(self.new_id(now));
        self.history.wrote(id.0, None, &umkm, now);
        self.umkm.push(Kept::new(id, umkm, now));
        id
    }

    pub fn edit_umkm(&mut self, id: UmkmId, typed: (Umkm, UmkmOwner), now: Timestamp) -> Result<(), Error> {
        let kept = self.umkm.iter_mut().find(|kept| kept.id == id).ok_or(Error::NotFound { what: What::Umkm })?;
        let edited = (Umkm { registered_at: kept.value.0.registered_at, ..typed.0 }, typed.1);
        let before = std::mem::replace(&mut kept.value, edited.clone());
        kept.delivered = Delivered::Waiting;
        self.history.wrote(id.0, Some(&before), &edited, now);
        Ok(())
    }

    fn find_umkm(&self, id: UmkmId) -> Result<&Kept<UmkmId, (Umkm, UmkmOwner)>, Error> {
        self.umkm.iter().find(|kept| kept.id == id).ok_or(Error::NotFound { what: What::Umkm })
    }

    pub fn umkm(&self, id: UmkmId) -> Result<UmkmView, Error> {
        self.find_umkm(id).map(|kept| self.umkm_view(kept))
    }

    pub fn list_umkm(&self, search: &str, offset: u32, limit: u32) -> Page<UmkmView> {
        let found = self.umkm.iter().map(|kept| self.umkm_view(kept)).filter(|view| {
            let product = view.umkm.product.as_ref().map_or("", |product| product.as_str());
            holds(search, &[view.umkm.name.as_str(), view.umkm.owner_name.as_str(), &view.village_name, product])
        });
        let mut rows: Vec<_> = found.collect();
        rows.sort_by_key(|view| (view.umkm.name.as_str().to_lowercase(), view.id));
        page(rows, offset, limit)
    }

    pub fn umkm_detail(&self, id: UmkmId, person: &Person) -> Result<UmkmDetailView, Error> {
        let kept = self.find_umkm(id)?;
        let (umkm, owner) = &kept.value;
        let mut visits: Vec<_> = self.visits.iter().filter(|visit| visit.value.umkm == id).collect();
        visits.sort_by_key(|visit| std::cmp::Reverse((visit.value.day, visit.id)));
        Ok(UmkmDetailView {
            umkm: self.umkm_view(kept),
            form: UmkmForm::of(umkm, owner),
            nik_masked: owner.nik.as_ref().map(|nik| nik.masked()),
            visits: visits.into_iter().map(|visit| self.visit_view(visit, umkm, person)).collect(),
            conflicts: self.conflicts_of(id.0),
        })
    }

    pub fn record_visit(&mut self, visit: Visit, now: Timestamp) -> Result<VisitId, Error> {
        let id = VisitId(self.new_id(now));
        let entry = visit.log_entry(id, &self.find_umkm(visit.umkm)?.value.0);
        self.log.push(Kept::new(LogEntryId::of_visit(id, &visit.officer), entry, now));
        self.history.wrote(id.0, None, &visit, now);
        self.visits.push(Kept::new(id, visit, now));
        Ok(id)
    }

    pub fn visit(&self, id: VisitId, person: &Person) -> Result<VisitView, Error> {
        let kept = self.visits.iter().find(|kept| kept.id == id).ok_or(Error::NotFound { what: What::Visit })?;
        Ok(self.visit_view(kept, &self.find_umkm(kept.value.umkm)?.value.0, person))
    }

    /// The month of `today` so far.
    pub fn month(&self, today: Day) -> MonthCount {
        let judged = !self.rules.is_empty();
        let mut month = MonthCount { month: today.month(), counted: 0, waiting: 0, not_counted: 0, entries: 0, judged };
        for day in (0..31).map(|back| today.minus(back)).filter(|day| day.month() == today.month()) {
            let mut entries = self.log_day(day, today).entries;
            entries.retain(|view| view.entry.status != Status::Cancelled);
            let in_time = |delivered: Delivered| {
                let late = |view: &LogEntryView| view.effects.iter().any(Effect::is_late);
                entries.iter().any(|view| view.delivered == delivered && !late(view))
            };
            month.entries += count(entries.len());
            if in_time(Delivered::Arrived) {
                month.counted += 1;
            } else if in_time(Delivered::Waiting) {
                month.waiting += 1;
            } else if !entries.is_empty() {
                month.not_counted += 1;
            }
        }
        month
    }

    fn states(&self) -> impl Iterator<Item = (WaitingRecord, Delivered)> {
        let state = |record: RecordId, title: String, since, delivered| (WaitingRecord { record, title, since }, delivered);
        // A visit stands for the log entry it wrote.
        let log = self.log.iter().filter(|kept| kept.value.visit.is_none());
        let log = log.map(move |kept| state(kept.id.record(), kept.value.activity.to_string(), kept.since, kept.delivered));
        let umkm = self.umkm.iter();
        let umkm = umkm.map(move |kept| state(kept.id.record(), kept.value.0.name.to_string(), kept.since, kept.delivered));
        let visits = self.visits.iter().map(move |kept| {
            let name = self.umkm(kept.value.umkm).map_or_else(|_| String::new(), |view| view.umkm.name.to_string());
            state(kept.id.record(), name, kept.since, kept.delivered)
        });
        log.chain(umkm).chain(visits)
    }

    pub fn standing(&self, wanted: Delivered) -> u32 {
        count(self.states().filter(|(_, delivered)| *delivered == wanted).count())
    }

    pub fn waiting(&self) -> Vec<WaitingRecord> {
        let waiting = self.states().filter(|(_, delivered)| *delivered == Delivered::Waiting);
        let mut waiting: Vec<_> = waiting.map(|(record, _)| record).collect();
        waiting.sort_by_key(|waiting| (waiting.since, waiting.record));
        waiting
    }

    /// The server takes everything but what it refused.
    pub fn deliver(&mut self) {
        self.set_all(|_, delivered| {
            if *delivered == Delivered::Waiting {
                *delivered = Delivered::Arrived
            }
        });
    }

    /// How the server took the record named `id`.
    pub fn set_delivered(&mut self, id: Uuid, now: Delivered) {
        self.set_all(|kept, delivered| {
            if kept == id {
                *delivered = now
            }
        });
    }

    fn set_all(&mut self, mut set: impl FnMut(Uuid, &mut Delivered)) {
        self.log.iter_mut().for_each(|kept| set(kept.id.0, &mut kept.delivered));
        self.umkm.iter_mut().for_each(|kept| set(kept.id.0, &mut kept.delivered));
        self.visits.iter_mut().for_each(|kept| set(kept.id.0, &mut kept.delivered));
    }

    /// Conflicts of the record named `id`.
    fn conflicts_of(&self, id: Uuid) -> Vec<Conflict> {
        self.conflicts.iter().filter(|conflict| conflict.record.id == id).cloned().collect()
    }

    /// What was written to a record, newest first.
    pub fn history_of(&self, record: RecordId) -> Vec<HistoryEntry> {
        let delivered =
            self.states().find(|(state, _)| state.record.id == record.id).map_or(Delivered::Arrived, |(_, delivered)| delivered);
        self.history.of(record.id, delivered)
    }

    /// How many records have fields to be settled.
    pub fn records_in_conflict(&self) -> u32 {
        let mut ids: Vec<_> = self.conflicts.iter().map(|conflict| conflict.record.id).collect();
        ids.sort_unstable();
        ids.dedup();
        count(ids.len())
    }

    /// The value named `choice` stands.
    pub fn settle(&mut self, record: RecordId, field: &str, choice: &str) -> Result<(), Error> {
        let missing = Error::NotFound { what: What::Conflict };
        let index = self.conflicts.iter().position(|conflict| conflict.record == record && conflict.field == field);
        let conflict = index.and_then(|index| self.conflicts.get(index)).ok_or(missing.clone())?;
        let text = conflict.values.iter().find(|value| value.choice == choice).ok_or(missing)?.text.clone();
        self.write(record, field, &text)?;
        self.conflicts.retain(|conflict| conflict.record != record || conflict.field != field);
        self.set_delivered(record.id, Delivered::Waiting);
        Ok(())
    }

    fn write(&mut self, record: RecordId, field: &str, text: &str) -> Result<(), Error> {
        fn put<T: Serialize + DeserializeOwned>(value: &mut T, field: &str, text: &str) -> Result<(), Error> {
            let failed = |error: serde_json::Error| Error::Internal { detail: error.to_string() };
            let mut json = serde_json::to_value(&*value).map_err(failed)?;
            if let Some(place) = json.get_mut(field) {
                *place = text.into();
            }
            *value = serde_json::from_value(json).map_err(failed)?;
            Ok(())
        }
        let id = record.id;
        match record.kind {
            Kind::LogEntry => self.log.iter_mut().find(|kept| kept.id.0 == id).map(|kept| put(&mut kept.value, field, text)),
            // To whom an enterprise's fields are shown, its owner's are fields of it.
            Kind::Umkm | Kind::UmkmOwner => self.umkm.iter_mut().find(|kept| kept.id.0 == id).map(|kept| match field {
                "nik" | "phone" => put(&mut kept.value.1, field, text),
                _ => put(&mut kept.value.0, field, text),
            }),
            Kind::Visit => self.visits.iter_mut().find(|kept| kept.id.0 == id).map(|kept| put(&mut kept.value, field, text)),
        }
        .unwrap_or(Err(Error::NotFound { what: What::Conflict }))
    }

    fn umkm_view(&self, kept: &Kept<UmkmId, (Umkm, UmkmOwner)>) -> UmkmView {
        let umkm = kept.value.0.clone();
        UmkmView {
            id: kept.id,
            village_name: villages::name_of(&umkm.village),
            umkm,
            delivered: kept.delivered,
            conflicts: count(self.conflicts_of(kept.id.0).len()),
        }
    }

    fn visit_view(&self, kept: &Kept<VisitId, Visit>, umkm: &Umkm, person: &Person) -> VisitView {
        VisitView {
            id: kept.id,
            visit: kept.value.clone(),
            umkm_name: umkm.name.to_string(),
            officer_name: person.name.clone(),
            delivered: kept.delivered,
            log_entry: LogEntryId::of_visit(kept.id, &kept.value.officer),
            conflicts: self.conflicts_of(kept.id.0),
        }
    }
}

/// A length as answers count.
pub fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
