//! Rows straight out of the pages of a database file (<https://www.sqlite.org/fileformat2.html>): what SQLite itself cannot reach any more,
//! because a page that leads there is damaged, or the first page of all.

use std::collections::HashMap;

use rusqlite::types::Value;

/// Bytes of a page: SQLite's own choice for our databases.
const PAGE: usize = 4096;
/// Bytes of the header on the first page.
const FILE_HEADER: usize = 100;
/// Type of a page that holds rows of a table.
const LEAF: u8 = 0x0d;
/// Bytes of the journal's header, and of the header of each page in it.
const WAL_HEADER: usize = 32;
const WAL_FRAME_HEADER: usize = 24;
/// Bytes of one row at most; the largest of ours is a parcel.
const ROW_MAX: usize = 128 * 1024;

/// Bytes of one page that its rows may claim in all. Rows of a sound page share none; of a damaged one some rubbish must not keep the sound
/// rows behind it from being read, nor thousands of rows that all claim the same fill the memory.
const CLAIMED_MAX: usize = 8 * PAGE;

/// A row: its number and its values. A value that is the number itself is null.
pub type Row = (i64, Vec<Value>);

/// A database file with its journal, page by page.
pub struct Pages<'a> {
    file: &'a [u8],
    /// Newer pages, from the journal.
    newer: HashMap<usize, &'a [u8]>,
}

impl<'a> Pages<'a> {
    /// The pages of a file and of its journal, which may be empty.
    pub fn new(file: &'a [u8], journal: &'a [u8]) -> Self {
        Self { file, newer: committed(journal) }
    }

    /// All rows that lie on whole pages, of whatever table, each page's in order.
    pub fn rows(&self) -> Vec<Row> {
        let last = self.newer.keys().copied().max().unwrap_or(0).max(self.file.len() / PAGE);
        (1..=last).filter_map(|number| self.rows_of(number)).flatten().collect()
    }

    fn page(&self, number: usize) -> Option<&'a [u8]> {
        let start = number.checked_sub(1)?.checked_mul(PAGE)?;
        self.newer.get(&number).copied().or_else(|| self.file.get(start..start.checked_add(PAGE)?))
    }

    /// The rows of one page; `None` of one that holds none.
    fn rows_of(&self, number: usize) -> Option<Vec<Row>> {
        let page = self.page(number)?;
        let header = if number == 1 { FILE_HEADER } else { 0 };
        if *page.get(header)? != LEAF {
            return None;
        }
        let cells = usize::from(short(page, header + 3)?);
        let places = (0..cells).map_while(|cell| short(page, header + 8 + cell * 2));
        let mut room = CLAIMED_MAX;
        Some(places.filter_map(|place| self.row(page, usize::from(place), &mut room)).collect())
    }

    /// The row at `place` of a page, if `room` is left for it.
    fn row(&self, page: &[u8], place: usize, room: &mut usize) -> Option<Row> {
        let mut bytes = Bytes(page.get(place..)?);
        let length = usize::try_from(bytes.varint()?).ok().filter(|length| *length <= ROW_MAX)?;
        let number = bytes.varint()?;
        let payload = self.payload(bytes, length, room)?;
        Some((number, values(&payload)?))
    }

    /// So many bytes, those that do not fit on the page from the chain of pages behind it.
    fn payload(&self, mut here: Bytes<'_>, length: usize, room: &mut usize) -> Option<Vec<u8>> {
        let most = PAGE - 35;
        let least = (PAGE - 12) * 32 / 255 - 23;
        let local = match length {
            length if length <= most => length,
            length => {
                let fit = least + (length - least) % (PAGE - 4);
                if fit <= most { fit } else { least }
            }
        };
        *room = room.checked_sub(local)?;
        let mut payload = here.take(local)?.to_vec();
        let mut next = if local < length { here.number()? } else { 0 };
        while payload.len() < length {
            let mut page = Bytes(self.page(next)?);
            next = page.number()?;
            payload.extend_from_slice(page.take((length - payload.len()).min(PAGE - 4))?);
        }
        Some(payload)
    }
}

/// The newest committed content of each page in a journal.
fn committed(journal: &[u8]) -> HashMap<usize, &[u8]> {
    let (mut pages, mut waiting) = (HashMap::new(), HashMap::new());
    let salt = journal.get(16..24);
    for frame in journal.get(WAL_HEADER..).unwrap_or_default().chunks_exact(WAL_FRAME_HEADER + PAGE) {
        let Some((header, page)) = frame.split_at_checked(WAL_FRAME_HEADER) else { break };
        if header.get(8..16) != salt {
            // Of an earlier use of the file.
            break;
        }
        let mut header = Bytes(header);
        let (Some(number), Some(size)) = (header.number(), header.number()) else { break };
        waiting.insert(number, page);
        if size > 0 {
            pages.extend(waiting.drain());
        }
    }
    pages
}

/// The values of a record.
fn values(record: &[u8]) -> Option<Vec<Value>> {
    let mut types = Bytes(record);
    let header = usize::try_from(types.varint()?).ok()?;
    let used = record.len().checked_sub(types.0.len())?;
    let mut types = Bytes(types.take(header.checked_sub(used)?)?);
    let mut body = Bytes(record.get(header..)?);
    let mut values = Vec::new();
    while !types.0.is_empty() {
        let value = match types.varint()? {
            0 => Value::Null,
            kind @ 1..=4 => body.integer(usize::try_from(kind).ok()?)?,
            5 => body.integer(6)?,
            6 => body.integer(8)?,
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            kind if kind >= 12 => {
                let bytes = body.take(usize::try_from((kind - 12) / 2).ok()?)?.to_vec();
                if kind % 2 == 0 { Value::Blob(bytes) } else { Value::Text(String::from_utf8(bytes).ok()?) }
            }
            // No column of ours has fractions.
            _ => return None,
        };
        values.push(value);
    }
    Some(values)
}

fn short(page: &[u8], at: usize) -> Option<u16> {
    page.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// Bytes not yet read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A page's number, or a count of pages.
    fn number(&mut self) -> Option<usize> {
        let bytes = <[u8; 4]>::try_from(self.take(4)?).ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    }

    /// An integer of so many bytes.
    fn integer(&mut self, size: usize) -> Option<Value> {
        let bytes = self.take(size)?;
        let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
        let value = bytes.iter().fold(if negative { -1 } else { 0 }, |value: i64, byte| (value << 8) | i64::from(*byte));
        Some(Value::Integer(value))
    }

    /// SQLite's integer of one to nine bytes.
    fn varint(&mut self) -> Option<i64> {
        let mut value = 0_i64;
        for _ in 0..8 {
            let byte = *self.take(1)?.first()?;
            value = (value << 7) | i64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        Some((value << 8) | i64::from(*self.take(1)?.first()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn every_row_is_read_as_sqlite_reads_it_with_a_journal_and_without() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sqlite");
        let database = Connection::open(&path).unwrap();
        database.pragma_update(None, "journal_mode", "WAL").unwrap();
        database.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, a INTEGER, b BLOB, c TEXT) STRICT").unwrap();
        for n in 0_i64..300 {
            let size = usize::try_from(n * n % 20_011).unwrap();
            let integer = [0, 1, -1, 127, -129, 40_000, -9_000_000_000, i64::MIN][usize::try_from(n % 8).unwrap()];
            let row = (n * 1_000_003, integer, vec![7_u8; size], "é".repeat(size / 7));
            database.execute("INSERT INTO t VALUES (?, ?, ?, ?)", row).unwrap();
        }
        let mut statement = database.prepare("SELECT n, a, b, c FROM t").unwrap();
        let expected: Vec<Row> = statement
            .query_map([], |row| Ok((row.get(0)?, vec![Value::Null, row.get(1)?, row.get(2)?, row.get(3)?])))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        drop(statement);
        let read = || {
            let (file, journal) = (std::fs::read(&path).unwrap(), std::fs::read(folder.path().join("x.sqlite-wal")));
            let mut rows = Pages::new(&file, &journal.unwrap_or_default()).rows();
            rows.retain(|(_, values)| values.len() == 4);
            rows.sort_by_key(|(number, _)| *number);
            rows
        };
        assert_eq!(read(), expected);
        drop(database);
        assert!(!folder.path().join("x.sqlite-wal").exists());
        assert_eq!(read(), expected);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(file in proptest::collection::vec(0_u8..=255, 0..9000), journal in proptest::collection::vec(0_u8..=255, 0..9000)) {
            let mut file = file;
            for start in (0..file.len()).step_by(PAGE) {
                file[start] = LEAF;
            }
            Pages::new(&file, &journal).rows();
        }
    }
}
