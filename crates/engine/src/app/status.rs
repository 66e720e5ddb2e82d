//! Who uses the app, and the light.

use lentera_api::Error;
use lentera_api::view::{Light, Person, Status};
use rusqlite::Connection;

use crate::Engine;
use crate::store::identity::{self, Identity};
use crate::store::{StoreError, change, draft, server_record};

pub fn status(engine: &Engine) -> Result<Status, Error> {
    let enrolled = engine.with_store(|store| {
        let identity = identity::find(store.read())?;
        let present = identity.as_ref().map(|identity| super::present(engine, identity));
        let person = identity.map(|identity| person(store.read(), &identity)).transpose()?;
        Ok((person, light(store.read())?, present))
    })?;
    let (person, light, present) =
        enrolled.unwrap_or((None, Light { refused: 0, waiting: 0, drafts: 0, arrived_at: None }, None));
    let present = present.unwrap_or_else(|| super::now(engine));
    Ok(Status { person, light, today: present.day(), present, version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// The light as it is on disk.
pub fn light(connection: &Connection) -> Result<Light, StoreError> {
    let (waiting, refused) = change::count_not_arrived(connection)?;
    Ok(Light {
        refused,
        waiting,
        drafts: draft::count(connection)?,
        arrived_at: identity::find(connection)?.and_then(|identity| identity.arrived_at),
    })
}

/// The person, as the server told last.
pub fn person(connection: &Connection, identity: &Identity) -> Result<Person, StoreError> {
    let employee = server_record::employee(connection, &identity.employee.nip)?.unwrap_or_else(|| identity.employee.clone());
    Ok(Person {
        is_superior: !server_record::employees_below(connection, &employee.nip)?.is_empty(),
        nip: employee.nip,
        name: employee.name.to_string(),
        position: employee.position.to_string(),
        unit: employee.unit.to_string(),
        office: identity.office.clone(),
        server: identity.server.clone(),
    })
}
