//! How slow the other side of a connection may be.

use std::time::Duration;

use tokio::time::Instant;

/// Between two pieces passes at most this much, and so much is given before the rate counts: a lost packet on a slow link may take seconds to come again.
pub const SILENCE: Duration = Duration::from_secs(30);
/// Bytes per second at least, on average. The slowest links here carry ten times as much.
pub const RATE: u32 = 128;

/// The least that is expected of the other side.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Longest pause.
    pub silence: Duration,
    /// Bytes per second after the first `silence`.
    pub rate: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { silence: SILENCE, rate: RATE }
    }
}

/// How far something has come that the other side keeps waiting for.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    began: Instant,
    last: Instant,
    bytes: usize,
}

impl Progress {
    /// Nothing yet.
    pub const fn begin(now: Instant) -> Self {
        Self { began: now, last: now, bytes: 0 }
    }

    /// So many bytes more have gone or come.
    pub const fn count(&mut self, bytes: usize, now: Instant) {
        self.last = now;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// The other side waited for us so long: that is not its fault.
    pub fn excuse(&mut self, pause: Duration) {
        self.began += pause;
        self.last += pause;
    }

    /// Until when the next must come: what came fast earns time, but no long pause.
    pub fn deadline(&self, pace: Pace) -> Instant {
        let earned = Duration::from_secs_f64(self.bytes as f64 / f64::from(pace.rate.max(1)));
        (self.last + pace.silence).min(self.began + pace.silence + earned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_not_enough_and_pauses_are_bounded() {
        let pace = Pace { silence: Duration::from_secs(30), rate: 100 };
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut progress = Progress::begin(start);
        assert_eq!(progress.deadline(pace), after(30));
        // One byte in 20 s earns nothing worth speaking of.
        progress.count(1, after(20));
        assert!(progress.deadline(pace) < after(31));
        // The rate itself is enough.
        progress.count(1999, after(20));
        assert_eq!(progress.deadline(pace), after(50));
        // Much at once earns no longer pause than any.
        progress.count(1_000_000, after(21));
        assert_eq!(progress.deadline(pace), after(51));
        progress.excuse(Duration::from_secs(5));
        assert_eq!(progress.deadline(pace), after(56));
    }
}
