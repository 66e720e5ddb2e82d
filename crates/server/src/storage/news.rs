//! What a device is told: rows of its streams, later words on its bundles.

use lentera_protocol::stream::{Cursor, Page};
use lentera_protocol::{DeviceId, Hash};

/// Asks what is new for a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewsQuery {
    /// The device. Rows that came from it are passed over.
    pub device: DeviceId,
    /// Where it says it stands, by the streams' numbers. Where a stream has no such row, the device is new to it.
    pub cursors: Vec<Cursor>,
    /// Rows at most.
    pub rows: usize,
    /// Bytes of rows at most, but for those that every screen needs; one row or document is given even if it is larger.
    pub bytes: usize,
    /// A device new to a stream is given what is there newest first, under a cursor with `below`; else oldest first.
    pub newest_first: bool,
    /// Amendments above this number are told, so many at most; `None`: none.
    pub amendments: Option<(u64, usize)>,
}

/// What is new for a device, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Number and hash of its last bundle; 0 and zeroes for none.
    pub last: (u64, Hash),
    /// Its person's scope epoch.
    pub scope_epoch: u32,
    /// Amended receipts, by number.
    pub amendments: Vec<Vec<u8>>,
    /// Pages of its streams.
    pub pages: Vec<Page>,
    /// There is more.
    pub more: bool,
}

impl News {
    /// How many rows there are in the pages.
    pub fn rows(&self) -> usize {
        self.pages.iter().map(|page| page.rows.len()).sum()
    }
}
