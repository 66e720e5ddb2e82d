//! Visits, each of which writes its own log entry.

use lentera_api::view::VisitView;
use lentera_api::{Command, Error, What};
use lentera_domain::DraftName;
use lentera_domain::visit::VisitForm;
use lentera_domain::{LogEntryId, Visit, VisitId};
use rusqlite::Connection;

use crate::Engine;
use crate::store::identity::Identity;
use crate::store::{change, draft, record, server_record, visit};

pub fn record(engine: &Engine, command: &Command, form: &VisitForm) -> Result<VisitView, Error> {
    let id = VisitId(super::new_id(engine));
    let unchosen = DraftName::parse("visit/new")?;
    engine.write(command, |transaction, writing| {
        let officer = writing.identity.employee.nip.clone();
        let visit = super::read_form(engine, writing.identity, |now| form.parse(officer.clone(), now))?;
        let visit = Visit { noted_at: super::present(engine, writing.identity), ..visit };
        let umkm = super::umkm::find(transaction, visit.umkm)?;
        record::write(transaction, writing, id.record(), None, &visit)?;
        let entry = visit.log_entry(id, &umkm);
        record::write(transaction, writing, LogEntryId::of_visit(id, &officer).record(), None, &entry)?;
        draft::remove_saved(transaction, &format!("visit/{}", visit.umkm))?;
        // A draft about another enterprise is other work: it stays.
        let chosen_later = draft::find(transaction, &unchosen)?
            .is_some_and(|draft| draft.content.get("umkm") == Some(&visit.umkm.to_string().into()));
        if chosen_later {
            draft::remove_saved(transaction, unchosen.as_str())?;
        }
        view(transaction, writing.identity, id, visit)
    })
}

pub fn detail(engine: &Engine, id: VisitId) -> Result<VisitView, Error> {
    engine.read(|connection, identity| {
        let found = visit::find(connection, id)?.ok_or(Error::NotFound { what: What::Visit })?;
        view(connection, identity, id, found)
    })
}

/// How `visit` is shown.
pub fn view(connection: &Connection, identity: &Identity, id: VisitId, visit: Visit) -> Result<VisitView, Error> {
    let officer = server_record::employee(connection, &visit.officer)?;
    let umkm = super::umkm::find(connection, visit.umkm).map_or_else(|_| visit.umkm.to_string(), |umkm| umkm.name.to_string());
    Ok(VisitView {
        id,
        umkm_name: umkm,
        officer_name: officer.map_or_else(|| visit.officer.to_string(), |officer| officer.name.to_string()),
        delivered: change::delivered(connection, id.record())?,
        log_entry: LogEntryId::of_visit(id, &visit.officer),
        visit,
        conflicts: super::conflict::of(connection, identity, &[id.record()])?,
    })
}
