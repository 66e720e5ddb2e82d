//! Who uses this database and how the server knows this device.

use ed25519_dalek::{SigningKey, VerifyingKey};
use lentera_document::Actor;
use lentera_domain::Timestamp;
use lentera_domain::server_record::Employee;
use lentera_protocol::DeviceId;
use rusqlite::{Connection, params};
use zeroize::Zeroizing;

use super::StoreError;

/// The one row of `identity`.
#[derive(Debug)]
pub struct Identity {
    /// The person.
    pub employee: Employee,
    /// Name of the office.
    pub office: String,
    /// Address of the server.
    pub server: String,
    /// The server's key.
    pub server_key: VerifyingKey,
    /// This device's key.
    pub device_key: SigningKey,
    /// Generation of this device's actor.
    pub generation: u32,
    /// Scope epoch the server told last.
    pub scope_epoch: u32,
    /// Last time the server told.
    pub anchor: Option<Timestamp>,
    /// When the last receipt came.
    pub arrived_at: Option<Timestamp>,
}

impl Identity {
    /// This device's name.
    pub fn device(&self) -> DeviceId {
        DeviceId::of_key(self.device_key.verifying_key().as_bytes())
    }

    /// This device as a writer.
    pub fn actor(&self) -> Actor {
        Actor::derive(self.device_key.verifying_key().as_bytes(), self.generation)
    }
}

/// The identity; `None` before enrolment is complete.
///
/// # Errors
/// [`StoreError`]; damaged rows are named.
pub fn find(connection: &Connection) -> Result<Option<Identity>, StoreError> {
    let sql =
        "SELECT employee, office, server, server_key, device_seed, generation, scope_epoch, anchor, arrived_at FROM identity";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let employee: String = row.get(0)?;
    let server_key: [u8; 32] = row.get(3)?;
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(row.get(4)?);
    Ok(Some(Identity {
        employee: serde_json::from_str(&employee)?,
        office: row.get(1)?,
        server: row.get(2)?,
        server_key: VerifyingKey::from_bytes(&server_key).map_err(|_| StoreError::Damaged("server key"))?,
        device_key: SigningKey::from_bytes(&seed),
        generation: row.get(5)?,
        scope_epoch: row.get(6)?,
        anchor: row.get::<_, Option<i64>>(7)?.map(Timestamp::from_millis),
        arrived_at: row.get::<_, Option<i64>>(8)?.map(Timestamp::from_millis),
    }))
}

/// Writes the identity of a new database.
///
/// # Errors
/// [`StoreError`], also if there is one already.
pub fn insert(connection: &Connection, identity: &Identity) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO identity (only, employee, office, server, server_key, device_seed, scope_epoch, anchor) VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
        params![
            serde_json::to_string(&identity.employee)?,
            identity.office,
            identity.server,
            identity.server_key.as_bytes(),
            Zeroizing::new(identity.device_key.to_bytes()).as_slice(),
            identity.scope_epoch,
            identity.anchor.map(Timestamp::millis),
        ],
    )?;
    Ok(())
}

/// Takes the next request counter.
///
/// # Errors
/// [`StoreError`].
pub fn next_request_counter(connection: &Connection) -> Result<u64, StoreError> {
    let counter: i64 = connection.query_row(
        "UPDATE identity SET request_counter = request_counter + 1 RETURNING request_counter",
        [],
        |row| row.get(0),
    )?;
    Ok(counter.unsigned_abs())
}

/// Notes what an answer told.
///
/// # Errors
/// [`StoreError`].
pub fn note_answer(connection: &Connection, scope_epoch: u32, anchor: Timestamp) -> Result<(), StoreError> {
    connection.execute("UPDATE identity SET scope_epoch = ?, anchor = ?", params![scope_epoch, anchor.millis()])?;
    Ok(())
}

/// Notes that a receipt came.
///
/// # Errors
/// [`StoreError`].
pub fn note_arrival(connection: &Connection, at: Timestamp) -> Result<(), StoreError> {
    connection.execute("UPDATE identity SET arrived_at = ?", params![at.millis()])?;
    Ok(())
}
