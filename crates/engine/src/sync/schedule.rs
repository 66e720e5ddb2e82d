//! When to try next. Pure: outcomes and random numbers in, milliseconds out.
//!
//! Waits grow with decorrelated jitter (each is drawn between a base and three times the one before), so that devices which lost the
//! server at the same moment do not come back at the same moment.

use lentera_api::view::Cause;

/// With work to send and the app in front, a server that was not there is looked for at least this often, in milliseconds.
pub const PROBE: u64 = 5_000;
/// With nothing to send and the app in front, others' changes are fetched about this often.
const FETCH: u64 = 60_000;
/// The longest wait in the background.
pub const BACKGROUND: u64 = 300_000;
/// After a refusal that time alone will not mend.
const REFUSED: u64 = 300_000;
/// The shortest wait from which waits grow.
const BASE: u64 = 1_000;
/// Never sooner than this after a failed try, whatever wakes us.
pub const FLOOR: u64 = 500;
/// The first try after the network came back is drawn between 0 and this: a whole kecamatan gets its power back in one second.
pub const NETWORK_BACK: u64 = 3_000;
/// Seconds that a busy server can ask for at most, and what is taken where it does not say.
const ASKED_MAX: u32 = 3_600;
const ASKED_UNSAID: u32 = 10;
/// The longest wait beyond what a busy server asked for. Our server's gate names each device a time of its own; more would only keep the
/// unlucky waiting when it has long had time again.
const ASKED_EXTRA: u64 = 10_000;

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why it failed, if it did.
    pub failed: Option<Cause>,
    /// Seconds the server asked for.
    pub retry_after: Option<u32>,
    /// Whether something came through, there or back.
    pub progress: bool,
    /// Whether something of ours is still to be sent.
    pub unsent: bool,
    /// Whether the server has more for us.
    pub more: bool,
    /// Whether the app is in front of its person.
    pub in_front: bool,
}

/// What is remembered from try to try.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The last wait after a failed try; 0 when the last try went through.
    previous: u64,
}

impl Schedule {
    /// Milliseconds until the next try. `random` is 0 to 1.
    pub fn delay(&mut self, outcome: Outcome, random: f64) -> u64 {
        match outcome.failed {
            None => {
                self.previous = 0;
                match outcome {
                    Outcome { more: true, progress: true, .. } => 0,
                    Outcome { more: true, .. } | Outcome { unsent: true, progress: true, .. } => FLOOR,
                    Outcome { in_front: true, .. } => spread(FETCH * 3 / 4, FETCH * 5 / 4, random),
                    Outcome { in_front: false, .. } => spread(BACKGROUND * 3 / 4, BACKGROUND, random),
                }
            }
            Some(Cause::Busy) => {
                let asked = u64::from(outcome.retry_after.unwrap_or(ASKED_UNSAID).clamp(1, ASKED_MAX)) * 1000;
                asked + self.grow(ASKED_EXTRA, random)
            }
            Some(Cause::Revoked | Cause::AppTooOld | Cause::LogInAgain) => spread(REFUSED, REFUSED * 3 / 2, random),
            Some(_) if outcome.in_front && outcome.unsent => self.grow(PROBE, random),
            Some(_) if outcome.in_front => self.grow(FETCH, random),
            Some(_) => self.grow(BACKGROUND, random),
        }
    }

    /// Milliseconds until the first try now that the network is back.
    pub fn network_back(&mut self, random: f64) -> u64 {
        self.previous = 0;
        spread(0, NETWORK_BACK, random)
    }

    fn grow(&mut self, cap: u64, random: f64) -> u64 {
        let ceiling = self.previous.saturating_mul(3).clamp(BASE * 3, cap);
        self.previous = spread(BASE, ceiling, random);
        self.previous
    }
}

fn spread(from: u64, to: u64, random: f64) -> u64 {
    // Up to a few million: exact enough, and never negative.
    from + (to.saturating_sub(from) as f64 * random.clamp(0.0, 1.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUIET: Outcome =
        Outcome { failed: None, retry_after: None, progress: false, unsent: false, more: false, in_front: true };
    const LOST: Outcome = Outcome { failed: Some(Cause::Unreachable), unsent: true, ..QUIET };

    #[test]
    fn more_is_fetched_at_once_and_quiet_is_quiet() {
        let mut schedule = Schedule::default();
        assert_eq!(schedule.delay(Outcome { more: true, progress: true, ..QUIET }, 0.5), 0);
        assert_eq!(schedule.delay(Outcome { more: true, ..QUIET }, 0.5), FLOOR, "promises alone keep nobody busy");
        assert_eq!(schedule.delay(Outcome { unsent: true, progress: true, ..QUIET }, 0.5), FLOOR);
        assert_eq!(schedule.delay(QUIET, 0.5), FETCH);
    }

    #[test]
    fn what_the_server_keeps_waiting_is_not_asked_for_without_end() {
        let needs_another = Outcome { unsent: true, progress: false, ..QUIET };
        assert!(Schedule::default().delay(needs_another, 0.0) >= FETCH * 3 / 4);
    }

    #[test]
    fn a_success_forgets_the_failures_before_it() {
        let mut schedule = Schedule::default();
        let background = Outcome { in_front: false, ..LOST };
        let first = schedule.delay(background, 1.0);
        (0..20).for_each(|_| assert!(schedule.delay(background, 1.0) >= first));
        assert_eq!(schedule.delay(background, 1.0), BACKGROUND);
        schedule.delay(QUIET, 0.5);
        assert_eq!(schedule.delay(background, 1.0), first);
    }

    proptest! {
        #[test]
        fn in_front_a_missing_server_is_looked_for_every_five_seconds(randoms in prop::collection::vec(0.0..=1.0, 1..100)) {
            let mut schedule = Schedule::default();
            for random in randoms {
                let wait = schedule.delay(LOST, random);
                prop_assert!((BASE..=PROBE).contains(&wait), "{wait}");
            }
        }

        #[test]
        fn in_the_background_waits_are_capped_and_at_most_thrice_the_last(randoms in prop::collection::vec(0.0..=1.0, 2..100)) {
            let mut schedule = Schedule::default();
            let mut last = BASE;
            for random in randoms {
                let wait = schedule.delay(Outcome { in_front: false, ..LOST }, random);
                prop_assert!((BASE..=BACKGROUND).contains(&wait) && wait <= (last * 3).max(BASE * 3), "{wait} after {last}");
                last = wait;
            }
        }

        #[test]
        fn a_busy_server_gets_at_least_what_it_asked_for(asked in 0_u32..100_000, randoms in prop::collection::vec(0.0..=1.0, 1..20)) {
            let mut schedule = Schedule::default();
            let least = u64::from(asked.clamp(1, ASKED_MAX)) * 1000;
            for random in randoms {
                let wait = schedule.delay(Outcome { failed: Some(Cause::Busy), retry_after: Some(asked), ..LOST }, random);
                prop_assert!((least + BASE..=least + ASKED_EXTRA).contains(&wait), "{wait} of {least}");
            }
        }

        #[test]
        fn nothing_makes_a_wait_of_weeks(code in 0_usize..9, unsent: bool, in_front: bool, random in -1.0..2.0) {
            let causes = [
                Cause::Unreachable, Cause::WrongAddress, Cause::NotOurServer, Cause::BadAnswer, Cause::Storage,
                Cause::Revoked, Cause::AppTooOld, Cause::LogInAgain, Cause::ClockWrong,
            ];
            let outcome = Outcome { failed: Some(causes[code]), unsent, in_front, ..QUIET };
            let wait = Schedule::default().delay(outcome, random);
            prop_assert!((BASE..=REFUSED * 3 / 2).contains(&wait), "{wait}");
        }
    }

    /// A thousand phones lose the server in the same second; a busy one or a dead one sees them come back spread out.
    #[test]
    fn devices_that_failed_together_do_not_come_back_together() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let worst_second = |times: &[u64]| {
            let mut seconds = std::collections::HashMap::<u64, usize>::new();
            times.iter().for_each(|time| *seconds.entry(time / 1000).or_default() += 1);
            seconds.into_values().max().unwrap()
        };
        let back: Vec<u64> = (0..1000).map(|_| Schedule::default().network_back(random())).collect();
        assert!(worst_second(&back) < 400, "a third each second");
        let busy = Outcome { failed: Some(Cause::Busy), retry_after: Some(30), ..LOST };
        let mut clocks = vec![(Schedule::default(), 0_u64); 1000];
        let worst: Vec<usize> = (0..5)
            .map(|_| {
                clocks.iter_mut().for_each(|(schedule, at)| *at += schedule.delay(busy, random()));
                worst_second(&clocks.iter().map(|(_, at)| *at).collect::<Vec<_>>())
            })
            .collect();
        assert!(worst.windows(2).all(|pair| pair[1] <= pair[0]) && worst[4] < 100, "{worst:?}");
    }
}
