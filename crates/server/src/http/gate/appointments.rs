//! When those who were sent away shall come again: one after the other, not all at once.

use std::time::Duration;

use tokio::time::Instant;

/// Nobody is asked back sooner.
const SOONEST: Duration = Duration::from_secs(2);
/// Nor later: for who waits on a weak signal a minute is long.
const LATEST: Duration = Duration::from_secs(60);

/// The next time to give out.
#[derive(Debug)]
pub struct Appointments {
    next: Instant,
}

impl Appointments {
    /// None given out.
    pub const fn new(now: Instant) -> Self {
        Self { next: now }
    }

    /// Seconds after which the next one shall come, so long after the one before. With more than fit before [`LATEST`], it begins again.
    pub fn next(&mut self, now: Instant, gap: Duration) -> u32 {
        if self.next < now + SOONEST || self.next > now + LATEST {
            self.next = now + SOONEST;
        }
        let wait = self.next.duration_since(now);
        self.next += gap;
        u32::try_from(wait.as_secs()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_spread_and_a_single_one_comes_soon() {
        let now = Instant::now();
        let mut appointments = Appointments::new(now);
        let gap = Duration::from_millis(10);
        let given: Vec<_> = (0..5000).map(|_| appointments.next(now, gap)).collect();
        assert_eq!(given[..3], [2, 2, 2]);
        let most = (2..60).map(|second| given.iter().filter(|&&at| at == second).count()).max().unwrap();
        assert!(most <= 100, "{most} in one second");
        assert_eq!(given.iter().max(), Some(&51));
        // More than fit begin again at the soonest.
        let more: Vec<_> = (0..1000).map(|_| appointments.next(now, gap)).collect();
        assert!(more.iter().all(|at| (2..=60).contains(at)) && more.contains(&2));
        assert_eq!(appointments.next(now + Duration::from_secs(600), gap), 2);
    }
}
