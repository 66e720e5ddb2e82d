//! Receipts: the server's word for our bundles, from an answer or from a file.

use std::collections::HashMap;

use lentera_domain::Timestamp;
use lentera_protocol::bundle::Bundle;
use lentera_protocol::receipt::{Outcome, Receipt, WHOLE_BUNDLE};
use lentera_protocol::sign::{peek, verify};
use rusqlite::Connection;

use super::reissue;
use crate::store::change::{self, ACCEPTED, NEED, OwnChange, REPLACED};
use crate::store::identity::Identity;
use crate::store::{StoreError, bundle};

/// What a receipt was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipted {
    /// The server's word for one of our bundles; it is noted.
    Ours {
        /// The number of the amendment, where it is one to this device's present key.
        amendment: Option<u64>,
    },
    /// The server's word for a bundle of another device.
    Others,
    /// Not the server's word, or for a bundle that is not as we sealed it.
    Not,
}

/// Takes a receipt: what it says of each change is noted, and what was refused for no fault of the person's is written anew.
///
/// # Errors
/// [`StoreError`].
pub fn take(connection: &Connection, identity: &mut Identity, sealed: &[u8]) -> Result<Receipted, StoreError> {
    let Ok(receipt) = verify::<Receipt>(sealed, &identity.server_key) else { return Ok(Receipted::Not) };
    let Some(kept) = bundle::find(connection, receipt.device, receipt.number)? else {
        let known = receipt.device == identity.device();
        return Ok(if known { Receipted::Not } else { Receipted::Others });
    };
    if kept.hash != receipt.bundle {
        return Ok(Receipted::Not);
    }
    let amendment = receipt.amendment.filter(|_| receipt.device == identity.device());
    if kept.receipt.is_some_and(|before| !is_later(&receipt, &before)) {
        return Ok(Receipted::Ours { amendment });
    }
    bundle::set_receipt(connection, kept.row, sealed)?;
    let changes = with_indexes(&kept.sealed, change::of_bundle(connection, kept.row)?);
    change::set_arrival(connection, kept.row, Timestamp::from_millis(receipt.time))?;
    let refused = set_outcomes(connection, &receipt, changes)?;
    if !refused.is_empty() {
        reissue::after_refusal(connection, identity, &refused)?;
    }
    Ok(Receipted::Ours { amendment })
}

/// The changes of a bundle with their places in it. Some may be gone from a database that was rescued: a place is known by what was sent.
fn with_indexes(sealed: &[u8], kept: Vec<OwnChange>) -> Vec<(u32, OwnChange)> {
    let sent = peek::<Bundle>(sealed).and_then(|bundle| bundle.read_changes()).unwrap_or_default();
    let is_part = sent.iter().any(|change| change.part.is_some());
    if is_part || sent.len() == kept.len() {
        return (0..).zip(kept).collect();
    }
    let index_of = |own: &OwnChange| sent.iter().position(|change| change.bytes == own.bytes);
    kept.into_iter().filter_map(|own| Some((u32::try_from(index_of(&own)?).ok()?, own))).collect()
}

/// An amendment overrides what came before it.
fn is_later(receipt: &Receipt, before: &[u8]) -> bool {
    peek::<Receipt>(before).is_ok_and(|before| receipt.amendment > before.amendment)
}

/// Notes the outcome of each change; gives those that are refused from now on.
fn set_outcomes(
    connection: &Connection,
    receipt: &Receipt,
    changes: Vec<(u32, OwnChange)>,
) -> Result<Vec<OwnChange>, StoreError> {
    let exceptions: HashMap<u32, &Outcome> =
        receipt.exceptions.iter().map(|exception| (exception.index, &exception.outcome)).collect();
    let mut refused = Vec::new();
    for (index, mut own) in changes {
        let outcome = match exceptions.get(&index).or_else(|| exceptions.get(&WHOLE_BUNDLE)) {
            // Of a kind that the server does not know: it keeps it and passes it on.
            None | Some(Outcome::Unknown) => ACCEPTED,
            Some(Outcome::Need(_)) => NEED,
            Some(Outcome::Refused(code)) => code,
        };
        let before = own.outcome.take();
        // What was written anew stays so, whatever is said of the old; unless that was accepted after all.
        if before.as_deref() == Some(outcome) || (before.as_deref() == Some(REPLACED) && outcome != ACCEPTED) {
            continue;
        }
        change::set_outcome(connection, own.position, outcome)?;
        own.outcome = Some(outcome.to_owned());
        if outcome == ACCEPTED {
            // It may have been left out of its document until now.
            if matches!(before.as_deref(), Some(code) if code != NEED) {
                reissue::show_again(connection, own.record)?;
            }
        } else if outcome != NEED {
            refused.push(own);
        }
    }
    Ok(refused)
}
