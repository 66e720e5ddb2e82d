//! Streams: rows in order, and the counter that moves with them.

use std::collections::{BTreeMap, BTreeSet};

use lentera_document::ChangeHash;
use lentera_document::guard::prescan;
use lentera_domain::server_record::ServerRecord;
use lentera_protocol::bundle::Stamp;
use lentera_protocol::encode;
use lentera_protocol::stream::{Origin, Row};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::as_sql;
use crate::storage::{AcceptedChange, DocumentKey, StorageError};

/// In the place of a document's kind, which is never negative: the item is a record of the server.
pub const RECORD: i64 = -1;

/// Selects the changes of a document that a stream does not carry.
fn not_carried(which: &str) -> String {
    format!(
        "SELECT seq, {COLUMNS} FROM change
         JOIN bundle ON bundle.device = change.device AND bundle.number = change.bundle_number JOIN device ON device.id = change.device
         WHERE NOT EXISTS (SELECT 1 FROM stream_row WHERE stream_row.change = seq AND stream = ?)
         AND change.kind = ? AND change.id = ? {which}"
    )
}

/// Rows being appended to streams. A stream's counter is read once and written once, by [`Appending::finish`].
pub struct Appending<'a> {
    db: &'a Connection,
    heads: BTreeMap<String, Head>,
}

/// Where a stream ends.
#[derive(Clone, Copy)]
struct Head {
    stream: i64,
    position: i64,
    hash: [u8; 8],
}

impl<'a> Appending<'a> {
    /// To streams of this database.
    pub const fn to(db: &'a Connection) -> Self {
        Self { db, heads: BTreeMap::new() }
    }

    /// Appends the change that is kept under `seq`.
    pub fn change(&mut self, name: &str, key: DocumentKey, uuid: &str, seq: i64, row: &Row) -> Result<(), StorageError> {
        let (head, length) = self.next(name, row)?;
        self.db
            .prepare_cached("INSERT INTO stream_row (stream, position, hash, change) VALUES (?, ?, ?, ?)")?
            .execute(params![head.stream, head.position, head.hash, seq])?;
        self.item(head, key.kind.into(), uuid, length)
    }

    /// Appends the accepted changes of a document that the stream does not carry yet, in order.
    pub fn document(&mut self, name: &str, key: DocumentKey, uuid: &str) -> Result<(), StorageError> {
        let stream = self.head(name)?.stream;
        let mut select = self.db.prepare_cached(&not_carried("ORDER BY seq"))?;
        let changes: Vec<(i64, Row)> = select
            .query_map(params![stream, key.kind, uuid], |row| Ok((row.get(0)?, row_of(row, 1)?)))?
            .collect::<Result<_, _>>()?;
        changes.iter().try_for_each(|(seq, row)| self.change(name, key, uuid, *seq, row))
    }

    /// Appends a change and all that it was built on, as far as the stream does not carry it, in order. Whoever names a change to build on
    /// it has seen it; what others wrote beside it they may never have been shown.
    pub fn lineage(&mut self, name: &str, key: DocumentKey, uuid: &str, change: ChangeHash) -> Result<(), StorageError> {
        let stream = self.head(name)?.stream;
        let mut select = self.db.prepare_cached(&not_carried("AND change.hash = ?"))?;
        let (mut found, mut seen, mut next) = (BTreeMap::new(), BTreeSet::from([change]), vec![change]);
        while let Some(hash) = next.pop() {
            let row = select.query_row(params![stream, key.kind, uuid, hash], |row| Ok((row.get::<_, i64>(0)?, row_of(row, 1)?)));
            // The genesis is nowhere kept; and what the stream carries stands there with all that it was built on.
            let Some((seq, row)) = row.optional()? else { continue };
            if let Row::Change { bytes, .. } = &row {
                let built_on = prescan::measure(bytes).map(|measure| measure.deps).unwrap_or_default();
                next.extend(built_on.into_iter().filter(|hash| seen.insert(*hash)));
            }
            found.insert(seq, row);
        }
        found.iter().try_for_each(|(seq, row)| self.change(name, key, uuid, *seq, row))
    }

    /// Appends a record of the server.
    pub fn record(&mut self, name: &str, record: &ServerRecord) -> Result<(), StorageError> {
        let content = serde_json::to_string(record)?;
        let row = Row::Record(content.clone());
        let (head, length) = self.next(name, &row)?;
        self.db
            .prepare_cached("INSERT INTO stream_row (stream, position, hash, content) VALUES (?, ?, ?, ?)")?
            .execute(params![head.stream, head.position, head.hash, content])?;
        self.item(head, RECORD, &record.key(), length)
    }

    /// Moves the streams' counters.
    pub fn finish(self) -> Result<(), StorageError> {
        let mut update = self.db.prepare_cached("UPDATE stream SET position = ?, hash = ? WHERE id = ?")?;
        for head in self.heads.into_values() {
            update.execute(params![head.position, head.hash, head.stream])?;
        }
        Ok(())
    }

    /// The stream's end, with this row behind it, and the row's length.
    fn next(&mut self, name: &str, row: &Row) -> Result<(Head, usize), StorageError> {
        let before = self.head(name)?;
        let next = Head { position: before.position + 1, hash: row.chained_hash(&before.hash), ..before };
        if let Some(head) = self.heads.get_mut(name) {
            *head = next;
        }
        Ok((next, encode(row).len()))
    }

    /// The stream, which is made where there is none.
    fn head(&mut self, name: &str) -> Result<Head, StorageError> {
        if let Some(head) = self.heads.get(name) {
            return Ok(*head);
        }
        self.db
            .prepare_cached("INSERT INTO stream (name, position, hash) VALUES (?, 0, ?) ON CONFLICT DO NOTHING")?
            .execute(params![name, [0_u8; 8]])?;
        let head = self
            .db
            .prepare_cached("SELECT id, position, hash FROM stream WHERE name = ?")?
            .query_row([name], |row| Ok(Head { stream: row.get(0)?, position: row.get(1)?, hash: row.get(2)? }))?;
        self.heads.insert(name.to_owned(), head);
        Ok(head)
    }

    fn item(&self, at: Head, kind: i64, id: &str, length: usize) -> Result<(), StorageError> {
        self.db
            .prepare_cached(
                "INSERT INTO stream_item (stream, kind, id, first, last, row_count, bytes) VALUES (?, ?, ?, ?4, ?4, 1, ?5)
                 ON CONFLICT DO UPDATE SET last = excluded.last, row_count = row_count + 1, bytes = bytes + excluded.bytes",
            )?
            .execute(params![at.stream, kind, id, at.position, as_sql(length as u64)?])?;
        Ok(())
    }
}

/// The columns of `change`, `bundle` and `device` that make a [`Row::Change`].
pub const COLUMNS: &str =
    "change.kind, change.id, change.bytes, saved_wall, saved_anchor, saved_since, device.nip, bundle.received_at";

/// The row that begins at a column, as [`COLUMNS`].
pub fn row_of(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Row> {
    let id: Uuid =
        row.get_ref(first + 1)?.as_str()?.parse().map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(first + 1, rusqlite::types::Type::Text, Box::new(error))
        })?;
    let origin = match row.get::<_, Option<i64>>(first + 3)? {
        Some(wall) => Some(Origin {
            author: row.get(first + 6)?,
            saved: Stamp { wall, boot: None, anchor: row.get(first + 4)?, since_anchor: row.get(first + 5)? },
            arrived: row.get(first + 7)?,
        }),
        None => None,
    };
    Ok(Row::Change { kind: row.get(first)?, id: id.into_bytes(), bytes: row.get(first + 2)?, origin })
}

/// The row of a change that was just accepted.
pub fn row_of_accepted(change: &AcceptedChange) -> Row {
    let origin = Origin {
        author: change.author.to_string(),
        saved: Stamp { boot: None, ..change.saved },
        arrived: change.arrived.millis(),
    };
    Row::Change { kind: change.key.kind, id: change.key.id, bytes: change.bytes.clone(), origin: Some(origin) }
}

/// Brings the rows of the first schema, each with its content, into the second, where changes are referred to. Regions get a stream of
/// their own: they come last to a new device.
pub fn renew(db: &Connection, regions: &str) -> Result<(), StorageError> {
    let damaged = |error: lentera_protocol::ProtocolError| StorageError::Damaged(error.to_string());
    let mut select = db.prepare("SELECT stream, position, hash, content FROM stream_row_1 ORDER BY stream, position")?;
    let mut rows = select.query([])?;
    let mut later = Vec::new();
    while let Some(row) = rows.next()? {
        let (stream, position, hash): (i64, i64, [u8; 8]) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let content: Vec<u8> = row.get(3)?;
        let appending = Appending::to(db);
        let head = Head { stream, position, hash };
        match lentera_protocol::decode(&content).map_err(damaged)? {
            Row::Change { kind, id, bytes, .. } => {
                let uuid = Uuid::from_bytes(id).to_string();
                let seq: Option<i64> = db
                    .prepare_cached("SELECT seq FROM change WHERE kind = ? AND id = ? AND bytes = ?")?
                    .query_row(params![kind, uuid, bytes], |row| row.get(0))
                    .optional()?;
                let seq = seq.ok_or_else(|| StorageError::Damaged("a stream's row without its change".to_owned()))?;
                db.prepare_cached("INSERT INTO stream_row (stream, position, hash, change) VALUES (?, ?, ?, ?)")?
                    .execute(params![stream, position, hash, seq])?;
                appending.item(head, kind.into(), &uuid, content.len())?;
            }
            Row::Record(json) => {
                db.prepare_cached("INSERT INTO stream_row (stream, position, hash, content) VALUES (?, ?, ?, ?)")?
                    .execute(params![stream, position, hash, json])?;
                match serde_json::from_str(&json)? {
                    region @ ServerRecord::Region(_) => later.push(region),
                    record => appending.item(head, RECORD, &record.key(), content.len())?,
                }
            }
        }
    }
    let mut appending = Appending::to(db);
    later.iter().try_for_each(|region| appending.record(regions, region))?;
    appending.finish()?;
    drop(rows);
    drop(select);
    Ok(db.execute_batch("DROP TABLE stream_row_1")?)
}
