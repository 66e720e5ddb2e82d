//! The loop that sends and fetches by itself.

use futures::future::{Either, select};
use lentera_api::view::{Attempt, Cause};
use lentera_api::{Error, Event};
use lentera_domain::Timestamp;

use super::exchange::{self, Exchange, Moment};
use super::schedule::{FLOOR, Outcome};
use crate::Engine;
use crate::platform::{Response, TransportError, random_part, stamp};
use crate::store::{attempt, change, courier};

/// Round trips of one "send now" at most: beyond that the loop goes on by itself.
const ROUND_TRIPS_MAX: u32 = 1_000;
/// Round trips in a row that bring nothing, at most, whatever the server promises.
const IDLE_MAX: u32 = 4;
/// While there is no network, how often one is looked for, in milliseconds. Looking costs nothing: nothing is sent.
const LOOK: u64 = 2_000;
/// While tries fail alike, how often that is written to the disk, in milliseconds.
const WRITE_FAILURES: i64 = 60_000;

/// Tries, waits, and tries again, for ever.
pub async fn run(engine: &Engine) {
    loop {
        let ended = match attempt(engine).await {
            Ok(exchange) => exchange,
            Err(error) => {
                tracing::warn!(%error, "sync could not use the store");
                Some(Exchange { failed: Some(Cause::Storage), ..Exchange::default() })
            }
        };
        match ended {
            Some(exchange) => wait(engine, &exchange).await,
            // Nobody is enrolled: only an enrolment gives us work.
            None => engine.work.notified().await,
        }
    }
}

/// Waits for the time of the next try, or for work, or for the network.
async fn wait(engine: &Engine, exchange: &Exchange) {
    let outcome = Outcome {
        failed: exchange.failed,
        retry_after: exchange.retry_after,
        progress: exchange.receipts > 0 || exchange.rows > 0,
        unsent: is_unsent(engine),
        more: exchange.more,
        in_front: engine.in_front.get(),
    };
    let mut schedule = engine.schedule.get();
    let delay = schedule.delay(outcome, random_part(&*engine.platform));
    engine.schedule.set(schedule);
    tell_next(engine, delay);
    if outcome.failed == Some(Cause::Busy) {
        // Neither work nor a network cuts short what a busy server asked for.
        engine.platform.sleep(delay).await;
    } else {
        let floor = if outcome.failed.is_some() { FLOOR.min(delay) } else { 0 };
        engine.platform.sleep(floor).await;
        let rest = sleep_or_network(engine, delay - floor);
        if let Either::Right((true, _)) = select(Box::pin(engine.work.notified()), Box::pin(rest)).await {
            engine.network_back.set(true);
        }
    }
    if engine.network_back.take() {
        let delay = schedule.network_back(random_part(&*engine.platform));
        engine.schedule.set(schedule);
        tell_next(engine, delay);
        engine.platform.sleep(delay).await;
    }
    engine.next_attempt_at.set(None);
}

fn tell_next(engine: &Engine, delay: u64) {
    engine.next_attempt_at.set(Some(engine.platform.now().plus_millis(delay.cast_signed())));
}

/// Sleeps so long, or until a missing network is back: then `true`.
async fn sleep_or_network(engine: &Engine, millis: u64) -> bool {
    let mut left = millis;
    while left > 0 && engine.platform.network() == Some(false) {
        let slice = left.min(LOOK);
        engine.platform.sleep(slice).await;
        left -= slice;
        if engine.platform.network() == Some(true) {
            return true;
        }
    }
    engine.platform.sleep(left).await;
    false
}

/// Sends and fetches until nothing more is to be said, or a try fails.
///
/// # Errors
/// [`Error::NotEnrolled`], or the store's.
pub async fn sync_now(engine: &Engine) -> Result<Exchange, Error> {
    let mut whole = Exchange::default();
    let mut idle = 0;
    while whole.round_trips < ROUND_TRIPS_MAX && idle < IDLE_MAX {
        let exchange = attempt(engine).await?.ok_or(Error::NotEnrolled)?;
        whole.failed = exchange.failed;
        whole.receipts += exchange.receipts;
        whole.rows += exchange.rows;
        whole.round_trips += exchange.round_trips;
        whole.sent += exchange.sent;
        whole.received += exchange.received;
        idle = if exchange.receipts > 0 || exchange.rows > 0 { 0 } else { idle + 1 };
        let progress = exchange.receipts > 0 && is_unsent(engine);
        if exchange.failed.is_some() || !(exchange.more || progress) {
            break;
        }
    }
    Ok(whole)
}

/// One request and its answer. `None` where nobody is enrolled.
async fn attempt(engine: &Engine) -> Result<Option<Exchange>, Error> {
    let _one_at_a_time = engine.exchanging.lock().await;
    let at = engine.platform.now();
    let ended = exchange_once(engine).await;
    let (failed, sent, received) = match &ended {
        Ok(None) => return Ok(None),
        Ok(Some(exchange)) => (exchange.failed, exchange.sent, exchange.received),
        Err(_) => (Some(Cause::Storage), 0, 0),
    };
    let millis = u32::try_from(engine.platform.now().millis() - at.millis()).unwrap_or(0);
    note(engine, Attempt { at, last: at, count: 1, failed, sent, received, millis });
    if let Ok(Some(exchange)) = &ended {
        tracing::debug!(failed = ?exchange.failed, receipts = exchange.receipts, rows = exchange.rows, "exchange");
        engine.emit_light();
        if exchange.rows > 0 || exchange.receipts > 0 {
            engine.emit(Event::RecordsChanged);
        }
    }
    ended
}

async fn exchange_once(engine: &Engine) -> Result<Option<Exchange>, Error> {
    let budget = engine.budget.get();
    let prepared =
        engine.with_store(|store| Ok(exchange::prepare(store, |identity| stamp(&*engine.platform, identity.anchor), budget)?))?;
    let Some(request) = prepared.flatten() else { return Ok(None) };
    let response = engine.platform.post(request.post.clone()).await;
    let mut exchange = match &response {
        Ok(response) => {
            let (now, boot) = (engine.platform.now(), engine.platform.boot());
            let moment = Moment { now, boot, watch: &*engine.watch };
            let absorbed = engine.with_store(|store| Ok(exchange::absorb(store, &request, response, moment)?))?;
            absorbed.unwrap_or_default()
        }
        Err(error) => Exchange { failed: Some(cause(*error)), ..Exchange::default() },
    };
    let sent = match &response {
        Ok(_) | Err(TransportError::CutOff) => request.post.body.len(),
        Err(_) => 0,
    };
    // A link that nothing went over is no worse than it was: after a blackout the first request carries a day's work, as ever.
    match response {
        Err(TransportError::CutOff) if request.handed > 0 => engine.budget.set(budget.after_cut(request.handed as usize)),
        // That a question came through says nothing about how much the link carries.
        Ok(_) if request.asks => {
            if exchange.failed.is_none() {
                engine.budget.set(budget.after_question(exchange.receipts));
            }
        }
        Ok(_) | Err(TransportError::CutOff) => engine.budget.set(budget.after(exchange.failed.is_none())),
        Err(_) => {}
    }
    let size = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    exchange.round_trips = 1;
    exchange.sent = size(sent);
    exchange.received = size(response.as_ref().map_or(0, |response: &Response| response.body.len()));
    Ok(Some(exchange))
}

/// Tries that are not on the disk yet, and when one was last written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Notes {
    /// Failed alike, one after another.
    pub unwritten: Option<Attempt>,
    /// The last try of all, joined with those it failed like.
    newest: Option<Attempt>,
    written_at: Option<Timestamp>,
}

/// Notes a try: at once if it tells something new, otherwise once in [`WRITE_FAILURES`]. A disk that takes nothing holds up no sending.
fn note(engine: &Engine, attempt: Attempt) {
    let mut notes = engine.notes.get();
    let joined = notes.newest.and_then(|newest| attempt::join(&newest, &attempt));
    notes.newest = Some(joined.unwrap_or(attempt));
    let just_written =
        notes.written_at.is_some_and(|at| (0..WRITE_FAILURES).contains(&attempt.at.millis().saturating_sub(at.millis())));
    if joined.is_some() && just_written {
        let unwritten = notes.unwritten.and_then(|before| attempt::join(&before, &attempt));
        notes.unwritten = Some(unwritten.unwrap_or(attempt));
        engine.notes.set(notes);
        return;
    }
    engine.notes.set(notes);
    if write(engine, &[notes.unwritten, Some(attempt)]) {
        engine.notes.set(Notes { unwritten: None, written_at: Some(attempt.at), ..notes });
    } else {
        let unwritten = notes.unwritten.and_then(|before| attempt::join(&before, &attempt));
        engine.notes.set(Notes { unwritten: Some(unwritten.unwrap_or(attempt)), ..notes });
    }
}

/// Writes what is not on the disk yet: the engine is closed.
pub fn write_notes(engine: &Engine) {
    let notes = engine.notes.take();
    if notes.unwritten.is_some() {
        write(engine, &[notes.unwritten]);
    }
}

fn write(engine: &Engine, attempts: &[Option<Attempt>]) -> bool {
    let written = engine.with_store(|store| {
        store.write(|transaction| {
            attempts.iter().flatten().try_for_each(|attempt| Ok::<_, Error>(attempt::insert(transaction, attempt)?))
        })
    });
    if let Err(error) = &written {
        tracing::warn!(%error, "a try could not be noted");
    }
    written.is_ok()
}

const fn cause(error: TransportError) -> Cause {
    match error {
        TransportError::Unreachable | TransportError::CutOff => Cause::Unreachable,
        TransportError::BadAddress => Cause::WrongAddress,
        TransportError::BadAnswer => Cause::BadAnswer,
        TransportError::NotOurServer => Cause::NotOurServer,
        TransportError::ClockWrong => Cause::ClockWrong,
    }
}

/// Whether something is to be handed over: changes without a receipt, or colleagues' parcels.
fn is_unsent(engine: &Engine) -> bool {
    let unsent =
        |connection: &rusqlite::Connection| Ok(change::is_unsent(connection)? || courier::carried(connection)?.waiting > 0);
    engine.with_store(|store| unsent(store.read())).is_ok_and(|unsent| unsent == Some(true))
}
