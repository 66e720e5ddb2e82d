//! Sealing: each change goes into one bundle, once and for ever.

use lentera_document::guard::Refusal;
use lentera_protocol::Hash;
use lentera_protocol::bundle::{self, Bundle, Packed, Stamp};
use lentera_protocol::limits;
use rusqlite::Connection;

use super::reissue;
use crate::store::change::{self, Unsealed};
use crate::store::identity::Identity;
use crate::store::{self, StoreError};

/// Whether something is to be sealed.
///
/// # Errors
/// [`StoreError`].
pub fn is_due(connection: &Connection) -> Result<bool, StoreError> {
    Ok(!change::unsealed(connection, 1)?.is_empty())
}

/// Seals all unsealed changes.
///
/// # Errors
/// [`StoreError`].
pub fn seal_waiting(connection: &Connection, identity: &mut Identity, stamp: Stamp) -> Result<(), StoreError> {
    let mut log = Log::open(connection, identity, stamp)?;
    loop {
        let mut waiting = change::unsealed(connection, limits::BUNDLE_CHANGES_MAX)?;
        let Some(Unsealed { position, generation, .. }) = waiting.first().cloned() else { return Ok(()) };
        // A bundle has one generation. Later ones come later: generations only rise.
        waiting.retain(|unsealed| unsealed.generation == generation);
        let (positions, changes): (Vec<i64>, Vec<bundle::Change>) =
            waiting.into_iter().map(|unsealed| (unsealed.position, unsealed.change)).unzip();
        match bundle::pack(&changes) {
            Ok(Packed::Whole(frame, count)) => {
                let row = log.append(connection, identity, generation, frame)?;
                change::set_bundle(connection, positions.into_iter().take(count), row)?;
            }
            Ok(Packed::Parts(frames)) => {
                for frame in frames {
                    let row = log.append(connection, identity, generation, frame)?;
                    change::set_bundle(connection, [position], row)?;
                }
            }
            // No server would take it: told at once instead of holding up the rest.
            Err(_) => {
                change::set_outcome(connection, position, Refusal::TooLarge.code())?;
                let refused = change::find_own(connection, position)?;
                reissue::after_refusal(connection, identity, refused.as_slice())?;
            }
        }
    }
}

/// The end of this key's log.
struct Log {
    stamp: Stamp,
    number: u64,
    previous: Hash,
    last_receipt: u64,
}

impl Log {
    fn open(connection: &Connection, identity: &Identity, stamp: Stamp) -> Result<Self, StoreError> {
        let device = identity.device();
        let (number, previous) = store::bundle::last(connection, device)?;
        Ok(Self { stamp, number, previous, last_receipt: store::bundle::last_receipted(connection, device)? })
    }

    /// Seals the next bundle and keeps it; gives its row.
    fn append(
        &mut self,
        connection: &Connection,
        identity: &Identity,
        generation: u32,
        frame: Vec<u8>,
    ) -> Result<i64, StoreError> {
        let bundle = Bundle {
            device: identity.device(),
            number: self.number + 1,
            previous: self.previous,
            generation,
            last_receipt: self.last_receipt,
            scope_epoch: identity.scope_epoch,
            sealed: self.stamp,
            changes: frame,
        };
        let sealed = bundle.seal(&identity.device_key);
        self.number += 1;
        self.previous = Hash::of(&sealed);
        store::bundle::insert(connection, bundle.device, bundle.number, &sealed, self.stamp.wall)
    }
}
