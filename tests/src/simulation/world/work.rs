//! What people do on their devices.

use anyhow::Result;
use lentera_api::view::LogEntryView;
use lentera_api::{
    AddLogEntry, Call, CancelLogEntry, DismissRefused, EditLogEntry, EditUmkm, Error, ListConflicts, ListLogEntries, ListUmkm,
    LogEntryDetail, RecordVisit, RegisterUmkm, RestoreLogEntry, SaveDraft, SettleConflict, Status, UmkmDetail,
};
use lentera_domain::{Status as EntryStatus, UmkmId};
use serde_json::{Value, json};

use super::{Dice, What, World};
use crate::simulation::ledger::{self, key};
use crate::simulation::typing::{self, PHONE};

type Typed = Vec<ledger::Typed>;

/// Records to choose from.
const CHOICE: u32 = 50;

impl World<'_> {
    /// Does what a person does, if the event is such a thing: what was typed and is said to be saved.
    pub(super) fn work(&mut self, what: What, device: usize, dice: &mut Dice) -> Result<Option<Typed>> {
        Ok(Some(match what {
            What::Note => self.note(device, dice)?,
            What::Edit => self.edit(device, dice)?,
            What::Cancel => self.cancel(device, dice)?,
            What::Register => self.register(device, dice)?,
            What::Amend => self.amend(device, dice)?,
            What::Visit => self.visit(device, dice, false)?,
            What::Tell => self.visit(device, dice, true)?,
            What::Settle => self.settle(device, dice)?,
            What::Draft => self.draft(device, dice)?,
            What::Dismiss => self.dismiss(device)?,
            _ => return Ok(None),
        }))
    }

    /// Carries out a command; nothing where it was refused.
    fn try_call<C: Call>(&mut self, device: usize, command: C) -> Result<Option<C::Answer>> {
        match self.device(device)?.call(self.runtime, command) {
            Ok(answer) => Ok(Some(answer)),
            // A clock that was set back makes yesterday's work tomorrow's.
            Err(Error::Field(_)) => Ok(None),
            Err(error) => {
                let is_full = self.is_full;
                self.judge(device, &error, is_full)?;
                Ok(None)
            }
        }
    }

    fn note(&mut self, device: usize, dice: &mut Dice) -> Result<Typed> {
        let Some(status) = self.try_call(device, Status {})? else { return Ok(Vec::new()) };
        let token = self.ledger.token();
        let form = typing::activity(dice, status.today, &token);
        // Even if the power goes before the answer: the draft may have become an entry.
        self.ledger.drafts.remove(&(device, "log_entry/new".to_owned()));
        let Some(entry) = self.try_call(device, AddLogEntry { form })? else { return Ok(Vec::new()) };
        Ok(vec![ledger::Typed::new(key(entry.id.record()), "activity", token)])
    }

    fn edit(&mut self, device: usize, dice: &mut Dice) -> Result<Typed> {
        let all = ListLogEntries { search: String::new(), offset: 0, limit: CHOICE };
        let Some(page) = self.try_call(device, all)? else { return Ok(Vec::new()) };
        let Some(entry) = dice.choose(&page.rows) else { return Ok(Vec::new()) };
        self.edit_entry(device, entry, dice)
    }

    fn edit_entry(&mut self, device: usize, entry: &LogEntryView, dice: &mut Dice) -> Result<Typed> {
        let (token, mut form) = (self.ledger.token(), entry.form.clone());
        let field = typing::edit_activity(dice, &mut form, &token);
        let saw = stood(&serde_json::to_value(&entry.form)?, field);
        let typed = ledger::Typed { key: key(entry.id.record()), field, token, saw };
        self.ledger.tried.push(typed.clone());
        let command = EditLogEntry { id: entry.id, opened: entry.form.clone(), form };
        Ok(self.try_call(device, command)?.map(|_| typed).into_iter().collect())
    }

    /// The planted bug: an edit that arrived is forgotten, and the next one gets its seq.
    pub(super) fn reuse_seq(&mut self, device: usize, dice: &mut Dice) -> Result<()> {
        let Some((change, id)) = self.device_mut(device)?.forget_edit()? else { return Ok(()) };
        // That it is gone is not what is to be seen.
        self.ledger.forget(change);
        if let Some(entry) = self.try_call(device, LogEntryDetail { id })? {
            self.edit_entry(device, &entry, dice)?;
        }
        Ok(())
    }

    fn cancel(&mut self, device: usize, dice: &mut Dice) -> Result<Typed> {
        let all = ListLogEntries { search: String::new(), offset: 0, limit: CHOICE };
        let Some(page) = self.try_call(device, all)? else { return Ok(Vec::new()) };
        let Some(entry) = dice.choose(&page.rows) else { return Ok(Vec::new()) };
        if entry.entry.status == EntryStatus::Cancelled {
            self.try_call(device, RestoreLogEntry { id: entry.id })?;
        } else {
            self.try_call(device, CancelLogEntry { id: entry.id })?;
        }
        Ok(Vec::new())
    }

    fn register(&mut self, device: usize, dice: &mut Dice) -> Result<Typed> {
        let (token, phone) = (self.ledger.token(), self.ledger.token());
        let form = typing::enterprise(dice, &token, &phone);
        let Some(umkm) = self.try_call(device, RegisterUmkm { form })? else { return Ok(Vec::new()) };
        Ok(vec![ledger::Typed::new(key(umkm.id.record()), "name", token), ledger::Typed::new(key(umkm.id.owner()), PHONE, phone)])
    }

    fn umkm(&mut self, device: usize, dice: &mut Dice) -> Result<Option<UmkmId>> {
        let all = ListUmkm { search: String::new(), offset: 0, limit: CHOICE };
        let page = self.try_call(device, all)?;
        Ok(page.and_then(|page| dice.choose(&page.rows).map(|umkm| umkm.id)))
    }

    fn amend(&mut self, device: usize, dice: &mut Dice) -> Result<Typed> {
        let (id, opened) = match self.open_forms.remove(&device) {
            Some(open) => open,
            None => {
                let Some(id) = self.umkm(device, dice)? else { return Ok(Vec::new()) };
                let Some(detail) = self.try_call(device, UmkmDetail { id })? else { return Ok(Vec::new()) };
                if dice.one_in(3) {
                    // The form stays open, whatever comes meanwhile.
                    self.open_forms.insert(device, (id, detail.form));
                    return Ok(Vec::new());
                }
                (id, detail.form)
            }
        };
        let (token, mut form) = (self.ledger.token(), opened.clone());
        let field = typing::edit_enterprise(dice, &mut form, &token);
        let saw = stood(&serde_json::to_value(&opened)?, field);
        let document = if field == PHONE { id.owner() } else { id.record() };
        let typed = ledger::Typed { key: key(document), field, token, saw };
        self.ledger.tried.push(typed.clone());
        Ok(self.try_call(device, EditUmkm { id, opened, form })?.map(|_| typed).into_iter().collect())
    }

    fn visit(&mut self, device: usize, dice: &mut Dice, is_long: bool) -> Result<Typed> {
        let Some(id) = self.umkm(device, dice)? else { return Ok(Vec::new()) };
        let Some(status) = self.try_call(device, Status {})? else { return Ok(Vec::new()) };
        let token = self.ledger.token();
        let form = typing::visit(dice, status.today, id.to_string(), &token, is_long);
        let visit = self.try_call(device, RecordVisit { form })?;
        Ok(visit.map(|visit| ledger::Typed::new(key(visit.id.record()), "problem", token)).into_iter().collect())
    }

    fn settle(&mut self, device: usize, dice: &mut Dice) -> Result<Typed> {
        let Some(conflicts) = self.try_call(device, ListConflicts {})? else { return Ok(Vec::new()) };
        let Some(conflict) = dice.choose(&conflicts) else { return Ok(Vec::new()) };
        let Some(value) = dice.choose(&conflict.values) else { return Ok(Vec::new()) };
        let (record, field, choice) = (conflict.record, conflict.field.clone(), value.choice.clone());
        let values: Vec<_> = conflict.values.iter().map(|value| value.text.clone()).collect();
        if self.try_call(device, SettleConflict { record, field, choice })?.is_some() {
            self.ledger.settled.extend(values);
        }
        // Who settles has seen what stands.
        self.open_forms.remove(&device);
        Ok(Vec::new())
    }

    fn draft(&mut self, device: usize, dice: &mut Dice) -> Result<Typed> {
        let token = self.ledger.token();
        let name = if dice.one_in(2) { "log_entry/new" } else { "visit/new" }.to_owned();
        let content = json!({ "activity": format!("Lapo {token}") });
        if self.try_call(device, SaveDraft { name: name.clone(), content })?.is_some() {
            self.ledger.drafts.insert((device, name), token);
        }
        Ok(Vec::new())
    }

    fn dismiss(&mut self, device: usize) -> Result<Typed> {
        let Some(shown) = self.delivery(device)? else { return Ok(Vec::new()) };
        let Some(refused) = shown.refused.first() else { return Ok(Vec::new()) };
        let form = refused.form.as_ref().map(ToString::to_string).unwrap_or_default();
        if self.try_call(device, DismissRefused { change: refused.change })?.is_some() {
            for saved in self.ledger.saved.iter_mut().filter(|saved| saved.device == device && form.contains(&saved.token)) {
                saved.excused = Some("refused, and the person has seen it");
            }
        }
        Ok(Vec::new())
    }
}

/// What stands in a field of a form.
fn stood(form: &Value, field: &str) -> String {
    form.get(field).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}
