//! Tables in CSV as office programs write them, and what is wrong with them, in words for the operator.

use std::collections::BTreeMap;
use std::fmt;

use csv::{ReaderBuilder, StringRecord};
use lentera_domain::error::Part;
use lentera_domain::{FieldError, Reason};

use super::Failure;

/// Wrong rows that are listed.
const LISTED_MAX: usize = 20;

/// What is wrong with one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// Line of the file, from 1.
    pub line: usize,
    /// Name of the column.
    pub column: String,
    /// Why, in Indonesian.
    pub reason: String,
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Baris {}, {}: {}.", self.line, self.column, self.reason)
    }
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// What is wrong with the file.
    #[error("{}", tell(.0))]
    Rows(Vec<RowError>),
    /// A fault of the server's.
    #[error(transparent)]
    Failure(#[from] Failure),
}

fn tell(errors: &[RowError]) -> String {
    let mut told: Vec<_> = errors.iter().take(LISTED_MAX).map(ToString::to_string).collect();
    if errors.len() > LISTED_MAX {
        told.push(format!("Masih ada {} kesalahan lain.", errors.len() - LISTED_MAX));
    }
    told.join("\n") + " Tidak ada yang diimpor."
}

/// A table whose columns are known by their names.
#[derive(Debug)]
pub struct Table {
    columns: BTreeMap<String, usize>,
    /// Each with its line.
    rows: Vec<(usize, StringRecord)>,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    table: &'a Table,
    line: usize,
    record: &'a StringRecord,
}

impl Table {
    /// Reads a table with exactly these columns, in any order: UTF-8 with or without its mark, lines ended by LF or CRLF, values
    /// apart by comma or semicolon.
    pub fn read(bytes: &[u8], columns: &[&str]) -> Result<Self, RowError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| wrong_encoding(bytes, error.valid_up_to()))?;
        let first_line = text.lines().next().unwrap_or_default();
        let delimiter = if first_line.contains(';') { b';' } else { b',' };
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        // A CR alone ends a line, too: the reader takes it as one.
        let breaks = text.bytes().enumerate().filter(|(at, byte)| match byte {
            b'\r' => text.as_bytes().get(at + 1) != Some(&b'\n'),
            byte => *byte == b'\n',
        });
        let breaks: Vec<usize> = breaks.map(|(at, _)| at).collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| file_error(line_at(text, &breaks, error.position()), "tidak terbaca"))?;
            rows.push((line_at(text, &breaks, record.position()), record));
        }
        if rows.is_empty() {
            return Err(file_error(1, "kosong"));
        }
        let (_, header) = rows.remove(0);
        let mut found = BTreeMap::new();
        for (index, name) in header.iter().enumerate() {
            let name = name.to_lowercase();
            let reason = if !columns.contains(&name.as_str()) {
                "kolom tidak dikenal"
            } else if found.insert(name.clone(), index).is_some() {
                "kolom ada dua kali"
            } else {
                continue;
            };
            return Err(RowError { line: 1, column: name, reason: format!("{reason}. Kolom: {}", columns.join(", ")) });
        }
        if let Some(missing) = columns.iter().find(|column| !found.contains_key(**column)) {
            let reason = format!("kolom tidak ada. Kolom: {}", columns.join(", "));
            return Err(RowError { line: 1, column: (*missing).to_owned(), reason });
        }
        rows.retain(|(_, record)| record.iter().any(|value| !value.is_empty()));
        if let Some((line, record)) = rows.iter().find(|(_, record)| record.len() != header.len()) {
            return Err(file_error(*line, &format!("ada {} nilai, seharusnya {}", record.len(), header.len())));
        }
        Ok(Self { columns: found, rows })
    }

    /// Its rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, record)| Row { table: self, line: *line, record })
    }
}

impl<'a> Row<'a> {
    /// The value in this column; empty where there is none.
    pub fn get(self, column: &str) -> &'a str {
        self.table.columns.get(column).and_then(|index| self.record.get(*index)).unwrap_or_default()
    }

    /// `reason` about this column of this row.
    pub fn error(self, column: &str, reason: impl Into<String>) -> RowError {
        RowError { line: self.line, column: column.to_owned(), reason: reason.into() }
    }

    /// The parsed value of a column, or an error put to the others.
    pub fn parse<T>(self, column: &str, parsed: Result<T, FieldError>, errors: &mut Vec<RowError>) -> Option<T> {
        parsed.map_err(|error| errors.push(self.error(column, reason_words(&error.reason)))).ok()
    }
}

/// The line on which a record begins. The reader's own count stands before the blank lines and the LF of a CRLF that it passes over.
fn line_at(text: &str, breaks: &[usize], position: Option<&csv::Position>) -> usize {
    let before = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(0);
    let passed_over = text.bytes().skip(before).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    1 + breaks.partition_point(|at| *at < before + passed_over)
}

fn file_error(line: usize, reason: &str) -> RowError {
    RowError { line, column: "berkas".to_owned(), reason: reason.to_owned() }
}

fn wrong_encoding(bytes: &[u8], valid_up_to: usize) -> RowError {
    let line = 1 + bytes.iter().take(valid_up_to).filter(|byte| **byte == b'\n').count();
    file_error(line, "bukan UTF-8. Simpan sebagai CSV UTF-8")
}

/// Why a value was not taken, as the end of a sentence.
fn reason_words(reason: &Reason) -> String {
    match reason {
        Reason::Missing => "belum diisi".to_owned(),
        Reason::TooLong { length, max } => format!("{length} dari {max} huruf, terlalu panjang"),
        Reason::ControlCharacter { position } => format!("huruf ke-{position} tidak dapat dibaca"),
        // What spreadsheets make of a long number: 1.97203E+17. Its last digits are lost.
        Reason::NotADigit { found: 'E' | 'e' | '+', .. } => {
            "angka rusak oleh lembar kerja. Jadikan kolom ini teks lalu isi lagi".to_owned()
        }
        Reason::NotADigit { found, position } => format!("\"{found}\" di tempat ke-{position} bukan angka"),
        Reason::DigitCount { found, expected } => format!("{found} angka, seharusnya {expected}"),
        Reason::Part { part, value } => format!("salah di {}: {value}", part_words(*part)),
        Reason::UnknownCode { value } => format!("{value} tidak dikenal"),
        Reason::NoSuchTime { value } | Reason::NoSuchDay { value } => format!("{value} tidak ada"),
        Reason::EndNotAfterStart { .. } => "selesai tidak boleh lebih awal dari mulai".to_owned(),
        Reason::FutureDay { day } => format!("{day} belum tiba"),
        Reason::OutOfRange { value, min, max } => format!("{value} bukan angka {min} sampai {max}"),
    }
}

const fn part_words(part: Part) -> &'static str {
    match part {
        Part::Birth => "tanggal lahir",
        Part::Appointment => "tahun pengangkatan",
        Part::Sex => "jenis kelamin",
        Part::Sequence => "nomor urut",
        Part::Region => "kode wilayah",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_an_editor() {
        for (csv, lines) in [
            ("a\n1\n2\n", vec![2, 3]),
            ("a\r\n1\r\n2\r\n", vec![2, 3]),
            ("a\r1\r\r2\r", vec![2, 4]),
            ("\u{feff}a\r\n\r\n1\r\n \r\n2", vec![3, 5]),
            ("\na\n\n\n\"1\nx\"\n2\n", vec![5, 7]),
        ] {
            let table = Table::read(csv.as_bytes(), &["a"]).unwrap();
            assert_eq!(table.rows().map(|row| row.error("a", "").line).collect::<Vec<_>>(), lines, "{csv:?}");
        }
    }
}
