//! What the engine needs of the world around it.

#[cfg(not(target_arch = "wasm32"))]
pub mod native;

use futures::future::LocalBoxFuture;
use lentera_domain::Timestamp;
use lentera_protocol::bundle::{Boot, Stamp};

/// Clock, randomness, timers and network. Futures need not be `Send`: the engine lives on one thread.
pub trait Platform {
    /// Wall clock.
    fn now(&self) -> Timestamp;

    /// Time since boot, counted through suspend; `None` where the system does not tell.
    fn boot(&self) -> Option<Boot>;

    /// Fills `bytes` with randomness fit for keys.
    fn fill_random(&self, bytes: &mut [u8]);

    /// Waits so many milliseconds.
    fn sleep(&self, millis: u64) -> LocalBoxFuture<'static, ()>;

    /// Posts `body` to `url` and reads an answer of at most [`lentera_protocol::limits::ANSWER_MAX`] bytes.
    fn post(&self, url: String, body: Vec<u8>) -> LocalBoxFuture<'static, Result<Response, TransportError>>;
}

/// An HTTP answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
    /// Seconds of a Retry-After header.
    pub retry_after: Option<u32>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No network, nobody there, or cut off.
    #[error("unreachable")]
    Unreachable,
    /// The address is none.
    #[error("bad address")]
    BadAddress,
    /// What answers does not speak our language, or too long.
    #[error("not an answer of ours")]
    BadAnswer,
}

/// `N` random bytes.
pub(crate) fn random<const N: usize>(platform: &dyn Platform) -> [u8; N] {
    let mut bytes = [0; N];
    platform.fill_random(&mut bytes);
    bytes
}

/// What the clocks say now.
pub(crate) fn stamp(platform: &dyn Platform, anchor: Option<Timestamp>) -> Stamp {
    Stamp { wall: platform.now().millis(), boot: platform.boot(), anchor: anchor.map(Timestamp::millis) }
}
