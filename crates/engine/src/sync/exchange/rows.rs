//! Rows of streams: what others wrote, and what the server alone writes. What cannot be taken is kept aside and holds nothing up.

use lentera_document::Document;
use lentera_document::guard::{self, Refusal, Watch};
use lentera_domain::server_record::ServerRecord;
use lentera_domain::{Kind, RecordId, Timestamp};
use lentera_protocol::stream::Row;
use rusqlite::Connection;
use uuid::Uuid;

use crate::store::{StoreError, change, pending, quarantine, record, server_record, suspect};

/// Why a record of the server is kept aside: this app is too old for it, or it is none.
const UNKNOWN_RECORD: &str = "record";

/// Takes rows, one after another.
pub struct Rows<'a> {
    connection: &'a Connection,
    now: Timestamp,
    watch: &'a dyn Watch,
    /// The document that the last row was about: the rows of one come together.
    last: Option<Document>,
}

/// What became of a row about a record.
enum Taken {
    /// It is in its document now.
    Here,
    /// It was there already, or is put aside.
    Nothing,
    /// It has to wait.
    Waits,
}

impl<'a> Rows<'a> {
    /// For the rows of one answer.
    pub const fn new(connection: &'a Connection, now: Timestamp, watch: &'a dyn Watch) -> Self {
        Self { connection, now, watch, last: None }
    }

    /// Takes one row.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn take(&mut self, row: &Row) -> Result<(), StoreError> {
        let Row::Change { kind, id, .. } = row else { return self.take_record(row) };
        match self.take_change(row)? {
            Taken::Here => self.take_pending(*kind, *id),
            Taken::Nothing => Ok(()),
            Taken::Waits => pending::insert(self.connection, self.now, row),
        }
    }

    /// Tries what waits again, of all records: this app may have become newer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn take_all_pending(&mut self) -> Result<(), StoreError> {
        for (position, json) in quarantine::of_code(self.connection, UNKNOWN_RECORD)? {
            if let Ok(record) = serde_json::from_slice::<ServerRecord>(&json) {
                // The newest first: what is there already is newer still.
                server_record::put_missing(self.connection, &record)?;
                quarantine::remove_taken(self.connection, position)?;
            }
        }
        for (kind, id) in pending::records(self.connection)? {
            self.take_pending(kind, id)?;
        }
        Ok(())
    }

    /// Tries what waits for changes of one record, as long as any of it can be taken.
    fn take_pending(&mut self, kind: u16, id: [u8; 16]) -> Result<(), StoreError> {
        loop {
            let mut any = false;
            for (position, row) in pending::of_record(self.connection, kind, id)? {
                let taken = self.take_change(&row)?;
                if !matches!(taken, Taken::Waits) {
                    pending::remove(self.connection, position)?;
                }
                any |= matches!(taken, Taken::Here);
            }
            if !any {
                return Ok(());
            }
        }
    }

    fn take_record(&self, row: &Row) -> Result<(), StoreError> {
        let Row::Record(json) = row else { return Ok(()) };
        match serde_json::from_str::<ServerRecord>(json) {
            Ok(record) => server_record::put(self.connection, &record),
            Err(_) => quarantine::insert(self.connection, self.now, UNKNOWN_RECORD, json.as_bytes()),
        }
    }

    fn take_change(&mut self, row: &Row) -> Result<Taken, StoreError> {
        let Row::Change { kind, id, bytes, origin } = row else { return Ok(Taken::Nothing) };
        let aside = |code: &str| quarantine::insert(self.connection, self.now, code, bytes).map(|()| Taken::Nothing);
        if bytes.len() > guard::CHANGE_BYTES_MAX {
            return aside(Refusal::TooLarge.code());
        }
        if suspect::is_poisoned(self.connection, guard::watch_hash(bytes))? {
            return aside("poisoned");
        }
        // Of a newer version: it waits until this app is one, too.
        let Some(kind) = Kind::from_number(*kind) else { return Ok(Taken::Waits) };
        let id = RecordId { kind, id: Uuid::from_bytes(*id) };
        let (document, whole) = match self.last.take() {
            Some(document) if document.id() == id => (document, true),
            _ => {
                let loaded = record::load_with_stranded(self.connection, id)?;
                (loaded.document, loaded.stranded.is_empty())
            }
        };
        match guard::examine(&document, None, bytes, self.watch) {
            Ok(accepted) if accepted.known => {
                change::confirm(self.connection, id, accepted.hash, origin.as_ref())?;
                self.last = whole.then_some(document);
                Ok(Taken::Nothing)
            }
            Ok(accepted) => {
                change::insert_foreign(self.connection, id, accepted.hash, bytes, origin.as_ref())?;
                // What was lost of a database and has come again may be what others stood on.
                let document = if whole { accepted.document } else { record::load(self.connection, id)? };
                record::show(self.connection, &document)?;
                self.last = whole.then_some(document);
                Ok(Taken::Here)
            }
            Err(Refusal::Need(_)) => {
                self.last = whole.then_some(document);
                Ok(Taken::Waits)
            }
            Err(refusal) => {
                self.last = whole.then_some(document);
                aside(refusal.code())
            }
        }
    }
}
