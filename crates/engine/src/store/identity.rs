//! Who uses this database and how the server knows this device.

use ed25519_dalek::{SigningKey, VerifyingKey};
use lentera_document::Actor;
use lentera_domain::Timestamp;
use lentera_domain::server_record::Employee;
use lentera_protocol::DeviceId;
use lentera_protocol::bundle::Boot;
use rusqlite::{Connection, Row, params};
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
    /// The one root that its certificate is trusted by, DER; `None` for the public ones.
    pub ca: Option<Vec<u8>>,
    /// The server's key.
    pub server_key: VerifyingKey,
    /// This device's key.
    pub device_key: SigningKey,
    /// What the server holds of it.
    pub key_state: KeyState,
    /// Generation of this device's actor.
    pub generation: u32,
    /// Scope epoch the server told last.
    pub scope_epoch: u32,
    /// Last time the server told.
    pub anchor: Option<Anchor>,
    /// When the last receipt came.
    pub arrived_at: Option<Timestamp>,
    /// Number of the last amended receipt taken.
    pub amendment: Option<u64>,
    /// Number of the last bundle of ours that the server said it holds, 0 for none; `None` while it has not said.
    pub server_last: Option<u64>,
}

/// The time as the server told it, and this device's boot clock then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The server's time.
    pub time: Timestamp,
    /// The boot clock when it came, where there is one.
    pub boot: Option<Boot>,
}

/// Whether this device's key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It can.
    Good,
    /// Two contents had one number, here or at the server: nothing more is sealed with it, the person logs in again.
    Frozen,
    /// The server does not know it: the person logs in again.
    Unknown,
    /// Our log may lack its end: nothing is sealed or sent until the server has told what it holds.
    Rescued,
}

impl KeyState {
    const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Frozen => "frozen",
            Self::Unknown => "unknown",
            Self::Rescued => "rescued",
        }
    }

    fn read(name: &str) -> Result<Self, StoreError> {
        match name {
            "good" => Ok(Self::Good),
            "frozen" => Ok(Self::Frozen),
            "unknown" => Ok(Self::Unknown),
            "rescued" => Ok(Self::Rescued),
            _ => Err(StoreError::Damaged("state of the key")),
        }
    }
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

const COLUMNS: &str = "employee, office, server, ca, server_key, device_seed, key_state, generation, scope_epoch, anchor,
    anchor_boot_id, anchor_boot_millis, arrived_at, amendment, server_last";

/// The identity; `None` before enrolment is complete.
///
/// # Errors
/// [`StoreError`]; damaged rows are named.
pub fn find(connection: &Connection) -> Result<Option<Identity>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM identity"))?;
    let mut rows = statement.query([])?;
    rows.next()?.map(read).transpose()
}

fn read(row: &Row<'_>) -> Result<Identity, StoreError> {
    let employee: String = row.get(0)?;
    let server_key: [u8; 32] = row.get(4)?;
    let seed: Zeroizing<[u8; 32]> = Zeroizing::new(row.get(5)?);
    let time = |column| Ok::<_, StoreError>(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis));
    let unsigned = |column| Ok::<_, StoreError>(row.get::<_, Option<i64>>(column)?.map(i64::unsigned_abs));
    let boot = row.get::<_, Option<i64>>(10)?.zip(row.get(11)?).map(|(id, millis)| Boot { id: id.cast_unsigned(), millis });
    Ok(Identity {
        employee: serde_json::from_str(&employee)?,
        office: row.get(1)?,
        server: row.get(2)?,
        ca: row.get(3)?,
        server_key: VerifyingKey::from_bytes(&server_key).map_err(|_| StoreError::Damaged("server key"))?,
        device_key: SigningKey::from_bytes(&seed),
        key_state: KeyState::read(&row.get::<_, String>(6)?)?,
        generation: row.get(7)?,
        scope_epoch: row.get(8)?,
        anchor: time(9)?.map(|time| Anchor { time, boot }),
        arrived_at: time(12)?,
        amendment: unsigned(13)?,
        server_last: unsigned(14)?,
    })
}

/// Writes the identity of a new database, or of one whose identity was lost. What the server has to tell first is left open.
///
/// # Errors
/// [`StoreError`], also if there is one already.
pub fn insert(connection: &Connection, identity: &Identity) -> Result<(), StoreError> {
    let boot = identity.anchor.and_then(|anchor| anchor.boot);
    connection.execute(
        "INSERT INTO identity (only, employee, office, server, ca, server_key, device_seed, key_state, generation, scope_epoch,
            anchor, anchor_boot_id, anchor_boot_millis) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            serde_json::to_string(&identity.employee)?,
            identity.office,
            identity.server,
            identity.ca,
            identity.server_key.as_bytes(),
            Zeroizing::new(identity.device_key.to_bytes()).as_slice(),
            identity.key_state.name(),
            identity.generation,
            identity.scope_epoch,
            identity.anchor.map(|anchor| anchor.time.millis()),
            boot.map(|boot| boot.id.cast_signed()),
            boot.map(|boot| boot.millis),
        ],
    )?;
    Ok(())
}

/// Puts another key in the place of this device's, whose public part is kept. The server has said nothing about the new one yet.
///
/// # Errors
/// [`StoreError`].
pub fn set_key(connection: &Connection, key: &SigningKey) -> Result<(), StoreError> {
    if let Some(before) = find(connection)? {
        let (device, key) = (before.device(), before.device_key.verifying_key());
        let sql = "INSERT INTO earlier_key (device, key) VALUES (?, ?) ON CONFLICT DO NOTHING";
        connection.execute(sql, params![device.0, key.as_bytes()])?;
    }
    connection.execute(
        "UPDATE identity SET device_seed = ?, generation = 0, key_state = 'good', request_counter = 0, amendment = NULL, server_last = NULL",
        [Zeroizing::new(key.to_bytes()).as_slice()],
    )?;
    Ok(())
}

/// Notes where the server is, and the one root that its certificate is trusted by, DER; `None` for the public ones.
///
/// # Errors
/// [`StoreError`].
pub fn set_server(connection: &Connection, address: &str, ca: Option<&[u8]>) -> Result<(), StoreError> {
    connection.execute("UPDATE identity SET server = ?, ca = ?", params![address, ca])?;
    Ok(())
}

/// Notes whether the key can be used.
///
/// # Errors
/// [`StoreError`].
pub fn set_key_state(connection: &Connection, state: KeyState) -> Result<(), StoreError> {
    connection.execute("UPDATE identity SET key_state = ?", [state.name()])?;
    Ok(())
}

/// The next generation of this device's actor; gives it.
///
/// # Errors
/// [`StoreError`].
pub fn raise_generation(connection: &Connection) -> Result<u32, StoreError> {
    let sql = "UPDATE identity SET generation = generation + 1 RETURNING generation";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Takes `count` request counters; gives the first.
///
/// # Errors
/// [`StoreError`].
pub fn take_request_counters(connection: &Connection, count: u32) -> Result<u64, StoreError> {
    let sql = "UPDATE identity SET request_counter = request_counter + ? RETURNING request_counter";
    let last: i64 = connection.query_row(sql, [count], |row| row.get(0))?;
    Ok(last.unsigned_abs().saturating_sub(u64::from(count)) + 1)
}

/// The highest request counter that the server has seen is at least this.
///
/// # Errors
/// [`StoreError`].
pub fn raise_request_counter(connection: &Connection, seen: u64) -> Result<(), StoreError> {
    let sql = "UPDATE identity SET request_counter = max(request_counter, ?)";
    connection.execute(sql, [seen.cast_signed()])?;
    Ok(())
}

/// Notes what an answer told.
///
/// # Errors
/// [`StoreError`].
pub fn note_answer(connection: &Connection, scope_epoch: u32, anchor: Anchor, server_last: u64) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE identity SET scope_epoch = ?, anchor = ?, anchor_boot_id = ?, anchor_boot_millis = ?, server_last = ?",
        params![
            scope_epoch,
            anchor.time.millis(),
            anchor.boot.map(|boot| boot.id.cast_signed()),
            anchor.boot.map(|boot| boot.millis),
            server_last.cast_signed()
        ],
    )?;
    Ok(())
}

/// Notes the last amended receipt taken.
///
/// # Errors
/// [`StoreError`].
pub fn set_amendment(connection: &Connection, number: Option<u64>) -> Result<(), StoreError> {
    connection.execute("UPDATE identity SET amendment = ?", [number.map(u64::cast_signed)])?;
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
