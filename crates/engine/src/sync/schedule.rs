//! When to try next. Pure: outcome and a random number in, milliseconds out.

use lentera_api::view::Cause;

/// With work waiting and the app open, a server that was not there is looked for at least this often, in milliseconds.
const PROBE: u64 = 5_000;
/// With nothing waiting, others' changes are fetched about this often.
const FETCH: u64 = 60_000;
/// After a refusal that time alone will not mend.
const REFUSED: u64 = 300_000;
/// Never sooner than this after a failed try, whatever wakes us.
pub const FLOOR: u64 = 500;

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why it failed, if it did.
    pub failed: Option<Cause>,
    /// Seconds the server asked for.
    pub retry_after: Option<u32>,
    /// Whether something of ours still waits.
    pub waiting: bool,
    /// Whether the server has more for us.
    pub more: bool,
}

/// Milliseconds until the next try. `random` is 0 to 1: tries of many devices must not fall together.
pub fn delay(outcome: Outcome, random: f64) -> u64 {
    let spread = |from: f64, to: f64| {
        let millis = from + (to - from) * random.clamp(0.0, 1.0);
        // From 0 to a few million: exact enough, and never negative.
        millis as u64
    };
    match outcome.failed {
        None if outcome.more => 0,
        None if outcome.waiting => FLOOR,
        None => spread(FETCH as f64 * 0.75, FETCH as f64 * 1.25),
        Some(Cause::Busy) => {
            let asked = f64::from(outcome.retry_after.unwrap_or(10).clamp(1, 3600)) * 1000.0;
            spread(asked, asked * 2.0)
        }
        Some(Cause::Unreachable | Cause::WrongAddress | Cause::NotOurServer | Cause::BadAnswer | Cause::Storage)
            if outcome.waiting =>
        {
            spread(PROBE as f64 * 0.5, PROBE as f64)
        }
        Some(Cause::Revoked | Cause::AppTooOld) => spread(REFUSED as f64, REFUSED as f64 * 1.5),
        Some(_) => spread(FETCH as f64 * 0.25, FETCH as f64 * 0.5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Outcome = Outcome { failed: None, retry_after: None, waiting: false, more: false };

    #[test]
    fn a_missing_server_is_looked_for_every_five_seconds_while_work_waits() {
        for random in [0.0, 0.3, 1.0] {
            let wait = delay(Outcome { failed: Some(Cause::Unreachable), waiting: true, ..QUIET }, random);
            assert!((2_500..=5_000).contains(&wait), "{wait}");
        }
    }

    #[test]
    fn a_busy_server_gets_at_least_what_it_asked_for_and_never_all_at_once() {
        let busy = Outcome { failed: Some(Cause::Busy), retry_after: Some(30), waiting: true, more: false };
        assert_eq!((delay(busy, 0.0), delay(busy, 1.0)), (30_000, 60_000));
    }

    #[test]
    fn more_is_fetched_at_once_and_quiet_is_quiet() {
        assert_eq!(delay(Outcome { more: true, ..QUIET }, 0.5), 0);
        assert_eq!(delay(QUIET, 0.5), 60_000);
        assert!(delay(Outcome { failed: Some(Cause::Revoked), waiting: true, ..QUIET }, 0.0) >= 300_000);
    }
}
