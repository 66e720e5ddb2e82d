//! How many requests are worked on at once: as many as can be answered in time. It is found out, not set, since nobody knows what
//! machine an office has: slowly more while answers are quick, at once fewer when they are not.

use std::time::Duration;

use tokio::time::Instant;

/// An answer should not take longer, its network aside. Half of what is promised, so that one late turn does not break the promise.
const GOAL: Duration = Duration::from_secs(1);
/// So many at the beginning.
const FIRST: f64 = 64.0;
/// Never fewer: several share one write to the disk.
const FEWEST: f64 = 8.0;
/// Never more.
const MOST: f64 = 512.0;
/// More, for each round of answers in time.
const RAISE: f64 = 4.0;
/// What is left after an answer came late.
const LOWER: f64 = 0.75;

/// Between two answers to a crowd, before anything was found out, in seconds.
const FIRST_GAP: f64 = 0.01;
/// How much one gap between answers counts.
const GAP_WEIGHT: f64 = 0.02;
/// Devices add a second or more to what they are told, each another. Asked in a little closer than they can be answered, they leave no gaps.
const CROWDING: f64 = 0.75;

/// What was found out.
#[derive(Debug)]
pub struct Tempo {
    limit: f64,
    lowered: Instant,
    /// Seconds between two answers, while there was a crowd.
    gap: f64,
    /// The last answer, if there was a crowd then.
    answered: Option<Instant>,
}

impl Tempo {
    /// Nothing yet.
    pub const fn new(now: Instant) -> Self {
        Self { limit: FIRST, lowered: now, gap: FIRST_GAP, answered: None }
    }

    /// Requests to be worked on at once.
    pub const fn limit(&self) -> usize {
        self.limit as usize
    }

    /// How far apart those who are sent away shall come again.
    pub fn gap(&self) -> Duration {
        Duration::from_secs_f64(self.gap * CROWDING)
    }

    /// An answer took so long, with so many being worked on.
    pub fn answered(&mut self, took: Duration, working: usize, now: Instant) {
        let is_crowd = working as f64 > self.limit / 2.0;
        // The time before a crowd came says nothing about how fast it is answered.
        if is_crowd && let Some(before) = self.answered {
            let gap = now.duration_since(before).min(GOAL);
            self.gap += (gap.as_secs_f64() - self.gap) * GAP_WEIGHT;
        }
        self.answered = is_crowd.then_some(now);
        if took > GOAL {
            // Once for all those who were let in under the same limit.
            if now.duration_since(self.lowered) > GOAL {
                self.limit = (self.limit * LOWER).max(FEWEST);
                self.lowered = now;
            }
        } else if is_crowd {
            // Quick answers to few say nothing about many.
            self.limit = (self.limit + RAISE / self.limit).min(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest answer of the last half minute on a machine that answers so many a second, with a crowd before the door.
    fn longest_answer(a_second: usize) -> (f64, Duration) {
        let start = Instant::now();
        let mut tempo = Tempo::new(start);
        let each = 1.0 / a_second as f64;
        let (mut now, mut longest) = (0.0, 0.0_f64);
        let mut line: std::collections::VecDeque<f64> = std::collections::VecDeque::new();
        while now < 120.0 {
            while line.len() < tempo.limit() {
                line.push_back(now);
            }
            now += each;
            let took = now - line.pop_front().unwrap();
            tempo.answered(Duration::from_secs_f64(took), line.len() + 1, start + Duration::from_secs_f64(now));
            if now > 90.0 {
                longest = longest.max(took);
            }
        }
        (longest, tempo.gap())
    }

    #[test]
    fn answers_come_in_time_on_slow_and_fast_machines() {
        for a_second in [10, 40, 80, 150, 400] {
            let (longest, gap) = longest_answer(a_second);
            assert!((0.6..1.7).contains(&longest), "{longest} s at {a_second} a second");
            let expected = CROWDING / a_second as f64;
            assert!((0.9..1.1).contains(&(gap.as_secs_f64() / expected)), "{gap:?} at {a_second} a second");
        }
    }

    #[test]
    fn the_quiet_before_a_crowd_is_no_gap_between_answers() {
        let start = Instant::now();
        let mut tempo = Tempo::new(start);
        let first = tempo.gap();
        tempo.answered(Duration::from_millis(5), 1, start + Duration::from_secs(60));
        tempo.answered(Duration::from_millis(5), 60, start + Duration::from_secs(120));
        assert_eq!(tempo.gap(), first);
        tempo.answered(Duration::from_millis(5), 60, start + Duration::from_millis(120_020));
        assert!(tempo.gap() > first);
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let start = Instant::now();
        let mut tempo = Tempo::new(start);
        for second in 1..100 {
            tempo.answered(Duration::from_secs(5), 64, start + Duration::from_secs(2 * second));
        }
        assert_eq!(tempo.limit(), 8);
        // Few at work, and quickly answered, prove nothing.
        for _ in 0..1000 {
            tempo.answered(Duration::from_millis(5), 2, start);
        }
        assert_eq!(tempo.limit(), 8);
        for _ in 0..1_000_000 {
            tempo.answered(Duration::from_millis(5), 512, start);
        }
        assert_eq!(tempo.limit(), 512);
    }
}
