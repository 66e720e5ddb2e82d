//! Enterprises.

use lentera_api::view::{Page, UmkmDetailView, UmkmView};
use lentera_api::{Command, EditUmkm, Error, ListUmkm, What};
use lentera_domain::umkm::UmkmForm;
use lentera_domain::{Umkm, UmkmId, UmkmOwner};
use rusqlite::Connection;

use crate::Engine;
use crate::store::{change, conflict, draft, record, server_record, umkm, visit};

pub fn list(engine: &Engine, command: &ListUmkm) -> Result<Page<UmkmView>, Error> {
    engine.read(|connection, _| {
        let (rows, total) = umkm::search(connection, &command.search, command.offset, command.limit.min(super::PAGE_MAX))?;
        let views = rows.into_iter().map(|(id, umkm)| view_of(connection, id, umkm));
        Ok(Page { rows: views.collect::<Result<_, _>>()?, total })
    })
}

pub fn detail(engine: &Engine, id: UmkmId) -> Result<UmkmDetailView, Error> {
    engine.read(|connection, identity| {
        let view = view(connection, id)?;
        let owner = umkm::find_owner(connection, id)?;
        let visits = visit::of_umkm(connection, id)?.into_iter();
        Ok(UmkmDetailView {
            form: UmkmForm::of(&view.umkm, &owner),
            nik_masked: owner.nik.map(|nik| nik.masked()),
            visits: visits.map(|(id, visit)| super::visit::view(connection, identity, id, visit)).collect::<Result<_, _>>()?,
            umkm: view,
            conflicts: super::conflict::of(connection, identity, &[id.record(), id.owner()])?,
        })
    })
}

pub fn register(engine: &Engine, command: &Command, form: &UmkmForm) -> Result<UmkmView, Error> {
    let id = UmkmId(super::new_id(engine));
    engine.write(command, |transaction, writing| {
        let (umkm, owner) = form.parse(super::present(engine, writing.identity))?;
        record::write(transaction, writing, id.record(), None, &umkm)?;
        record::write(transaction, writing, id.owner(), None, &owner)?;
        draft::remove_saved(transaction, "umkm/new")?;
        view(transaction, id)
    })
}

pub fn edit(engine: &Engine, command: &Command, edit: &EditUmkm) -> Result<UmkmView, Error> {
    engine.write(command, |transaction, writing| {
        let kept = find(transaction, edit.id)?;
        let now = super::present(engine, writing.identity);
        let read = |form: &UmkmForm| -> Result<(Umkm, UmkmOwner), Error> {
            let (umkm, owner) = form.parse(now)?;
            Ok((Umkm { registered_at: kept.registered_at, ..umkm }, owner))
        };
        let (from, from_owner) = read(&edit.opened)?;
        let (to, to_owner) = read(&edit.form)?;
        record::write(transaction, writing, edit.id.record(), Some(&from), &to)?;
        record::write(transaction, writing, edit.id.owner(), Some(&from_owner), &to_owner)?;
        draft::remove_saved(transaction, &format!("umkm/{}", edit.id))?;
        view(transaction, edit.id)
    })
}

/// The enterprise, which must be known here.
pub fn find(connection: &Connection, id: UmkmId) -> Result<Umkm, Error> {
    umkm::find(connection, id)?.ok_or(Error::NotFound { what: What::Umkm })
}

fn view(connection: &Connection, id: UmkmId) -> Result<UmkmView, Error> {
    view_of(connection, id, find(connection, id)?)
}

fn view_of(connection: &Connection, id: UmkmId, umkm: Umkm) -> Result<UmkmView, Error> {
    let delivered = change::delivered(connection, id.record())?;
    let conflicts = conflict::count_fields(connection, &[id.record(), id.owner()])?;
    Ok(UmkmView { id, village_name: server_record::village_name(connection, &umkm.village)?, umkm, delivered, conflicts })
}
