//! Forms as typed so far.

use lentera_api::view::{Done, Draft};
use lentera_api::{Error, SaveDraft};
use lentera_domain::DraftName;
use lentera_domain::{FieldError, Reason};

use crate::Engine;
use crate::store::draft;

/// Bytes of a draft's JSON at most.
const DRAFT_MAX: usize = 64 * 1024;

pub fn save(engine: &Engine, command: &SaveDraft) -> Result<Draft, Error> {
    let name = DraftName::parse(&command.name)?;
    let length = command.content.to_string().len();
    if length > DRAFT_MAX {
        return Err(FieldError::new("draft", Reason::TooLong { length, max: DRAFT_MAX }).into());
    }
    if !command.content.is_object() {
        return Err(Error::BadArguments { detail: "content: not an object".to_owned() });
    }
    let draft = Draft { name: name.to_string(), content: command.content.clone(), saved_at: super::now(engine) };
    write(engine, |transaction| draft::put(transaction, &draft))?;
    Ok(draft)
}

pub fn read(engine: &Engine, name: &str) -> Result<Option<Draft>, Error> {
    let name = DraftName::parse(name)?;
    engine.read(|connection, _| Ok(draft::find(connection, &name)?))
}

pub fn set_aside(engine: &Engine, name: &str) -> Result<Done, Error> {
    let name = DraftName::parse(name)?;
    write(engine, |transaction| draft::set_aside(transaction, &name))?;
    Ok(Done {})
}

/// Drafts stay on this device: the light is told, but nothing is to be sent.
fn write(engine: &Engine, work: impl FnOnce(&rusqlite::Connection) -> Result<(), crate::store::StoreError>) -> Result<(), Error> {
    engine.with_store(|store| store.write(|transaction| Ok(work(transaction)?)))?.ok_or(Error::NotEnrolled)?;
    engine.emit_light();
    Ok(())
}
