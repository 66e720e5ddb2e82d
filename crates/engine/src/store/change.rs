//! Raw changes: the truth from which every row is made.

mod arrival;
mod history;

use lentera_document::{ChangeHash, NewChange};
use lentera_domain::evidence::Saved;
use lentera_domain::{Kind, RecordId, Timestamp};
use lentera_protocol::bundle::{Change, Stamp};
use lentera_protocol::stream::Origin;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

pub use self::arrival::{Refused, count_needing, count_not_arrived, delivered, dismiss, is_unsent, refused, waiting};
pub use self::history::{Past, history};
use super::StoreError;

/// Outcome of a change that arrived.
pub const ACCEPTED: &str = "accepted";
/// Outcome of a change that the server keeps until what it builds on has come.
pub const NEED: &str = "need";
/// Outcome of a change that was written anew as another.
pub const REPLACED: &str = "replaced";

/// Changes that a document consists of: not those that were refused, nor those that were written anew.
const STANDS: &str = "(outcome IS NULL OR outcome IN ('accepted', 'need'))";
/// A change that its document consists of.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its place in the order of all.
    pub position: i64,
    /// Its name.
    pub hash: ChangeHash,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Of ours, and no receipt says that it was accepted.
    pub unconfirmed: bool,
}

/// The changes that a record's document consists of, in order.
///
/// # Errors
/// [`StoreError`].
pub fn of_record(connection: &Connection, id: RecordId) -> Result<Vec<Standing>, StoreError> {
    let sql = format!(
        "SELECT position, hash, bytes, intent IS NOT NULL AND outcome IS NOT 'accepted' FROM change
            WHERE kind = ? AND id = ? AND {STANDS} ORDER BY position"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![id.kind.number(), id.id.as_bytes()], |row| {
        Ok(Standing { position: row.get(0)?, hash: row.get(1)?, bytes: row.get(2)?, unconfirmed: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What is kept beside a change of ours.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// The command that it came from.
    pub intent: &'a str,
    /// The clocks when the person saved it.
    pub saved: &'a Stamp,
    /// Generation of its actor.
    pub generation: u32,
    /// The change that it was written anew for.
    pub replaces: Option<i64>,
}

/// Keeps a change written here.
///
/// # Errors
/// [`StoreError`].
pub fn insert_own(connection: &Connection, id: RecordId, change: &NewChange, own: Own<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO change (kind, id, hash, bytes, intent, saved, generation, replaces) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    connection.prepare_cached(sql)?.execute(params![
        id.kind.number(),
        id.id.as_bytes(),
        change.hash,
        change.bytes,
        own.intent,
        lentera_protocol::encode(own.saved),
        own.generation,
        own.replaces
    ])?;
    Ok(())
}

/// Keeps a change that came from the server. If it is one of ours, the server has accepted it.
///
/// # Errors
/// [`StoreError`].
pub fn insert_foreign(
    connection: &Connection,
    id: RecordId,
    hash: ChangeHash,
    bytes: &[u8],
    origin: Option<&Origin>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO change (kind, id, hash, bytes, author, saved, arrived_at) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (kind, id, hash) DO UPDATE SET outcome = 'accepted', arrived_at = coalesce(arrived_at, excluded.arrived_at)
        WHERE intent IS NOT NULL";
    connection.prepare_cached(sql)?.execute(params![
        id.kind.number(),
        id.id.as_bytes(),
        hash,
        bytes,
        origin.map(|origin| &origin.author),
        origin.map(|origin| lentera_protocol::encode(&origin.saved)),
        origin.map(|origin| origin.arrived)
    ])?;
    Ok(())
}

/// The server gave this change out: it has accepted it.
///
/// # Errors
/// [`StoreError`].
pub fn confirm(connection: &Connection, id: RecordId, hash: ChangeHash, origin: Option<&Origin>) -> Result<(), StoreError> {
    let (kind, id) = (id.kind.number(), id.id.as_bytes());
    let arrived = origin.map(|origin| origin.arrived);
    let sql = "UPDATE change SET outcome = 'accepted', arrived_at = coalesce(arrived_at, ?)
        WHERE kind = ? AND id = ? AND hash = ? AND intent IS NOT NULL AND outcome IS NOT 'accepted'";
    connection.prepare_cached(sql)?.execute(params![arrived, kind, id, hash])?;
    if let Some(origin) = origin {
        let sql = "UPDATE change SET author = ?, saved = ?, arrived_at = ?
            WHERE kind = ? AND id = ? AND hash = ? AND intent IS NULL AND author IS NULL";
        let saved = lentera_protocol::encode(&origin.saved);
        connection.prepare_cached(sql)?.execute(params![origin.author, saved, origin.arrived, kind, id, hash])?;
    }
    Ok(())
}

/// A change of ours that no bundle holds yet.
#[derive(Clone, Debug)]
pub struct Unsealed {
    /// Its place in the order of all.
    pub position: i64,
    /// Generation of its actor.
    pub generation: u32,
    /// As it will be sealed.
    pub change: Change,
}

/// Our changes that no bundle holds yet, oldest first; at most `limit`.
///
/// # Errors
/// [`StoreError`].
pub fn unsealed(connection: &Connection, limit: usize) -> Result<Vec<Unsealed>, StoreError> {
    let sql = "SELECT position, generation, kind, id, bytes, saved FROM change
        WHERE intent IS NOT NULL AND bundle IS NULL AND outcome IS NULL ORDER BY position LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let saved: Vec<u8> = row.get(5)?;
        let saved = lentera_protocol::decode(&saved)?;
        let change = Change { kind: row.get(2)?, id: row.get(3)?, bytes: row.get(4)?, saved, part: None };
        changes.push(Unsealed { position: row.get(0)?, generation: row.get(1)?, change });
    }
    Ok(changes)
}

/// Notes which bundle holds these changes.
///
/// # Errors
/// [`StoreError`].
pub fn set_bundle(connection: &Connection, positions: impl IntoIterator<Item = i64>, row: i64) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("UPDATE change SET bundle = ? WHERE position = ?")?;
    for position in positions {
        statement.execute(params![row, position])?;
    }
    Ok(())
}

/// Notes what became of a change.
///
/// # Errors
/// [`StoreError`].
pub fn set_outcome(connection: &Connection, position: i64, outcome: &str) -> Result<(), StoreError> {
    connection.prepare_cached("UPDATE change SET outcome = ? WHERE position = ?")?.execute(params![outcome, position])?;
    Ok(())
}

/// Notes when the server accepted the changes of a bundle, or refused them.
///
/// # Errors
/// [`StoreError`].
pub fn set_arrival(connection: &Connection, bundle: i64, at: Timestamp) -> Result<(), StoreError> {
    connection.prepare_cached("UPDATE change SET arrived_at = ? WHERE bundle = ?")?.execute(params![at.millis(), bundle])?;
    Ok(())
}

/// A change of ours, to be judged or written anew.
#[derive(Clone, Debug)]
pub struct OwnChange {
    /// Its place in the order of all.
    pub position: i64,
    /// Its document; `None` of a kind that this version does not know.
    pub record: Option<RecordId>,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The command that it came from.
    pub intent: String,
    /// The clocks when the person saved it.
    pub saved: Stamp,
    /// What became of it.
    pub outcome: Option<String>,
}

const OWN: &str = "position, kind, id, bytes, intent, saved, outcome";

fn read_own(row: &Row<'_>) -> Result<OwnChange, StoreError> {
    let record =
        Kind::from_number(row.get(1)?).map(|kind| Ok::<_, StoreError>((kind, row.get::<_, [u8; 16]>(2)?))).transpose()?;
    let saved: Vec<u8> = row.get(5)?;
    Ok(OwnChange {
        position: row.get(0)?,
        record: record.map(|(kind, id)| RecordId { kind, id: Uuid::from_bytes(id) }),
        bytes: row.get(3)?,
        intent: row.get(4)?,
        saved: lentera_protocol::decode(&saved)?,
        outcome: row.get(6)?,
    })
}

fn query_own(connection: &Connection, condition: &str, value: i64) -> Result<Vec<OwnChange>, StoreError> {
    let sql = format!("SELECT {OWN} FROM change WHERE intent IS NOT NULL AND {condition} ORDER BY position");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([value])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        changes.push(read_own(row)?);
    }
    Ok(changes)
}

/// The changes in a bundle, in order.
///
/// # Errors
/// [`StoreError`].
pub fn of_bundle(connection: &Connection, row: i64) -> Result<Vec<OwnChange>, StoreError> {
    query_own(connection, "bundle = ?", row)
}

/// One change of ours.
///
/// # Errors
/// [`StoreError`].
pub fn find_own(connection: &Connection, position: i64) -> Result<Option<OwnChange>, StoreError> {
    Ok(query_own(connection, "position = ?", position)?.pop())
}

/// All changes of ours of which no receipt says that they were accepted or refused, from `position` on.
///
/// # Errors
/// [`StoreError`].
pub fn unconfirmed(connection: &Connection) -> Result<Vec<OwnChange>, StoreError> {
    query_own(connection, "(outcome IS NULL OR outcome = 'need') AND position >= ?", 0)
}

/// The bytes of a record's change of this name, whatever became of it.
///
/// # Errors
/// [`StoreError`].
pub fn bytes(connection: &Connection, record: RecordId, hash: ChangeHash) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT bytes FROM change WHERE kind = ? AND id = ? AND hash = ?";
    let name = params![record.kind.number(), record.id.as_bytes(), hash];
    Ok(connection.prepare_cached(sql)?.query_row(name, |row| row.get(0)).optional()?)
}

/// The change that was written anew for a record's change of this name.
///
/// # Errors
/// [`StoreError`].
pub fn written_anew_for(connection: &Connection, record: RecordId, hash: ChangeHash) -> Result<Option<ChangeHash>, StoreError> {
    let sql = "SELECT anew.hash FROM change AS old JOIN change AS anew ON anew.replaces = old.position
        WHERE old.kind = ? AND old.id = ? AND old.hash = ? ORDER BY anew.position DESC LIMIT 1";
    let name = params![record.kind.number(), record.id.as_bytes(), hash];
    Ok(connection.prepare_cached(sql)?.query_row(name, |row| row.get(0)).optional()?)
}

/// How often what the change holds was written anew already.
///
/// # Errors
/// [`StoreError`].
pub fn times_rewritten(connection: &Connection, position: i64) -> Result<u32, StoreError> {
    let sql = "WITH RECURSIVE before (position, times) AS (
            SELECT ?, 0 UNION ALL
            SELECT change.replaces, times + 1 FROM before JOIN change USING (position) WHERE change.replaces IS NOT NULL
        ) SELECT max(times) FROM before";
    Ok(connection.prepare_cached(sql)?.query_row([position], |row| row.get(0))?)
}

/// Who wrote a change, and when.
#[derive(Clone, Debug)]
pub struct Written {
    /// NIP; `None`: on this device.
    pub author: Option<String>,
    /// The writing device's clocks when it was saved, where the server told.
    pub saved: Option<Stamp>,
    /// When the server accepted it.
    pub arrived_at: Option<Timestamp>,
}

impl Written {
    /// The clocks, as evidence.
    pub fn evidence(&self) -> Option<Saved> {
        self.saved.map(|stamp| Saved {
            wall: Timestamp::from_millis(stamp.wall),
            anchor: stamp.anchor.map(Timestamp::from_millis),
            since_anchor: stamp.since_anchor,
        })
    }
}

fn read_written(row: &Row<'_>) -> Result<Written, StoreError> {
    let saved: Option<Vec<u8>> = row.get(1)?;
    Ok(Written {
        author: row.get(0)?,
        saved: saved.map(|saved| lentera_protocol::decode(&saved)).transpose()?,
        arrived_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
    })
}

/// Who wrote a record's change of this name, and when.
///
/// # Errors
/// [`StoreError`].
pub fn written(connection: &Connection, record: RecordId, hash: ChangeHash) -> Result<Option<Written>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT author, saved, arrived_at FROM change WHERE kind = ? AND id = ? AND hash = ?")?;
    let mut rows = statement.query(params![record.kind.number(), record.id.as_bytes(), hash])?;
    rows.next()?.map(read_written).transpose()
}

/// Who wrote a record first, and when.
///
/// # Errors
/// [`StoreError`].
pub fn first_written(connection: &Connection, record: RecordId) -> Result<Option<Written>, StoreError> {
    let sql =
        format!("SELECT author, saved, arrived_at FROM change WHERE kind = ? AND id = ? AND {STANDS} ORDER BY position LIMIT 1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![record.kind.number(), record.id.as_bytes()])?;
    rows.next()?.map(read_written).transpose()
}

/// Every document there is, each once, for making projections anew.
///
/// # Errors
/// [`StoreError`].
pub fn all_records(connection: &Connection) -> Result<Vec<RecordId>, StoreError> {
    let mut statement = connection.prepare("SELECT DISTINCT kind, id FROM change")?;
    let rows: Vec<(u16, [u8; 16])> = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    Ok(rows
        .into_iter()
        .filter_map(|(kind, id)| Some(RecordId { kind: Kind::from_number(kind)?, id: Uuid::from_bytes(id) }))
        .collect())
}

/// Position of a record's change of this name, where it is one of ours that no receipt confirms.
///
/// # Errors
/// [`StoreError`].
pub fn find_unconfirmed(connection: &Connection, record: RecordId, hash: ChangeHash) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT position FROM change
        WHERE kind = ? AND id = ? AND hash = ? AND intent IS NOT NULL AND (outcome IS NULL OR outcome = 'need')";
    let name = params![record.kind.number(), record.id.as_bytes(), hash];
    Ok(connection.prepare_cached(sql)?.query_row(name, |row| row.get(0)).optional()?)
}
