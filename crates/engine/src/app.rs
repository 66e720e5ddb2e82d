//! Use cases: one file per subject, one function per command.

mod conflict;
mod delivery;
mod doctor;
mod draft;
mod enrol;
mod file;
mod history;
mod home;
mod log;
mod region;
pub(crate) mod status;
mod umkm;
mod visit;

use lentera_api::view::Done;
use lentera_api::{Command, Error};
use lentera_domain::id::new_uuid;
use lentera_domain::{FieldError, Reason, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::Engine;
use crate::platform::{self, random};
use crate::store::identity::Identity;
use crate::store::{record, rescue};

/// Carries out `command`. The match is whole: a command without a use case does not compile.
pub(crate) async fn dispatch(engine: &Engine, command: Command) -> Result<Value, Error> {
    match &command {
        Command::Status(_) => answer(status::status(engine)),
        Command::ReadInvite(c) => answer(lentera_api::Invite::parse(&c.invite)),
        Command::Enrol(c) => answer(enrol::enrol(engine, c).await),
        Command::TakeInvite(c) => answer(enrol::take_invite(engine, c).await),
        Command::ChangePassword(c) => answer(enrol::change_password(engine, c).await),
        Command::Home(_) => answer(home::home(engine)),
        Command::LogDay(c) => answer(log::day(engine, c)),
        Command::TeamDay(c) => answer(log::team_day(engine, c)),
        Command::ListLogEntries(c) => answer(log::list(engine, c)),
        Command::LogEntryDetail(c) => answer(log::detail(engine, c.id)),
        Command::AddLogEntry(c) => answer(log::add(engine, &command, &c.form)),
        Command::EditLogEntry(c) => answer(log::edit(engine, &command, c)),
        Command::CancelLogEntry(c) => answer(log::set_status(engine, &command, c.id, lentera_domain::Status::Cancelled)),
        Command::RestoreLogEntry(c) => answer(log::set_status(engine, &command, c.id, lentera_domain::Status::Noted)),
        Command::ListUmkm(c) => answer(umkm::list(engine, c)),
        Command::UmkmDetail(c) => answer(umkm::detail(engine, c.id)),
        Command::RegisterUmkm(c) => answer(umkm::register(engine, &command, &c.form)),
        Command::EditUmkm(c) => answer(umkm::edit(engine, &command, c)),
        Command::RecordVisit(c) => answer(visit::record(engine, &command, &c.form)),
        Command::VisitDetail(c) => answer(visit::detail(engine, c.id)),
        Command::ListVillages(c) => answer(region::list_villages(engine, &c.search)),
        Command::SaveDraft(c) => answer(draft::save(engine, c)),
        Command::ReadDraft(c) => answer(draft::read(engine, &c.name)),
        Command::SetDraftAside(c) => answer(draft::set_aside(engine, &c.name)),
        Command::Delivery(_) => answer(delivery::delivery(engine)),
        Command::SyncNow(_) => answer(delivery::sync_now(engine).await),
        Command::Rebuild(_) => answer(rebuild(engine)),
        Command::LogInAgain(c) => answer(enrol::log_in_again(engine, c).await),
        Command::ListConflicts(_) => answer(conflict::list(engine)),
        Command::SettleConflict(c) => answer(conflict::settle(engine, &command, c)),
        Command::RecordHistory(c) => answer(history::history(engine, c.record)),
        Command::DismissRefused(c) => answer(delivery::dismiss(engine, c.change)),
        Command::ExportUnsent(c) => answer(file::export_unsent(engine, &c.path)),
        Command::ExportReceipts(c) => answer(file::export_receipts(engine, &c.path)),
        Command::TakeFile(c) => answer(file::take(engine, &c.content)),
        Command::AcknowledgeRescue(_) => answer(acknowledge_rescue(engine)),
    }
}

fn answer<T: serde::Serialize>(result: Result<T, Error>) -> Result<Value, Error> {
    serde_json::to_value(result?).map_err(|error| Error::Internal { detail: error.to_string() })
}

fn rebuild(engine: &Engine) -> Result<Done, Error> {
    engine.with_store(|store| store.write(|transaction| Ok(record::rebuild(transaction)?)))?.ok_or(Error::NotEnrolled)?;
    Ok(Done {})
}

fn acknowledge_rescue(engine: &Engine) -> Result<Done, Error> {
    let now = now(engine);
    engine
        .with_store(|store| store.write(|transaction| Ok(rescue::acknowledge(transaction, now)?)))?
        .ok_or(Error::NotEnrolled)?;
    Ok(Done {})
}

/// A new record's id.
fn new_id(engine: &Engine) -> Uuid {
    new_uuid(engine.platform.now(), random(&*engine.platform))
}

/// By the wall clock.
fn now(engine: &Engine) -> Timestamp {
    engine.platform.now()
}

/// The present, as well as it is known here.
fn present(engine: &Engine, identity: &Identity) -> Timestamp {
    platform::present(&*engine.platform, identity.anchor)
}

/// Reads a form that has a day, which must have come: where the present is not known, any day may have.
fn read_form<T>(
    engine: &Engine,
    identity: &Identity,
    read: impl Fn(Timestamp) -> Result<T, FieldError>,
) -> Result<T, FieldError> {
    match read(present(engine, identity)) {
        Err(error)
            if matches!(error.reason, Reason::FutureDay { .. })
                && platform::is_lost_in_time(&*engine.platform, identity.anchor) =>
        {
            read(END_OF_TIME)
        }
        form => form,
    }
}

/// No day of a form is later: 9999-12-31.
const END_OF_TIME: Timestamp = Timestamp::from_millis(253_402_214_400_000);

/// Rows of one page at most.
const PAGE_MAX: u32 = 500;
