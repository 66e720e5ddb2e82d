//! Rows of streams that cannot be taken yet: what they build on is not here, or this app is too old for their kind.

use lentera_domain::{Kind, Timestamp};
use lentera_protocol::Hash;
use lentera_protocol::stream::Row;
use rusqlite::{Connection, params};

use super::{StoreError, quarantine};

/// Keeps a row, once.
///
/// # Errors
/// [`StoreError`].
pub fn insert(connection: &Connection, received_at: Timestamp, row: &Row) -> Result<(), StoreError> {
    let Row::Change { kind, id, bytes, .. } = row else { return Ok(()) };
    let sql = "INSERT INTO pending (received_at, kind, id, hash, row) VALUES (?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING";
    connection.prepare_cached(sql)?.execute(params![
        received_at.millis(),
        kind,
        id,
        // The same bytes can be changes of two records.
        Hash::of(&[kind.to_be_bytes().as_slice(), id, bytes].concat()).0,
        lentera_protocol::encode(row)
    ])?;
    Ok(())
}

/// Takes changes of kinds that this version does not know out of `change`, where the first version kept them: they were never examined.
///
/// # Errors
/// [`StoreError`].
pub fn take_unknown_kinds(connection: &Connection) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT position, kind, id, bytes FROM change ORDER BY position")?;
    let mut rows = statement.query([])?;
    let mut unknown = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: u16 = row.get(1)?;
        if Kind::from_number(kind).is_none() {
            let change = Row::Change { kind, id: row.get(2)?, bytes: row.get(3)?, origin: None };
            unknown.push((row.get::<_, i64>(0)?, change));
        }
    }
    for (position, row) in unknown {
        insert(connection, Timestamp::from_millis(0), &row)?;
        connection.execute("DELETE FROM change WHERE position = ?", [position])?;
    }
    Ok(())
}

/// The rows of one record, in order, with their positions.
///
/// # Errors
/// [`StoreError`].
pub fn of_record(connection: &Connection, kind: u16, id: [u8; 16]) -> Result<Vec<(i64, Row)>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT position, row, received_at FROM pending WHERE kind = ? AND id = ? ORDER BY position")?;
    let kept: Vec<(i64, Vec<u8>, i64)> =
        statement.query_map(params![kind, id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    for (position, row, received_at) in kept {
        if let Ok(row) = lentera_protocol::decode(&row) {
            rows.push((position, row));
        } else {
            // A failing disk changed it. It holds nothing else up.
            quarantine::insert(connection, Timestamp::from_millis(received_at), "damaged", &row)?;
            remove(connection, position)?;
        }
    }
    Ok(rows)
}

/// The records that have rows here.
///
/// # Errors
/// [`StoreError`].
pub fn records(connection: &Connection) -> Result<Vec<(u16, [u8; 16])>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT DISTINCT kind, id FROM pending ORDER BY kind, id")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A row has been taken, or put aside.
///
/// # Errors
/// [`StoreError`].
pub fn remove(connection: &Connection, position: i64) -> Result<(), StoreError> {
    connection.prepare_cached("DELETE FROM pending WHERE position = ?")?.execute([position])?;
    Ok(())
}
