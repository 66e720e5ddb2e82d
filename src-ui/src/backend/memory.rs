//! An engine and its server in memory: what a person types is judged by the same rules as in the app, and gone with the page.

mod history;
mod records;
mod sample;
mod trouble;
mod villages;

use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lentera_api::view::{Cause, Delivered, Delivery, Done, Draft, Exported, Light, Person, Status};
use lentera_api::{Command, Error, Event, Invite, view};
use lentera_domain::DraftName;
use lentera_domain::rules::LogRules;
use lentera_domain::{Day, FieldError, Nip, Reason, Timestamp};
use serde::Serialize;

use super::{Answer, Backend};
use records::{Records, count};
use trouble::Trouble;

type Listener = Box<dyn Fn(Event) + Send + Sync>;

/// The engine in memory. Its server answers only when asked to by `sync_now`.
pub struct Memory {
    now: fn() -> Timestamp,
    state: Mutex<State>,
    listeners: Mutex<Vec<Listener>>,
}

#[derive(Default)]
struct State {
    person: Option<Person>,
    password: String,
    records: Records,
    drafts: Vec<Draft>,
    arrived_at: Option<Timestamp>,
    trouble: Trouble,
}

impl Memory {
    /// An empty one, enrolled for nobody.
    pub fn new(now: fn() -> Timestamp) -> Self {
        Self { now, state: Mutex::default(), listeners: Mutex::default() }
    }

    /// One in which a person has worked for a while. `parts` name the troubles it has, with commas between; without any it has all of them.
    pub fn sample(now: fn() -> Timestamp, parts: &str) -> Self {
        let state = sample::state(now(), parts).unwrap_or_default();
        Self { now, state: Mutex::new(state), listeners: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: &Event) {
        for listener in self.listeners.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            listener(event.clone());
        }
    }
}

impl Backend for Memory {
    fn dispatch(&self, command: Command) -> Answer {
        let before = self.lock().light();
        let sent = matches!(command, Command::SyncNow(_) | Command::LogInAgain(_));
        let answer = self.lock().carry_out(command, (self.now)());
        let after = self.lock().light();
        if before != after {
            self.tell(&Event::Light(after));
            if sent {
                self.tell(&Event::RecordsChanged);
            }
        }
        Box::pin(ready(answer))
    }

    fn listen(&self, on_event: Listener) {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(on_event);
    }

    fn is_trial(&self) -> bool {
        true
    }
}

fn json<T: Serialize>(value: T) -> Result<serde_json::Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::Internal { detail: error.to_string() })
}

impl State {
    fn carry_out(&mut self, command: Command, now: Timestamp) -> Result<serde_json::Value, Error> {
        match command {
            Command::Status(_) => json(self.status(now)),
            Command::ReadInvite(read) => json(Invite::parse(&read.invite)?),
            Command::Enrol(enrol) => {
                self.enrol(&Invite::parse(&enrol.invite)?, &enrol.nip, &enrol.password, &enrol.new_password)?;
                json(self.status(now))
            }
            Command::TakeInvite(take) => {
                let invite = Invite::parse(&take.invite)?;
                let person = self.person.as_mut().ok_or(Error::NotEnrolled)?;
                person.server = invite.address;
                json(self.status(now))
            }
            Command::ChangePassword(change) => {
                self.check_password(&change.password)?;
                self.set_password(&change.new_password)?;
                json(Done {})
            }
            Command::Home(_) => json(self.home(now.day())?),
            Command::LogDay(ask) => {
                let day = if ask.day.is_empty() { now.day() } else { Day::parse(&ask.day)? };
                json(self.records.log_day(day, now.day()))
            }
            Command::TeamDay(_) => json(Vec::<lentera_api::view::MemberDay>::new()),
            Command::ListLogEntries(ask) => json(self.records.list_log_entries(&ask.search, ask.offset, ask.limit)),
            Command::LogEntryDetail(ask) => json(self.records.log_entry(ask.id)?),
            Command::AddLogEntry(add) => {
                let id = self.records.add_log_entry(add.form.parse(self.nip()?, now)?, now);
                self.remove_draft("log_entry/new");
                json(self.records.log_entry(id)?)
            }
            Command::EditLogEntry(edit) => {
                self.records.edit_log_entry(edit.id, edit.form.parse(self.nip()?, now)?, now)?;
                self.remove_draft(&format!("log_entry/{}", edit.id));
                json(self.records.log_entry(edit.id)?)
            }
            Command::CancelLogEntry(cancel) => json(self.records.set_status(cancel.id, lentera_domain::Status::Cancelled)?),
            Command::RestoreLogEntry(restore) => json(self.records.set_status(restore.id, lentera_domain::Status::Noted)?),
            Command::ListUmkm(ask) => json(self.records.list_umkm(&ask.search, ask.offset, ask.limit)),
            Command::UmkmDetail(ask) => json(self.records.umkm_detail(ask.id, self.person()?)?),
            Command::RegisterUmkm(register) => {
                let id = self.records.register_umkm(register.form.parse(now)?, now);
                self.remove_draft("umkm/new");
                json(self.records.umkm(id)?)
            }
            Command::EditUmkm(edit) => {
                self.records.edit_umkm(edit.id, edit.form.parse(now)?, now)?;
                self.remove_draft(&format!("umkm/{}", edit.id));
                json(self.records.umkm(edit.id)?)
            }
            Command::RecordVisit(record) => {
                let visit = record.form.parse(self.nip()?, now)?;
                let umkm = visit.umkm.to_string();
                let id = self.records.record_visit(visit, now)?;
                self.remove_draft(&format!("visit/{umkm}"));
                // A draft that began before its enterprise was chosen is this visit's only if it is about the same one.
                self.drafts.retain(|draft| draft.name != "visit/new" || draft.content.get("umkm") != Some(&umkm.clone().into()));
                json(self.records.visit(id, self.person()?)?)
            }
            Command::VisitDetail(ask) => json(self.records.visit(ask.id, self.person()?)?),
            Command::ListVillages(ask) => json(villages::list(&ask.search)),
            Command::SaveDraft(save) => {
                let draft = Draft { name: DraftName::parse(&save.name)?.as_str().into(), content: save.content, saved_at: now };
                self.remove_draft(&draft.name);
                self.drafts.insert(0, draft.clone());
                json(draft)
            }
            Command::ReadDraft(ask) => json(self.drafts.iter().find(|draft| draft.name == ask.name)),
            Command::SetDraftAside(ask) => {
                self.remove_draft(&ask.name);
                json(Done {})
            }
            Command::Delivery(_) => json(self.delivery()),
            Command::SyncNow(_) => {
                self.sync(now);
                json(self.delivery())
            }
            Command::LogInAgain(again) => {
                self.log_in(self.nip()?.first_password(), &again.password, &again.new_password)?;
                self.trouble.logged_out = false;
                self.sync(now);
                json(self.status(now))
            }
            Command::ListConflicts(_) => json(&self.records.conflicts),
            Command::SettleConflict(settle) => {
                self.records.settle(settle.record, &settle.field, &settle.choice)?;
                json(Done {})
            }
            Command::RecordHistory(ask) => json(self.records.history_of(ask.record)),
            Command::DismissRefused(dismiss) => {
                let record = self.trouble.dismiss(dismiss.change)?;
                self.records.set_delivered(record.id, Delivered::Arrived);
                json(Done {})
            }
            Command::ExportUnsent(export) => {
                let unsent = self.records.standing(Delivered::Waiting);
                json(exported(export.path, "lentera-belum-terkirim.lentera", unsent)?)
            }
            Command::ExportReceipts(export) => {
                json(exported(export.path, "lentera-tanda-terima.lentera", self.trouble.carried.receipts)?)
            }
            Command::TakeFile(take) => json(self.trouble.take_file(&take.content)?),
            Command::AcknowledgeRescue(_) => {
                self.trouble.rescue = None;
                json(Done {})
            }
            Command::Rebuild(_) => json(Done {}),
        }
    }

    /// The server takes what waits, unless it does not know this device any more.
    fn sync(&mut self, now: Timestamp) {
        if self.trouble.attempt(now) {
            self.records.deliver();
            self.arrived_at = Some(now);
        }
    }

    fn home(&self, today: Day) -> Result<view::Home, Error> {
        Ok(view::Home {
            person: self.person()?.clone(),
            today: self.records.log_day(today, today),
            light: self.light(),
            cause: self.cause(),
            month: self.records.month(today),
            drafts: self.drafts.clone(),
            conflicts: self.records.records_in_conflict(),
            backfill: self.trouble.backfill,
            rescue: self.trouble.rescue.clone(),
        })
    }

    fn status(&self, now: Timestamp) -> Status {
        let version = env!("CARGO_PKG_VERSION").into();
        Status { person: self.person.clone(), light: self.light(), today: now.day(), present: now, version }
    }

    fn person(&self) -> Result<&Person, Error> {
        self.person.as_ref().ok_or(Error::NotEnrolled)
    }

    fn nip(&self) -> Result<Nip, Error> {
        self.person().map(|person| person.nip.clone())
    }

    fn enrol(&mut self, invite: &Invite, nip: &str, password: &str, new_password: &str) -> Result<(), Error> {
        let nip = Nip::parse(nip)?;
        if self.person.is_some() {
            return Err(Error::AlreadyEnrolled);
        }
        if self.password.is_empty() {
            self.password = nip.first_password().to_owned();
        }
        self.log_in(nip.first_password(), password, new_password)?;
        self.set_person(nip, invite.office.clone(), invite.address.clone())
    }

    fn set_person(&mut self, nip: Nip, office: String, server: String) -> Result<(), Error> {
        self.person = Some(Person {
            nip,
            name: "Siti Rahmah".into(),
            position: "Penyuluh Perindustrian dan Perdagangan".into(),
            unit: "Bidang Perindustrian".into(),
            office,
            server,
            is_superior: false,
        });
        self.records.rules = vec![LogRules {
            effective_from: Day::parse("2026-01-01")?,
            late_after_days: 2,
            entries_per_day: 7,
            minutes_per_day: 450,
            benefit_of_doubt: true,
        }];
        Ok(())
    }

    /// Checks a password; the first one must be replaced by a new one.
    fn log_in(&mut self, first: &str, password: &str, new_password: &str) -> Result<(), Error> {
        self.check_password(password)?;
        match (password == first, new_password) {
            (true, "") => Err(Error::PasswordChangeNeeded),
            (true, new_password) => self.set_password(new_password),
            (false, _) => Ok(()),
        }
    }

    fn check_password(&self, password: &str) -> Result<(), Error> {
        match password {
            "" => Err(FieldError::new("password", Reason::Missing).into()),
            password if password == self.password => Ok(()),
            _ => Err(Error::WrongLogin { tries_left: 4 }),
        }
    }

    fn set_password(&mut self, password: &str) -> Result<(), Error> {
        const MIN: usize = 8;
        if password.chars().count() < MIN || password.chars().all(|c| c.is_ascii_digit()) {
            return Err(Error::WeakPassword { min: MIN });
        }
        password.clone_into(&mut self.password);
        Ok(())
    }

    fn remove_draft(&mut self, name: &str) {
        self.drafts.retain(|draft| draft.name != name);
    }

    fn light(&self) -> Light {
        Light {
            refused: count(self.trouble.refused.len()),
            waiting: self.records.standing(Delivered::Waiting),
            drafts: count(self.drafts.len()),
            arrived_at: self.arrived_at,
        }
    }

    fn cause(&self) -> Option<Cause> {
        self.trouble.cause(self.records.standing(Delivered::Waiting))
    }

    fn delivery(&self) -> Delivery {
        let waiting = self.records.waiting();
        Delivery {
            light: self.light(),
            cause: self.cause(),
            refused: self.trouble.refused.clone(),
            attempts: self.trouble.attempts.clone(),
            next_attempt_at: None,
            findings: self.trouble.findings(count(waiting.len()), self.records.records_in_conflict()),
            backfill: self.trouble.backfill,
            kept_aside: self.trouble.kept_aside,
            carried: self.trouble.carried,
            waiting,
        }
    }
}

fn exported(path: String, name: &str, count: u32) -> Result<Exported, Error> {
    let path = if path.is_empty() { format!("/storage/emulated/0/Documents/{name}") } else { path };
    if count == 0 { Err(Error::NothingToExport) } else { Ok(Exported { path, count, bytes: 600 * u64::from(count) }) }
}

#[cfg(test)]
mod tests;
