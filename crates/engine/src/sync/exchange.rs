//! One exchange: from the store to a request, and from an answer into the store. No clock, no network.

use std::collections::HashMap;

use lentera_api::view::Cause;
use lentera_document::guard::{self, Refusal};
use lentera_domain::server_record::ServerRecord;
use lentera_domain::{Kind, RecordId, Timestamp};
use lentera_protocol::bundle::{self, Bundle, Stamp};
use lentera_protocol::receipt::{Outcome, Receipt};
use lentera_protocol::sign::{sign, verify};
use lentera_protocol::stream::{Row, unpack};
use lentera_protocol::sync::{Answer, Header, Reply};
use lentera_protocol::{Hash, VERSION, frame, limits, sync};
use rusqlite::Connection;
use uuid::Uuid;

use crate::platform::Response;
use crate::store::identity::{self, Identity};
use crate::store::{self, Store, StoreError, change, quarantine, record, server_record, stream, umkm};

/// Changes looked at for one bundle.
const PACK_WINDOW: usize = limits::BUNDLE_CHANGES_MAX;

/// A request ready to go.
#[derive(Debug)]
pub struct Request {
    /// Where to.
    pub url: String,
    /// The body.
    pub body: Vec<u8>,
    counter: u64,
    /// Numbers of the bundles it carries, in order.
    bundles: Vec<u64>,
}

/// How an exchange went.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Exchange {
    /// Why it failed, if it did.
    pub failed: Option<Cause>,
    /// Receipts that came.
    pub receipts: u32,
    /// Rows of streams that came.
    pub rows: u32,
    /// Requests it took.
    pub round_trips: u32,
    /// Bytes of bodies sent.
    pub sent: u32,
    /// Bytes of bodies received.
    pub received: u32,
    /// The server has more for us.
    #[serde(skip)]
    pub more: bool,
    /// Seconds the server asked for.
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

/// Seals what waits and makes the request that carries up to `budget` bundles. One transaction: what the request holds is on the disk first.
///
/// # Errors
/// [`StoreError`]; `Ok(None)` where nobody is enrolled.
pub fn prepare(store: &mut Store, stamp: impl FnOnce(&Identity) -> Stamp, budget: usize) -> Result<Option<Request>, StoreError> {
    store.write(|transaction| {
        let Some(identity) = identity::find(transaction)? else { return Ok(None) };
        seal_waiting(transaction, &identity, stamp(&identity))?;
        let counter = identity::next_request_counter(transaction)?;
        let header = Header {
            version: VERSION,
            device: identity.device(),
            counter,
            scope_epoch: identity.scope_epoch,
            cursors: stream::cursors(transaction)?,
        };
        let mut body = Vec::new();
        frame::push(&mut body, &sign(&header, &identity.device_key));
        let mut bundles = Vec::new();
        for waiting in store::bundle::unreceipted(transaction, budget.min(limits::REQUEST_BUNDLES_MAX))? {
            if body.len() + waiting.sealed.len() + 4 > limits::REQUEST_MAX {
                break;
            }
            frame::push(&mut body, &waiting.sealed);
            bundles.push(waiting.number);
        }
        let url = format!("{}/v1/sync", identity.server.trim_end_matches('/'));
        Ok(Some(Request { url, body, counter, bundles }))
    })
}

/// Seals all unsealed changes into bundles, each once and for ever.
fn seal_waiting(connection: &Connection, identity: &Identity, stamp: Stamp) -> Result<(), StoreError> {
    let (mut number, mut previous) = store::bundle::last(connection)?;
    let last_receipt = store::bundle::last_receipted(connection)?;
    loop {
        let (positions, changes): (Vec<i64>, Vec<bundle::Change>) =
            change::unsealed(connection, PACK_WINDOW)?.into_iter().unzip();
        if changes.is_empty() {
            return Ok(());
        }
        let (packed, count) = bundle::pack(&changes)?;
        number += 1;
        let bundle = Bundle {
            device: identity.device(),
            number,
            previous,
            generation: identity.generation,
            last_receipt,
            scope_epoch: identity.scope_epoch,
            sealed: stamp,
            changes: packed,
        };
        let sealed = bundle.seal(&identity.device_key);
        previous = Hash::of(&sealed);
        store::bundle::insert(connection, number, &sealed, stamp.wall)?;
        change::set_bundle(connection, positions.into_iter().take(count), number)?;
    }
}

/// Takes a response into the store, as one transaction: receipts, rows and cursors together or not at all.
///
/// # Errors
/// [`StoreError`] where the store fails; whatever is wrong with the response is told in [`Exchange::failed`].
pub fn absorb(store: &mut Store, request: &Request, response: &Response, now: Timestamp) -> Result<Exchange, StoreError> {
    let failed = |cause| Exchange { failed: Some(cause), retry_after: response.retry_after, ..Exchange::default() };
    let Some(identity) = identity::find(store.read())? else { return Ok(failed(Cause::Storage)) };
    let reply = match verify::<Reply<Answer>>(&response.body, &identity.server_key) {
        Ok(reply) => reply.into_inner(),
        Err(_) if response.status == 503 => return Ok(failed(Cause::Busy)),
        Err(lentera_protocol::ProtocolError::BadSignature) => return Ok(failed(Cause::NotOurServer)),
        Err(_) => return Ok(failed(Cause::WrongAddress)),
    };
    let answer = match reply {
        Reply::Done(answer) if answer.counter == request.counter => answer,
        Reply::Done(_) => return Ok(failed(Cause::BadAnswer)),
        Reply::Refused(refusal) => {
            return Ok(failed(match refusal {
                sync::Refusal::Busy(_) => Cause::Busy,
                sync::Refusal::Revoked | sync::Refusal::UnknownDevice => Cause::Revoked,
                sync::Refusal::Version => Cause::AppTooOld,
                _ => Cause::BadAnswer,
            }));
        }
    };
    let Ok(pages) = unpack(&answer.pages) else { return Ok(failed(Cause::BadAnswer)) };
    store.write(|transaction| {
        let mut exchange = Exchange { more: answer.more, ..Exchange::default() };
        for sealed in &answer.receipts {
            if take_receipt(transaction, &identity, request, &sealed.0)? {
                exchange.receipts += 1;
            } else {
                quarantine::insert(transaction, now, "receipt", &sealed.0)?;
            }
        }
        if exchange.receipts > 0 {
            identity::note_arrival(transaction, now)?;
        }
        let mut regions_came = false;
        for page in &pages {
            for row in &page.rows {
                take_row(transaction, row, now)?;
                exchange.rows += 1;
                regions_came |= matches!(row, Row::Record(record) if record.contains("\"region\""));
            }
            stream::set(transaction, &page.cursor)?;
        }
        if regions_came {
            umkm::refresh_words(transaction)?;
        }
        identity::note_answer(transaction, answer.scope_epoch, Timestamp::from_millis(answer.time))?;
        if !answer.unreadable.is_empty() {
            exchange.failed = Some(Cause::BadAnswer);
        }
        Ok(exchange)
    })
}

/// Keeps a receipt and notes what arrived. `false` for one that is not the server's word about a bundle of this request.
fn take_receipt(connection: &Connection, identity: &Identity, request: &Request, sealed: &[u8]) -> Result<bool, StoreError> {
    let Ok(receipt) = verify::<Receipt>(sealed, &identity.server_key) else { return Ok(false) };
    let ours = receipt.device == identity.device()
        && request.bundles.contains(&receipt.number)
        && store::bundle::hash(connection, receipt.number)? == Some(receipt.bundle);
    if !ours {
        return Ok(false);
    }
    let exceptions: HashMap<u32, String> = receipt
        .exceptions
        .iter()
        .filter_map(|exception| {
            let code = match &exception.outcome {
                Outcome::Refused(code) => code.clone(),
                Outcome::Need(_) => Refusal::Need([0; 32]).code().to_owned(),
                Outcome::Unknown => return None,
            };
            Some((exception.index, code))
        })
        .collect();
    store::bundle::set_receipt(connection, receipt.number, sealed)?;
    change::set_outcomes(connection, receipt.number, &exceptions)?;
    Ok(true)
}

/// Takes one row of a stream. What cannot be taken is kept aside and does not hold up the rest.
fn take_row(connection: &Connection, row: &Row, now: Timestamp) -> Result<(), StoreError> {
    match row {
        Row::Record(json) => match serde_json::from_str::<ServerRecord>(json) {
            Ok(record) => server_record::put(connection, &record),
            Err(_) => quarantine::insert(connection, now, "record", json.as_bytes()),
        },
        Row::Change { kind, id, bytes } => {
            let Some(known_kind) = Kind::from_number(*kind) else {
                // Of a newer version: kept as it is until this app is one, too.
                return if bytes.len() <= guard::CHANGE_BYTES_MAX {
                    change::insert_foreign(connection, *kind, *id, Hash::of(bytes).0, bytes)
                } else {
                    quarantine::insert(connection, now, Refusal::TooLarge.code(), bytes)
                };
            };
            let record = RecordId { kind: known_kind, id: Uuid::from_bytes(*id) };
            let kept = change::of_record(connection, record)?;
            match guard::examine(record, &kept, None, bytes) {
                Ok(accepted) if accepted.known => Ok(()),
                Ok(accepted) => {
                    change::insert_foreign(connection, *kind, *id, accepted.hash, bytes)?;
                    record::put(connection, record, &accepted.projection)
                }
                Err(refusal) => quarantine::insert(connection, now, refusal.code(), bytes),
            }
        }
    }
}
