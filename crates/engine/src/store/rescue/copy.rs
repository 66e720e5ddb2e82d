//! Row by row out of a damaged database: with SQLite as far as it comes, and then out of its pages.

use std::fs;
use std::path::Path;

use lentera_document::guard;
use lentera_domain::Kind;
use lentera_domain::server_record::ServerRecord;
use lentera_protocol::Hash;
use rusqlite::types::Value;
use rusqlite::{Connection, Statement, params, params_from_iter};

use super::beside;
use super::pages::Pages;
use crate::store::StoreError;

/// What is worth carrying over. Projections are made anew, tries to send are told no more.
const TABLES: [&str; 14] = [
    "identity",
    "earlier_key",
    "bundle",
    "change",
    "draft",
    "draft_aside",
    "quarantine",
    "stream",
    "server_record",
    "pending",
    "suspect",
    "courier",
    "courier_receipt",
    "rescue",
];

/// What was carried over.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Changes.
    pub changes: u32,
    /// Drafts.
    pub drafts: u32,
    /// What was spoilt and is kept aside, or points to what is gone.
    pub missing: Missing,
}

/// What could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Of the changes and of this device's log.
    log: bool,
    /// Of what the server gives.
    fetched: bool,
    /// Of the rest.
    other: bool,
}

impl Missing {
    /// Whether work of this device may be missing.
    pub const fn is_log(self) -> bool {
        self.log
    }

    /// Whether all is to be fetched again.
    pub const fn is_fetched(self) -> bool {
        self.log || self.fetched
    }

    /// Whether nothing is missing.
    pub const fn is_nothing(self) -> bool {
        !self.log && !self.fetched && !self.other
    }

    /// Both together.
    pub const fn and(self, also: Self) -> Self {
        Self { log: self.log || also.log, fetched: self.fetched || also.fetched, other: self.other || also.other }
    }

    /// Of a table, where `any` is.
    fn of(table: &str, any: bool) -> Self {
        let nothing = Self::default();
        match table {
            _ if !any => nothing,
            "identity" | "bundle" | "change" => Self { log: true, ..nothing },
            "server_record" | "stream" | "pending" => Self { fetched: true, ..nothing },
            _ => Self { other: true, ..nothing },
        }
    }
}

/// Copies every row that can be read of the database at `source` into the empty tables of `target`; gives what could not.
///
/// # Errors
/// [`StoreError`] of the target, or of the file.
pub fn all(source: &Path, target: &Connection) -> Result<Missing, StoreError> {
    let tables = TABLES.map(|name| Table::of(target, name)).into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut missing = Missing::default();
    let connection = Connection::open(source)?;
    for table in tables.iter().filter(|table| !table.columns.is_empty()) {
        missing = missing.and(Missing::of(table.name, !walk(&connection, target, table)?));
    }
    // With a journal SQLite would write into the file when it is closed: that is over before it is read.
    drop(connection);
    if !missing.is_nothing() {
        let journal = fs::read(beside(source, "-wal")).unwrap_or_default();
        for (number, mut values) in Pages::new(&fs::read(source)?, &journal).rows() {
            if let Some(table) = tables.iter().find(|table| table.fits(&values)) {
                let mut into = target.prepare(&table.insert(values.len()))?;
                // Of a key that is the row's number the page holds null.
                values
                    .iter_mut()
                    .take(1)
                    .filter(|first| **first == Value::Null)
                    .for_each(|first| *first = Value::Integer(number));
                insert(&mut into, number, values)?;
            }
        }
    }
    Ok(missing)
}

/// A table of the new database.
struct Table {
    name: &'static str,
    /// Name, type, and whether it may be null. None where the table is of a later version than the damaged database.
    columns: Vec<(String, String, bool)>,
}

impl Table {
    fn of(connection: &Connection, name: &'static str) -> Result<Self, StoreError> {
        let mut statement = connection.prepare("SELECT name, type, NOT \"notnull\" OR pk FROM pragma_table_info(?)")?;
        let columns = statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(Self { name, columns: columns.collect::<Result<_, _>>()? })
    }

    /// Whether a row can be one of this table. Rows from before a column was added lack it.
    fn fits(&self, values: &[Value]) -> bool {
        let fits = |((_, kind, nullable), value): (&(String, String, bool), &Value)| match value {
            Value::Null => *nullable,
            Value::Integer(_) => kind == "INTEGER",
            Value::Text(_) => kind == "TEXT",
            Value::Blob(_) => kind == "BLOB",
            Value::Real(_) => false,
        };
        let rest = self.columns.get(values.len()..).unwrap_or_default();
        let added = |(name, _, nullable): &(String, String, bool)| *nullable || name == "key_state";
        !self.columns.is_empty()
            && values.len() <= self.columns.len()
            && self.columns.iter().zip(values).all(fits)
            && rest.iter().all(added)
    }

    fn names(&self, count: usize) -> String {
        self.columns.iter().take(count).map(|(name, ..)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// A row that is there already stays as it is.
    fn insert(&self, count: usize) -> String {
        let places = vec!["?"; count + 1].join(", ");
        format!("INSERT OR IGNORE INTO {} (rowid, {}) VALUES ({places})", self.name, self.names(count))
    }
}

/// Walks through a table up to a damaged page, or whatever it is that SQLite stops at; gives whether it came to the end.
fn walk(source: &Connection, target: &Connection, table: &Table) -> Result<bool, StoreError> {
    let count = table.columns.len();
    let select = format!("SELECT rowid, {} FROM {} NOT INDEXED ORDER BY rowid", table.names(count), table.name);
    let mut into = target.prepare(&table.insert(count))?;
    let Ok(mut statement) = source.prepare(&select) else { return Ok(false) };
    let Ok(mut rows) = statement.query([]) else { return Ok(false) };
    loop {
        let Ok(row) = rows.next() else { return Ok(false) };
        let Some(row) = row else { return Ok(true) };
        let values: Result<Vec<Value>, _> = (1..=count).map(|column| row.get(column)).collect();
        let (Ok(number), Ok(values)) = (row.get(0), values) else { return Ok(false) };
        insert(&mut into, number, values)?;
    }
}

/// Keeps a row. One that does not fit its table any more is not what was written: it stays in the file that is set aside.
fn insert(into: &mut Statement<'_>, number: i64, values: Vec<Value>) -> Result<(), StoreError> {
    match into.execute(params_from_iter(std::iter::once(Value::Integer(number)).chain(values))) {
        Err(error) if !is_misfit(&error) => Err(error.into()),
        _ => Ok(()),
    }
}

fn is_misfit(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(failure, _)
        if matches!(failure.code, rusqlite::ErrorCode::ConstraintViolation | rusqlite::ErrorCode::TypeMismatch))
}

/// Puts aside what was read and is not what was written, and mends what points to rows that are gone.
///
/// # Errors
/// [`StoreError`].
pub fn mend(target: &Connection) -> Result<Counts, StoreError> {
    let changes = put_aside(target, "change", "position", "kind, hash, bytes", |row| {
        let (kind, hash, bytes): (u16, Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let known = Kind::from_number(kind).is_some();
        let name = if known { guard::change_hash(&bytes) } else { Some(Hash::of(&bytes).0) };
        Ok((name.is_some_and(|name| name.as_slice() == hash), bytes))
    })?;
    let bundles = put_aside(target, "bundle", "row", "hash, sealed", |row| {
        let (hash, sealed): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
        Ok((Hash::of(&sealed).0.as_slice() == hash, sealed))
    })?;
    let drafts = put_aside(target, "draft", "rowid", "content", |row| {
        let content: String = row.get(0)?;
        Ok((serde_json::from_str::<serde_json::Value>(&content).is_ok(), content.into_bytes()))
    })?;
    let records = put_aside(target, "server_record", "rowid", "body", |row| {
        let body: String = row.get(0)?;
        Ok((serde_json::from_str::<ServerRecord>(&body).is_ok(), body.into_bytes()))
    })?;
    let unbound = target
        .execute("UPDATE change SET bundle = NULL WHERE bundle IS NOT NULL AND bundle NOT IN (SELECT row FROM bundle)", [])?
        + target.execute(
            "UPDATE change SET replaces = NULL WHERE replaces IS NOT NULL AND replaces NOT IN (SELECT position FROM change)",
            [],
        )?;
    let missing = Missing { log: changes + bundles + unbound > 0, fetched: records > 0, other: drafts > 0 };
    let count = |sql: &str| target.query_row(sql, [], |row| row.get(0));
    Ok(Counts { changes: count("SELECT count(*) FROM change")?, drafts: count("SELECT count(*) FROM draft")?, missing })
}

/// Moves rows that are not whole to `quarantine`; gives how many.
fn put_aside(
    target: &Connection,
    table: &str,
    key: &str,
    columns: &str,
    read: impl Fn(&rusqlite::Row<'_>) -> Result<(bool, Vec<u8>), rusqlite::Error>,
) -> Result<usize, StoreError> {
    let mut spoilt: Vec<(i64, Vec<u8>)> = Vec::new();
    let mut statement = target.prepare(&format!("SELECT {columns}, {key} FROM {table}"))?;
    let key_column = statement.column_count().saturating_sub(1);
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (whole, bytes) = read(row).unwrap_or((false, Vec::new()));
        if !whole {
            spoilt.push((row.get(key_column)?, bytes));
        }
    }
    for (position, bytes) in &spoilt {
        let sql = "INSERT INTO quarantine (received_at, code, bytes) VALUES (0, 'damaged', ?) ON CONFLICT (bytes) DO NOTHING";
        target.execute(sql, params![bytes])?;
        target.execute(&format!("DELETE FROM {table} WHERE {key} = ?"), [position])?;
    }
    Ok(spoilt.len())
}
