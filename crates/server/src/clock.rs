//! Time and randomness: the one place where the server takes them from the system. Everything else is handed them.

use std::io;

use lentera_domain::Timestamp;

/// Where time and randomness come from.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Fills `bytes` with randomness that nobody can guess.
    ///
    /// # Errors
    /// Where the system has none to give.
    fn fill_random(&self, bytes: &mut [u8]) -> io::Result<()>;
}

/// The system's.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one implementation")]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(chrono::Utc::now().timestamp_millis())
    }

    fn fill_random(&self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(io::Error::other)
    }
}
