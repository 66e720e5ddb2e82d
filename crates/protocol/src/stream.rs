//! Streams: what a device is sent, in order, each with its own cursor.

use minicbor::{Decode, Encode};

use crate::bundle::Stamp;
use crate::limits::{PAGE_INFLATED_MAX, PAGE_ROWS_MAX};
use crate::{Hash, ProtocolError, compress, decode, encode};

/// Where a device stands in one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Cursor {
    /// The server's number of the stream.
    #[n(0)]
    pub stream: u32,
    /// Number of the last row taken; 0 for none.
    #[n(1)]
    pub position: u64,
    /// First 8 bytes of that row's chained hash: tells a server restored from an older backup from one that went on.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub hash: [u8; 8],
    /// While a device that is new to the stream is given what came before `position`, newest first: documents (and records of the
    /// server) that first appeared below this position are still to come. Absent when nothing is. Rows behind `position` follow after.
    #[n(3)]
    pub below: Option<u64>,
}

/// A row of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Row {
    /// A change that the server accepted.
    #[n(0)]
    Change {
        /// Number of the document's kind.
        #[n(0)]
        kind: u16,
        /// Id of the record.
        #[cbor(n(1), with = "minicbor::bytes")]
        id: [u8; 16],
        /// Raw bytes of the Automerge change.
        #[cbor(n(2), with = "minicbor::bytes")]
        bytes: Vec<u8>,
        /// Whose it is and since when: the server's word.
        #[n(3)]
        origin: Option<Origin>,
    },
    /// A record of the server: JSON of `domain::server_record::ServerRecord`.
    #[n(1)]
    Record(#[n(0)] String),
}

/// Where a change came from.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Origin {
    /// NIP of who wrote it.
    #[n(0)]
    pub author: String,
    /// The writing device's clocks when it was saved. The boot clock itself is left out.
    #[n(1)]
    pub saved: Stamp,
    /// When the server accepted it, milliseconds since 1970.
    #[n(2)]
    pub arrived: i64,
}

impl Row {
    /// The chained hash of this row behind `previous`: first 8 bytes of SHA-256(previous ‖ CBOR of the row).
    pub fn chained_hash(&self, previous: &[u8; 8]) -> [u8; 8] {
        let mut bytes = previous.to_vec();
        bytes.extend_from_slice(&encode(self));
        let mut hash = [0; 8];
        hash.iter_mut().zip(Hash::of(&bytes).0).for_each(|(byte, from)| *byte = from);
        hash
    }
}

/// The next rows of one stream. Rows that came from the asking device itself are left out.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Page {
    /// The rows, in order.
    #[n(0)]
    pub rows: Vec<Row>,
    /// Where the device stands after them.
    #[n(1)]
    pub cursor: Cursor,
}

/// Pages compressed together.
///
/// # Errors
/// As [`compress::deflate`].
pub fn pack(pages: &[Page]) -> Result<Vec<u8>, ProtocolError> {
    compress::deflate(&encode(&pages.to_vec()))
}

/// The pages of one answer.
///
/// # Errors
/// [`ProtocolError`] if they are none, or over a limit.
pub fn unpack(frame: &[u8]) -> Result<Vec<Page>, ProtocolError> {
    let pages: Vec<Page> = decode(&compress::inflate(frame, PAGE_INFLATED_MAX)?)?;
    let rows: usize = pages.iter().map(|page| page.rows.len()).sum();
    if rows > PAGE_ROWS_MAX { Err(ProtocolError::TooLarge) } else { Ok(pages) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: Vec<Row>) -> Page {
        Page { rows, cursor: Cursor { stream: 1, position: 9, hash: [1; 8], below: None } }
    }

    #[test]
    fn rows_are_taken_up_to_their_number_on_however_many_pages() {
        let rows = |count| vec![Row::Record("{}".to_owned()); count];
        for on_the_first in [0, 1, PAGE_ROWS_MAX] {
            let pages = |count| vec![page(rows(on_the_first)), page(rows(count - on_the_first))];
            let most = pages(PAGE_ROWS_MAX);
            assert_eq!(unpack(&pack(&most).unwrap()), Ok(most));
            assert_eq!(unpack(&pack(&pages(PAGE_ROWS_MAX + 1)).unwrap()), Err(ProtocolError::TooLarge));
        }
    }

    #[test]
    fn pages_are_inflated_up_to_their_limit() {
        let of = |length| vec![page(vec![Row::Record("x".repeat(length))])];
        let beside = encode(&of(100_000)).len() - 100_000;
        let most = of(PAGE_INFLATED_MAX - beside);
        assert_eq!(encode(&most).len(), PAGE_INFLATED_MAX);
        assert_eq!(unpack(&pack(&most).unwrap()), Ok(most));
        let over = of(PAGE_INFLATED_MAX - beside + 1);
        assert!(matches!(unpack(&pack(&over).unwrap()), Err(ProtocolError::Malformed(_))));
    }
}
