//! How often a device may ask. Far above what a person can cause: it stops a device gone mad, which nobody else should notice.

use std::collections::HashMap;

use lentera_domain::Timestamp;
use lentera_protocol::DeviceId;

/// Requests that may follow each other without a pause: a new phone fetches everything in some dozens.
const AT_ONCE: i64 = 240;
/// After that, one in so many milliseconds.
const EACH_MILLIS: i64 = 500;
/// Devices that are counted at one moment. With more, those counted longest ago begin anew.
const DEVICES_MAX: usize = 16 * 1024;

/// For each device that asked of late, when it will have paid for its requests.
#[derive(Debug, Default)]
pub struct Rates {
    paid_until: HashMap<DeviceId, i64>,
}

impl Rates {
    /// Counts a request; seconds to wait if it is one too many, which is not counted.
    pub fn take(&mut self, device: DeviceId, now: Timestamp) -> Result<(), u32> {
        let now = now.millis();
        let horizon = now + AT_ONCE * EACH_MILLIS;
        if let Some(until) = self.paid_until.get_mut(&device) {
            // A clock that was set back must not lock anybody out.
            *until = (*until).clamp(now, horizon);
        }
        let next = self.paid_until.get(&device).copied().unwrap_or(now) + EACH_MILLIS;
        if next > horizon {
            return Err(u32::try_from((next - horizon + 999) / 1000).unwrap_or(1));
        }
        if self.paid_until.len() >= DEVICES_MAX && !self.paid_until.contains_key(&device) {
            self.paid_until.retain(|_, until| *until > now);
            if self.paid_until.len() >= DEVICES_MAX {
                self.paid_until.clear();
            }
        }
        self.paid_until.insert(device, next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_795_399_200_000 + millis)
    }

    fn device(number: u64) -> DeviceId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_le_bytes());
        DeviceId(id)
    }

    #[test]
    fn a_mad_device_is_slowed_and_its_neighbour_is_not() {
        let mut rates = Rates::default();
        for _ in 0..AT_ONCE {
            assert_eq!(rates.take(device(1), at(0)), Ok(()));
        }
        assert_eq!(rates.take(device(1), at(0)), Err(1));
        assert_eq!(rates.take(device(1), at(499)), Err(1));
        assert_eq!(rates.take(device(1), at(500)), Ok(()));
        assert_eq!(rates.take(device(1), at(500)), Err(1));
        assert_eq!(rates.take(device(2), at(500)), Ok(()));
        // After a pause all is forgotten; after the clock was set back, too.
        assert!((0..AT_ONCE).all(|_| rates.take(device(1), at(200_000)).is_ok()));
        assert_eq!(rates.take(device(1), at(-9_000_000)), Err(1));
        assert_eq!(rates.take(device(1), at(-8_999_000)), Ok(()));
    }

    #[test]
    fn its_memory_is_bounded() {
        let mut rates = Rates::default();
        for number in 0..3 * DEVICES_MAX as u64 {
            assert_eq!(rates.take(device(number), at(0)), Ok(()));
            assert!(rates.paid_until.len() <= DEVICES_MAX);
        }
        // Those who have paid make room first.
        assert_eq!(rates.take(device(u64::MAX), at(100_000)), Ok(()));
        assert!(rates.paid_until.contains_key(&device(u64::MAX)));
    }
}
