//! The loop that sends and fetches by itself.

use futures::future::select;
use lentera_api::view::{Attempt, Cause};
use lentera_api::{Error, Event};

use super::exchange::{self, Exchange};
use super::schedule::{self, FLOOR, Outcome};
use crate::Engine;
use crate::app::status;
use crate::platform::{Response, TransportError, random, stamp};
use crate::store::attempt;

/// Bundles of the first request: a day's work on one round trip.
pub const BUDGET_START: usize = 16;
/// Round trips of one "send now" at most: beyond that the loop goes on by itself.
const ROUND_TRIPS_MAX: u32 = 1_000;

/// Tries, waits, and tries again, for ever.
pub async fn run(engine: &Engine) {
    loop {
        let outcome = match attempt(engine).await {
            Ok(Some(exchange)) => Some(Outcome {
                failed: exchange.failed,
                retry_after: exchange.retry_after,
                waiting: is_waiting(engine),
                more: exchange.more,
            }),
            // Nobody is enrolled: only an enrolment gives us work.
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(%error, "sync could not use the store");
                Some(Outcome { failed: Some(Cause::Storage), retry_after: None, waiting: is_waiting(engine), more: false })
            }
        };
        wait(engine, outcome).await;
    }
}

/// Waits for the time of the next try, or for work. Work does not cut short what a busy server asked for.
async fn wait(engine: &Engine, outcome: Option<Outcome>) {
    let Some(outcome) = outcome else {
        engine.work.notified().await;
        return;
    };
    let random_part = f64::from(u32::from_be_bytes(random(&*engine.platform))) / f64::from(u32::MAX);
    let delay = schedule::delay(outcome, random_part);
    engine.next_attempt_at.set(Some(engine.platform.now().plus_millis(delay.cast_signed())));
    if outcome.failed == Some(Cause::Busy) {
        engine.platform.sleep(delay).await;
    } else {
        if outcome.failed.is_some() {
            engine.platform.sleep(FLOOR.min(delay)).await;
        }
        let rest = engine.platform.sleep(delay.saturating_sub(FLOOR));
        select(Box::pin(engine.work.notified()), rest).await;
    }
    engine.next_attempt_at.set(None);
}

/// Sends and fetches until nothing more is to be said, or a try fails.
///
/// # Errors
/// [`Error::NotEnrolled`], or the store's.
pub async fn sync_now(engine: &Engine) -> Result<Exchange, Error> {
    let mut whole = Exchange::default();
    while whole.round_trips < ROUND_TRIPS_MAX {
        let exchange = attempt(engine).await?.ok_or(Error::NotEnrolled)?;
        whole.failed = exchange.failed;
        whole.receipts += exchange.receipts;
        whole.rows += exchange.rows;
        whole.round_trips += exchange.round_trips;
        whole.sent += exchange.sent;
        whole.received += exchange.received;
        let progress = exchange.receipts > 0 && is_waiting(engine);
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
    let budget = engine.budget.get();
    let prepared =
        engine.with_store(|store| Ok(exchange::prepare(store, |identity| stamp(&*engine.platform, identity.anchor), budget)?))?;
    let Some(request) = prepared.flatten() else { return Ok(None) };
    let response = engine.platform.post(request.url.clone(), request.body.clone()).await;
    let mut exchange = match &response {
        Ok(response) => {
            let absorbed = engine.with_store(|store| Ok(exchange::absorb(store, &request, response, engine.platform.now())?))?;
            absorbed.unwrap_or_default()
        }
        Err(error) => Exchange { failed: Some(cause(*error)), ..Exchange::default() },
    };
    // A link that broke carries less next time; one that held, more.
    let budget = if exchange.failed.is_some() { budget / 2 } else { budget * 2 };
    engine.budget.set(budget.clamp(1, lentera_protocol::limits::REQUEST_BUNDLES_MAX));
    let size = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
    exchange.round_trips = 1;
    exchange.sent = size(request.body.len());
    exchange.received = size(response.as_ref().map_or(0, |response: &Response| response.body.len()));
    let millis = engine.platform.now().millis() - at.millis();
    note(
        engine,
        &exchange,
        Attempt {
            at,
            failed: exchange.failed,
            sent: exchange.sent,
            received: exchange.received,
            millis: u32::try_from(millis).unwrap_or(0),
        },
    )?;
    Ok(Some(exchange))
}

fn note(engine: &Engine, exchange: &Exchange, attempt: Attempt) -> Result<(), Error> {
    engine.with_store(|store| store.write(|transaction| Ok::<_, Error>(attempt::insert(transaction, &attempt)?)))?;
    tracing::debug!(failed = ?exchange.failed, receipts = exchange.receipts, rows = exchange.rows, "exchange");
    engine.emit_light();
    if exchange.rows > 0 || exchange.receipts > 0 {
        engine.emit(Event::RecordsChanged);
    }
    Ok(())
}

const fn cause(error: TransportError) -> Cause {
    match error {
        TransportError::Unreachable => Cause::Unreachable,
        TransportError::BadAddress => Cause::WrongAddress,
        TransportError::BadAnswer => Cause::BadAnswer,
    }
}

fn is_waiting(engine: &Engine) -> bool {
    let light = engine.with_store(|store| Ok(status::light(store.read())?));
    light.is_ok_and(|light| light.is_some_and(|light| light.waiting > 0))
}
