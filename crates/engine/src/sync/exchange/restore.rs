//! Our log against the server's: a server restored from a backup is given again what it had; a device whose disk was set back stops
//! before one number gets two contents.

use lentera_protocol::sync::{Answer, Last};
use rusqlite::Connection;

use super::reissue;
use crate::store::identity::{self, Identity, KeyState};
use crate::store::{StoreError, bundle, stream};

/// Compares what the server holds of this key with what is here, after its receipts were taken. Gives whether there is more to be said
/// at once. `told_before` is the last number that it had told.
///
/// # Errors
/// [`StoreError`].
pub fn compare(
    connection: &Connection,
    identity: &mut Identity,
    told_before: Option<u64>,
    last: Option<Last>,
) -> Result<bool, StoreError> {
    if identity.key_state == KeyState::Frozen {
        return Ok(false);
    }
    let device = identity.device();
    let held = last.map_or(0, |last| last.number);
    let (sealed, _) = bundle::last(connection, device)?;
    let is_ours = match last {
        Some(last) => bundle::find(connection, device, last.number)?.is_none_or(|kept| kept.hash == last.hash),
        None => true,
    };
    // Each number behind what the server holds must be here, or it never can be given.
    let whole = held <= sealed && is_ours && bundle::count_after(connection, device, held)? == sealed - held;
    let state = if whole { KeyState::Good } else { KeyState::Frozen };
    let doubted = identity.key_state != state;
    if doubted {
        identity.key_state = state;
        identity::set_key_state(connection, state)?;
    }
    if !whole {
        return Ok(false);
    }
    let receipted = bundle::last_receipted(connection, device)?;
    let restored = held < receipted;
    // Told of for the first time.
    if restored && told_before.is_none_or(|before| before >= receipted) {
        bundle::return_earlier_keys(connection, device)?;
    }
    let progress = told_before.is_none_or(|before| before >= receipted || before < held);
    Ok(doubted || (restored && progress))
}

/// Takes what the server says of the bundles of earlier keys that a request gave again: `returned` are their places in it, up to where the
/// server `stopped` reading. What it cannot take from them is written anew. Gives whether there is more to be given.
///
/// # Errors
/// [`StoreError`].
pub fn take_returned(
    connection: &Connection,
    identity: &mut Identity,
    returned: &[(u32, i64)],
    answer: &Answer,
    stopped: Option<u32>,
) -> Result<bool, StoreError> {
    let read = returned.iter().filter(|(place, _)| stopped.is_none_or(|stopped| *place < stopped));
    let (mut is_forgotten, mut is_doubted) = (false, false);
    for (place, row) in read {
        let code =
            answer.unreadable.iter().find(|unreadable| unreadable.index == *place).map(|unreadable| unreadable.code.as_str());
        match code {
            None => bundle::set_returned(connection, *row)?,
            // It waits for the operator.
            Some("held") => is_doubted |= bundle::doubt_held(connection, *row)?,
            // It or its receipt is damaged, or nobody knows its key any more.
            Some(_) => {
                bundle::forget(connection, *row)?;
                is_forgotten = true;
            }
        }
    }
    if is_forgotten {
        // Not the very changes that stand already, of which one may wait; and others' rows may have gone with them.
        identity.generation = identity::raise_generation(connection)?;
        reissue::under_new_key(connection, identity)?;
    }
    if is_forgotten || is_doubted {
        stream::clear(connection)?;
    }
    Ok(is_forgotten || is_doubted || !bundle::to_return(connection, 1)?.is_empty())
}
