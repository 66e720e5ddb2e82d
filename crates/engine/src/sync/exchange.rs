//! One exchange: from the store to a request, and from an answer into the store. No clock, no network.

pub mod receipts;
pub mod reissue;
pub mod restore;
pub mod rows;
pub mod seal;

use lentera_api::view::Cause;
use lentera_document::guard::Watch;
use lentera_domain::Timestamp;
use lentera_protocol::bundle::{Boot, Stamp};
use lentera_protocol::handed::{Handed, Other};
use lentera_protocol::sign::{sign, verify};
use lentera_protocol::stream::{Page, Row, unpack};
use lentera_protocol::sync::{Answer, Header, Refusal, Reply, Unreadable};
use lentera_protocol::{DeviceId, Hash, ProtocolError, VERSION, frame, limits};
use minicbor::bytes::ByteArray;
use rusqlite::Connection;

use self::receipts::Receipted;
use self::rows::Rows;
use crate::platform::{Post, Response};
use crate::store::identity::{self, Anchor, Identity, KeyState};
use crate::store::{Store, StoreError, bundle, change, courier, quarantine, stream, umkm};

/// Codes of a frame behind which the server reads no further.
const STOPS: [&str; 2] = ["too_many", "too_large"];

/// A request ready to go.
#[derive(Debug)]
pub struct Request {
    /// As it is sent.
    pub post: Post,
    /// Whose it is.
    device: DeviceId,
    counter: u64,
    /// The colleagues' parcels it carries: place among the frames, and position in the store.
    parcels: Vec<(u32, i64)>,
    /// Bundles of earlier keys that it gives again, in the same way.
    returned: Vec<(u32, i64)>,
    /// How many things it hands over, a question counted.
    pub handed: u32,
    /// It only asks what came through.
    pub asks: bool,
    /// The last bundle that the server had told it holds.
    server_last: Option<u64>,
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
    /// The server has more for us, or there is more to be said: ask again at once.
    #[serde(skip)]
    pub more: bool,
    /// Seconds the server asked for.
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

/// How much one exchange carries. A link that broke carries less next time; one that held, more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bundles of ours.
    bundles: usize,
    /// Bytes of rows of streams, inflated.
    page_bytes: u32,
    /// The last request was cut: what came through of it is asked before anything goes a second time.
    ask: bool,
    /// It was asked last time, and nothing had come through.
    asked_in_vain: bool,
}

impl Budget {
    /// Of the first request: a day's work on one round trip, and a first page that comes soon.
    pub const START: Self = Self { bundles: 16, page_bytes: 16 * 1024, ask: false, asked_in_vain: false };

    /// After an exchange.
    pub fn after(self, went_well: bool) -> Self {
        let bundles = if went_well { self.bundles.saturating_mul(2) } else { self.bundles / 2 };
        let page_bytes = if went_well { self.page_bytes.saturating_mul(2) } else { self.page_bytes / 2 };
        Self {
            bundles: bundles.clamp(1, limits::REQUEST_BUNDLES_MAX),
            page_bytes: page_bytes.clamp(*limits::PAGE_BUDGET.start(), *limits::PAGE_BUDGET.end()),
            ask: false,
            asked_in_vain: false,
        }
    }

    /// After the answer to the question what came through, which brought so many receipts.
    pub const fn after_question(self, receipts: u32) -> Self {
        Self { ask: false, asked_in_vain: receipts == 0, ..self }
    }

    /// After a request that handed over so many things and was cut, or its answer was: the next carries half of them at most. A question that
    /// found nothing is not asked again at once: on a link that breaks after a few kilobytes it would each time take the room of what it asks
    /// for.
    pub fn after_cut(self, handed: usize) -> Self {
        let carried = Self { bundles: self.bundles.min(handed), ..self };
        Self { ask: self.ask || !self.asked_in_vain, ..carried.after(false) }
    }
}

/// What the engine knows when an answer comes.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// Wall clock.
    pub now: Timestamp,
    /// Boot clock.
    pub boot: Option<Boot>,
    /// Is told what is being examined.
    pub watch: &'a dyn Watch,
}

/// Seals what waits and makes the next request. What it holds is on the disk first.
///
/// # Errors
/// [`StoreError`]; `Ok(None)` where nobody is enrolled.
pub fn prepare(store: &mut Store, stamp: impl FnOnce(&Identity) -> Stamp, budget: Budget) -> Result<Option<Request>, StoreError> {
    let Some(mut identity) = identity::find(store.read())? else { return Ok(None) };
    let may_send = identity.key_state == KeyState::Good;
    if may_send && seal::is_due(store.read())? {
        let stamp = stamp(&identity);
        store.write(|transaction| seal::seal_waiting(transaction, &mut identity, stamp))?;
    }
    let counter = store.next_request_counter()?;
    let header = Header {
        version: VERSION,
        device: identity.device(),
        counter,
        scope_epoch: identity.scope_epoch,
        cursors: stream::cursors(store.read())?,
        page_bytes: Some(budget.page_bytes),
        amendment: identity.amendment,
    };
    let mut body = Vec::new();
    frame::push(&mut body, &sign(&header, &identity.device_key));
    let mut room = Room { body: &mut body, left: budget.bundles, pushed: 0 };
    let (mut parcels, mut returned) = (Vec::new(), Vec::new());
    let receipted = bundle::last_receipted(store.read(), header.device)?;
    let asks = may_send && budget.ask && bundle::count_after(store.read(), header.device, receipted)? > 0;
    if asks {
        room.push(Handed::Other(Other::Ask(receipted)));
    } else if may_send {
        let server_last = identity.server_last.unwrap_or(u64::MAX);
        for kept in bundle::to_hand_over(store.read(), identity.device(), server_last, budget.bundles)? {
            if Hash::of(&kept.sealed) != kept.hash {
                // Not what was sealed any more: this key's log has a hole that nothing fills.
                identity::set_key_state(store.read(), KeyState::Frozen)?;
                break;
            }
            let handed = match kept.receipt {
                Some(receipt) => Handed::Other(Other::Returned { sealed: kept.sealed, receipt, key: None }),
                None => Handed::Bundle(kept.sealed),
            };
            if !room.push(handed) {
                break;
            }
        }
        for bundle::Earlier { kept, key } in bundle::to_return(store.read(), budget.bundles)? {
            let (place, row) = (room.pushed, kept.row);
            let handed = match kept.receipt {
                Some(receipt) => Handed::Other(Other::Returned { sealed: kept.sealed, receipt, key: key.map(ByteArray::from) }),
                None => Handed::Bundle(kept.sealed),
            };
            if !room.push(handed) {
                break;
            }
            returned.push((place, row));
        }
        for parcel in courier::next_parcels(store.read(), limits::REQUEST_MAX / 2)? {
            let place = room.pushed;
            if !room.push(Handed::Other(Other::Parcel(parcel.bytes))) {
                break;
            }
            parcels.push((place, parcel.position));
        }
    }
    let handed = room.pushed;
    let url = format!("{}/v1/sync", identity.server.trim_end_matches('/'));
    Ok(Some(Request {
        post: Post { url, body, ca: identity.ca },
        device: header.device,
        counter,
        parcels,
        returned,
        handed,
        asks,
        server_last: identity.server_last,
    }))
}

/// What a request's body may still take.
struct Room<'a> {
    body: &'a mut Vec<u8>,
    left: usize,
    pushed: u32,
}

impl Room<'_> {
    /// Whether it was taken.
    fn push(&mut self, handed: Handed) -> bool {
        let bytes = handed.into_frame();
        if self.left == 0 || self.body.len() + bytes.len() + 4 > limits::REQUEST_MAX {
            return false;
        }
        self.left -= 1;
        self.pushed += 1;
        frame::push(self.body, &bytes);
        true
    }
}

/// Takes a response into the store, as one transaction: receipts, rows and cursors together or not at all.
///
/// # Errors
/// [`StoreError`] where the store fails; whatever is wrong with the response is told in [`Exchange::failed`].
pub fn absorb(store: &mut Store, request: &Request, response: &Response, moment: Moment<'_>) -> Result<Exchange, StoreError> {
    let failed = |cause| Exchange { failed: Some(cause), retry_after: response.retry_after, ..Exchange::default() };
    let Some(identity) = identity::find(store.read())? else { return Ok(failed(Cause::Storage)) };
    if identity.device() != request.device {
        // Another person was enrolled meanwhile: the answer is none of theirs. Who was asking asks again.
        return Ok(Exchange { more: true, ..Exchange::default() });
    }
    let reply = match verify::<Reply<Answer>>(&response.body, &identity.server_key) {
        Ok(reply) => reply.into_inner(),
        Err(_) if response.status == 503 => return Ok(failed(Cause::Busy)),
        Err(ProtocolError::BadSignature) => return Ok(failed(Cause::NotOurServer)),
        Err(_) => return Ok(failed(Cause::WrongAddress)),
    };
    let answer = match reply {
        Reply::Done(answer) if answer.counter == request.counter => answer,
        Reply::Done(_) => return Ok(failed(Cause::BadAnswer)),
        Reply::Refused(refusal) => return absorb_refusal(store, &identity, request, refusal, failed),
    };
    let Ok(pages) = unpack(&answer.pages) else { return Ok(failed(Cause::BadAnswer)) };
    store.write(|transaction| take_answer(transaction, identity, request, &answer, &pages, moment))
}

fn absorb_refusal(
    store: &mut Store,
    identity: &Identity,
    request: &Request,
    refusal: Refusal,
    failed: impl Fn(Cause) -> Exchange,
) -> Result<Exchange, StoreError> {
    let set_key_state = |store: &mut Store, state| store.write(|transaction| identity::set_key_state(transaction, state));
    match refusal {
        Refusal::Busy(seconds) => Ok(Exchange { retry_after: Some(seconds), ..failed(Cause::Busy) }),
        Refusal::Revoked => Ok(failed(Cause::Revoked)),
        Refusal::Version => Ok(failed(Cause::AppTooOld)),
        Refusal::KeyFrozen => {
            set_key_state(store, KeyState::Frozen)?;
            Ok(failed(Cause::LogInAgain))
        }
        Refusal::UnknownDevice => {
            // A key that was not to be used before is not enrolled again.
            if identity.key_state != KeyState::Frozen {
                set_key_state(store, KeyState::Unknown)?;
            }
            Ok(failed(Cause::LogInAgain))
        }
        // We do not remember a request that the server has seen: our disk was set back, or what was rescued is not the newest. So
        // nothing more is sealed or sent until the server has told what it holds, lest one number get two contents.
        Refusal::Replayed(seen) if seen >= request.counter => {
            store.skip_request_counters(seen)?;
            if identity.key_state == KeyState::Good {
                set_key_state(store, KeyState::Rescued)?;
            }
            Ok(Exchange { more: true, ..Exchange::default() })
        }
        _ => Ok(failed(Cause::BadAnswer)),
    }
}

fn take_answer(
    connection: &Connection,
    mut identity: Identity,
    request: &Request,
    answer: &Answer,
    pages: &[Page],
    moment: Moment<'_>,
) -> Result<Exchange, StoreError> {
    let mut exchange = Exchange { more: answer.more, ..Exchange::default() };
    for sealed in &answer.receipts {
        match receipts::take(connection, &mut identity, &sealed.0)? {
            Receipted::Ours { amendment } => {
                exchange.receipts += 1;
                if amendment > identity.amendment {
                    identity.amendment = amendment;
                    identity::set_amendment(connection, amendment)?;
                }
            }
            Receipted::Others => courier::put_receipt(connection, &sealed.0, moment.now)?,
            Receipted::Not => quarantine::insert(connection, moment.now, "receipt", &sealed.0)?,
        }
    }
    if exchange.receipts > 0 {
        identity::note_arrival(connection, moment.now)?;
    }
    // The server reads no further than a frame that is too many or too large: what is behind it goes again.
    let stopped = answer.unreadable.iter().filter(|unreadable| STOPS.contains(&unreadable.code.as_str()));
    let stopped = stopped.map(|unreadable| unreadable.index).min();
    let delivered = request.parcels.iter().filter(|(place, _)| stopped.is_none_or(|stopped| *place < stopped));
    let delivered: Vec<i64> = delivered.map(|(_, position)| *position).collect();
    courier::mark_delivered(connection, &delivered, moment.now)?;
    let anchor = Anchor { time: Timestamp::from_millis(answer.time), boot: moment.boot };
    identity::note_answer(connection, answer.scope_epoch, anchor, answer.last.map_or(0, |last| last.number))?;
    for Unreadable { index, code } in &answer.unreadable {
        match code.as_str() {
            // Of an earlier key: that is done with.
            _ if request.returned.iter().any(|(place, _)| place == index) => {}
            "fork" => {
                identity.key_state = KeyState::Frozen;
                identity::set_key_state(connection, KeyState::Frozen)?;
            }
            // What the server holds is told by `last`; what is held back waits for the operator.
            "gap" | "held" => {}
            "too_many" => exchange.more |= stopped.is_some_and(|stopped| stopped > 0),
            _ => exchange.failed = Some(Cause::BadAnswer),
        }
    }
    exchange.more |= request.asks && (change::is_unsent(connection)? || courier::carried(connection)?.waiting > 0);
    exchange.more |= restore::compare(connection, &mut identity, request.server_last, answer.last)?;
    if identity.key_state == KeyState::Frozen {
        // A device is not sent its own changes, and this one may have lost some: the next key is given all behind these cursors.
        exchange.more = false;
    } else {
        exchange.rows = take_pages(connection, pages, moment)?;
    }
    exchange.more |= restore::take_returned(connection, &mut identity, &request.returned, answer, stopped)?;
    if matches!(identity.key_state, KeyState::Frozen | KeyState::Unknown) {
        exchange.failed = Some(Cause::LogInAgain);
    }
    Ok(exchange)
}

/// Takes the rows of all pages and moves the cursors; gives how many rows came.
fn take_pages(connection: &Connection, pages: &[Page], moment: Moment<'_>) -> Result<u32, StoreError> {
    let mut rows = Rows::new(connection, moment.now, moment.watch);
    let mut count = 0;
    let mut regions_came = false;
    for page in pages {
        for row in &page.rows {
            rows.take(row)?;
            count += 1;
            regions_came |= matches!(row, Row::Record(record) if record.contains("\"region\""));
        }
        stream::set(connection, &page.cursor)?;
    }
    if regions_came {
        umkm::refresh_words(connection)?;
    }
    Ok(count)
}
