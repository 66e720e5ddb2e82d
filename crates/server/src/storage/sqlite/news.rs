//! What is new for a device, read in one transaction.

use lentera_domain::Kind;
use lentera_domain::server_record::{Employee, ServerRecord};
use lentera_protocol::stream::{Cursor, Page, Row};
use lentera_protocol::{DeviceId, encode};
use rusqlite::{Connection, OptionalExtension, params};

use super::streams::{COLUMNS, RECORD, row_of};
use super::{as_sql, people};
use crate::service::scope;
use crate::storage::{News, NewsQuery, StorageError};

/// A document with more rows than this in a stream fits no page: it comes in the order of its rows, after everything else.
const ITEM_ROWS_MAX: i64 = 200;
/// Bytes of a document's rows that fit a page, likewise.
const ITEM_BYTES_MAX: i64 = 256 * 1024;
/// Documents looked through for one page at most: most of them can be the device's own.
const PAGE_ITEMS_MAX: usize = 2000;

/// What may still be put into the answer.
struct Budget {
    rows: usize,
    bytes: usize,
    taken: usize,
}

impl Budget {
    /// Whether rows of so many bytes fit. The first always do: they would otherwise stand in the way for ever.
    fn fits(&self, rows: usize, bytes: usize) -> bool {
        self.rows > 0 && (self.taken == 0 || (rows <= self.rows && bytes <= self.bytes))
    }

    fn take(&mut self, rows: usize, bytes: usize) {
        self.rows = self.rows.saturating_sub(rows);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.taken += rows;
    }
}

/// A stream, and the device in it.
struct Reading {
    /// The only kind that is read; `None`: all.
    kind: Option<u16>,
    last: Cursor,
    cursor: Cursor,
    is_new: bool,
    rows: Vec<Row>,
}

/// As [`crate::storage::Storage::news`].
pub fn news(db: &Connection, query: &NewsQuery) -> Result<Option<News>, StorageError> {
    let Some(device) = people::device(db, query.device)? else { return Ok(None) };
    let mut news = News { last: device.last, scope_epoch: device.scope_epoch, ..News::default() };
    if let Some((above, max)) = query.amendments {
        news.amendments = amendments(db, query.device, above, max + 1)?;
        news.more = news.amendments.len() > max;
        news.amendments.truncate(max);
    }
    let mut budget = Budget { rows: query.rows, bytes: query.bytes, taken: 0 };
    let mut readings = Vec::new();
    let below = people::below(db, &device.employee.nip)?;
    for scope::Sent { name, kind } in scope::streams_of(&device.employee, &below) {
        let Some(mut reading) = open(db, &name, kind.map(Kind::number), query)? else { continue };
        if name == scope::KABUPATEN && reading.is_new && query.newest_first {
            reading.rows = needed_by_every_screen(db, &device.employee)?;
            budget.take(reading.rows.len(), reading.rows.iter().map(|row| encode(row).len()).sum());
            budget.taken = 0;
        }
        readings.push(reading);
    }
    for mut reading in readings {
        if !read(db, &mut reading, query.device, &mut budget)? {
            // What is small enough of a later stream does not overtake what is left of this one.
            (news.more, budget.rows) = (true, 0);
        }
        let stands_already = query.cursors.contains(&reading.cursor) || reading.cursor.position == 0;
        if !stands_already || !reading.rows.is_empty() {
            news.pages.push(Page { rows: reading.rows, cursor: reading.cursor });
        }
    }
    Ok(Some(news))
}

fn amendments(db: &Connection, device: DeviceId, above: u64, max: usize) -> Result<Vec<Vec<u8>>, StorageError> {
    // A number beyond any that is given names none above it.
    let above = i64::try_from(above).unwrap_or(i64::MAX);
    db.prepare_cached("SELECT receipt FROM amendment WHERE device = ? AND number > ? ORDER BY number LIMIT ?")?
        .query_map(params![device.to_string(), above, as_sql(max as u64)?], |row| row.get(0))?
        .map(|receipt| Ok(receipt?))
        .collect()
}

/// The people of a unit, so many at most.
pub const PEOPLE_OF_UNIT: &str = "SELECT body FROM person WHERE unit = ? ORDER BY nip LIMIT ?";

/// The rules, and the people of the unit.
fn needed_by_every_screen(db: &Connection, employee: &Employee) -> Result<Vec<Row>, StorageError> {
    let mut rows = Vec::new();
    let mut rules = db.prepare_cached("SELECT body FROM log_rules ORDER BY effective_from")?;
    for body in rules.query_map([], |row| row.get::<_, String>(0))? {
        rows.push(Row::Record(serde_json::to_string(&ServerRecord::LogRules(serde_json::from_str(&body?)?))?));
    }
    let mut people = db.prepare_cached(PEOPLE_OF_UNIT)?;
    for body in people.query_map(params![employee.unit.as_str(), ITEM_ROWS_MAX], |row| row.get::<_, String>(0))? {
        rows.push(Row::Record(serde_json::to_string(&ServerRecord::Employee(serde_json::from_str(&body?)?))?));
    }
    Ok(rows)
}

/// The stream, and where the device stands in it; `None` where there is none yet.
fn open(db: &Connection, name: &str, kind: Option<u16>, query: &NewsQuery) -> Result<Option<Reading>, StorageError> {
    let last = db
        .prepare_cached("SELECT id, position, hash FROM stream WHERE name = ?")?
        .query_row([name], |row| {
            Ok(Cursor { stream: row.get(0)?, position: row.get::<_, i64>(1)?.unsigned_abs(), hash: row.get(2)?, below: None })
        })
        .optional()?;
    let Some(last) = last else { return Ok(None) };
    let kept = query.cursors.iter().find(|cursor| cursor.stream == last.stream);
    let stands = match kept {
        // Nearly always.
        Some(cursor) if (cursor.position, cursor.hash) == (last.position, last.hash) => true,
        Some(cursor) => hash_at(db, cursor.stream, cursor.position)? == Some(cursor.hash),
        None => false,
    };
    let cursor = match kept.filter(|_| stands) {
        Some(cursor) => *cursor,
        None if query.newest_first => Cursor { below: Some(last.position + 1), ..last },
        None => Cursor { position: 0, hash: [0; 8], ..last },
    };
    Ok(Some(Reading { kind, last, cursor, is_new: !stands, rows: Vec::new() }))
}

/// The hash of the row at a position; zeroes before the first.
fn hash_at(db: &Connection, stream: u32, position: u64) -> Result<Option<[u8; 8]>, StorageError> {
    let Ok(position) = i64::try_from(position) else { return Ok(None) };
    if position == 0 {
        return Ok(Some([0; 8]));
    }
    let mut select = db.prepare_cached("SELECT hash FROM stream_row WHERE stream = ? AND position = ?")?;
    Ok(select.query_row(params![stream, position], |row| row.get(0)).optional()?)
}

/// Takes rows and moves the cursor; whether that was all.
fn read(db: &Connection, reading: &mut Reading, asking: DeviceId, budget: &mut Budget) -> Result<bool, StorageError> {
    if let Some(below) = reading.cursor.below
        && !read_back(db, reading, below, asking, budget)?
    {
        return Ok(false);
    }
    read_on(db, reading, asking, budget)
}

/// Takes documents and records that first appeared below, the last first, each whole; whether those were all.
fn read_back(
    db: &Connection,
    reading: &mut Reading,
    below: u64,
    asking: DeviceId,
    budget: &mut Budget,
) -> Result<bool, StorageError> {
    let mut select = db.prepare_cached(
        "SELECT first, kind, id, last FROM stream_item WHERE stream = ?1 AND first < ?2 AND row_count <= ?3 AND bytes <= ?4
         AND (?5 IS NULL OR kind = ?5) ORDER BY first DESC",
    )?;
    let (stream, position) = (reading.cursor.stream, as_sql(reading.cursor.position)?);
    let below = i64::try_from(below).unwrap_or(i64::MAX);
    let mut items = select.query(params![stream, below, ITEM_ROWS_MAX, ITEM_BYTES_MAX, reading.kind])?;
    let mut seen = 0;
    while let Some(item) = items.next()? {
        let (first, kind): (i64, i64) = (item.get(0)?, item.get(1)?);
        let rows = if kind == RECORD {
            record(db, stream, item.get(3)?)?
        } else {
            document(db, (stream, position), kind, item.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?, asking)?
        };
        let bytes = rows.iter().map(|row| encode(row).len()).sum();
        if seen == PAGE_ITEMS_MAX || (!rows.is_empty() && !budget.fits(rows.len(), bytes)) {
            reading.cursor.below = Some(first.unsigned_abs() + 1);
            return Ok(false);
        }
        budget.take(rows.len(), bytes);
        reading.rows.extend(rows);
        seen += 1;
    }
    reading.cursor.below = None;
    let first_large: Option<i64> = db
        .prepare_cached("SELECT min(first) FROM stream_item WHERE stream = ? AND first <= ? AND (row_count > ? OR bytes > ?)")?
        .query_row(params![stream, position, ITEM_ROWS_MAX, ITEM_BYTES_MAX], |row| row.get(0))?;
    if let Some(before) = first_large.map(|first| first.unsigned_abs().saturating_sub(1)) {
        // What follows is given once more, which is harmless.
        let hash = hash_at(db, stream, before)?.ok_or_else(|| StorageError::Damaged("a stream without a row".to_owned()))?;
        reading.cursor = Cursor { stream, position: before, hash, below: None };
    }
    Ok(true)
}

/// The rows of a document up to a position of the stream, each change once.
fn document(
    db: &Connection,
    (stream, position): (u32, i64),
    kind: i64,
    id: &str,
    asking: DeviceId,
) -> Result<Vec<Row>, StorageError> {
    let mut select = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM change
         JOIN bundle ON bundle.device = change.device AND bundle.number = change.bundle_number
         JOIN device ON device.id = change.device
         WHERE change.kind = ? AND change.id = ? AND change.device <> ?
         AND EXISTS (SELECT 1 FROM stream_row WHERE stream_row.change = seq AND stream = ? AND position <= ?)
         ORDER BY seq"
    ))?;
    let rows = select.query_map(params![kind, id, asking.to_string(), stream, position], |row| row_of(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn record(db: &Connection, stream: u32, position: i64) -> Result<Vec<Row>, StorageError> {
    let mut select = db.prepare_cached("SELECT content FROM stream_row WHERE stream = ? AND position = ?")?;
    Ok(vec![Row::Record(select.query_row(params![stream, position], |row| row.get(0))?)])
}

/// Takes the rows behind the cursor; whether those were all.
fn read_on(db: &Connection, reading: &mut Reading, asking: DeviceId, budget: &mut Budget) -> Result<bool, StorageError> {
    if reading.cursor.position == reading.last.position {
        return Ok(true);
    }
    let mut select = db.prepare_cached(&format!(
        "SELECT position, stream_row.hash, content, {COLUMNS} FROM stream_row
         LEFT JOIN change ON change.seq = stream_row.change
         LEFT JOIN bundle ON bundle.device = change.device AND bundle.number = change.bundle_number
         LEFT JOIN device ON device.id = change.device
         WHERE stream = ?1 AND position > ?2 AND change.device IS NOT ?3 AND (?4 IS NULL OR change.kind = ?4) ORDER BY position"
    ))?;
    let stream = reading.cursor.stream;
    let mut found = select.query(params![stream, as_sql(reading.cursor.position)?, asking.to_string(), reading.kind])?;
    while let Some(found) = found.next()? {
        let row = match found.get::<_, Option<String>>(2)? {
            Some(json) => Row::Record(json),
            None => row_of(found, 3)?,
        };
        let bytes = encode(&row).len();
        if !budget.fits(1, bytes) {
            return Ok(false);
        }
        budget.take(1, bytes);
        reading.rows.push(row);
        reading.cursor = Cursor { stream, position: found.get::<_, i64>(0)?.unsigned_abs(), hash: found.get(1)?, below: None };
    }
    // Past the device's own rows at the end, too.
    reading.cursor = reading.last;
    Ok(true)
}
