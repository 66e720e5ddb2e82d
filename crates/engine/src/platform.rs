//! What the engine needs of the world around it.

#[cfg(not(target_arch = "wasm32"))]
pub mod native;

use std::path::{Path, PathBuf};

use futures::future::LocalBoxFuture;
use lentera_domain::Timestamp;
use lentera_protocol::bundle::{Boot, Stamp};

use crate::store::identity::Anchor;

/// Clock, randomness, timers, network and disk. Futures need not be `Send`: the engine lives on one thread.
pub trait Platform {
    /// Wall clock.
    fn now(&self) -> Timestamp;

    /// Time since boot, counted through suspend; `None` where the system does not tell.
    fn boot(&self) -> Option<Boot>;

    /// Fills `bytes` with randomness fit for keys.
    fn fill_random(&self, bytes: &mut [u8]);

    /// Waits so many milliseconds.
    fn sleep(&self, millis: u64) -> LocalBoxFuture<'static, ()>;

    /// Posts a request and reads an answer of at most [`lentera_protocol::limits::ANSWER_MAX`] bytes.
    fn post(&self, post: Post) -> LocalBoxFuture<'static, Result<Response, TransportError>>;

    /// Whether the device is on any network beyond itself; `None` where the system does not tell. A server on the device itself needs none.
    fn network(&self) -> Option<bool> {
        None
    }

    /// Bytes that may still be written where `path` lies; `None` where the system does not tell.
    fn free_space(&self, _path: &Path) -> Option<u64> {
        None
    }

    /// Where people look for files of theirs; `None` where there is no such place.
    fn documents_folder(&self) -> Option<PathBuf> {
        None
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// Body.
    pub body: Vec<u8>,
    /// The only certificate authority to be trusted, DER; `None` for those that the system trusts.
    pub ca: Option<Vec<u8>>,
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
    /// No network, or nobody there: nothing was sent.
    #[error("unreachable")]
    Unreachable,
    /// The connection stood and broke, or no answer came in time: what was sent may have arrived.
    #[error("cut off")]
    CutOff,
    /// The address is none.
    #[error("bad address")]
    BadAddress,
    /// What answers does not speak our language, or too long.
    #[error("not an answer of ours")]
    BadAnswer,
    /// Somebody is there whose certificate is not the server's.
    #[error("not the server's certificate")]
    NotOurServer,
    /// By this device's clock the server's certificate is not valid: the clock is years off.
    #[error("the certificate is not valid by this device's clock")]
    ClockWrong,
}

/// `N` random bytes.
pub(crate) fn random<const N: usize>(platform: &dyn Platform) -> [u8; N] {
    let mut bytes = [0; N];
    platform.fill_random(&mut bytes);
    bytes
}

/// A random number from 0 to 1.
pub(crate) fn random_part(platform: &dyn Platform) -> f64 {
    f64::from(u32::from_be_bytes(random(platform))) / f64::from(u32::MAX)
}

/// A wall clock that is this much off what the server told is not believed, in milliseconds.
const CLOCK_OFF: u64 = 60 * 60 * 1000;

/// The present, as well as it is known: the wall clock, unless what the server told and the boot clock say that it is off.
pub(crate) fn present(platform: &dyn Platform, anchor: Option<Anchor>) -> Timestamp {
    let (wall, told) = (platform.now(), stamp(platform, anchor));
    match (told.anchor, told.since_anchor) {
        (Some(anchor), Some(since)) => {
            let told = Timestamp::from_millis(anchor.saturating_add(since));
            if told.millis().abs_diff(wall.millis()) > CLOCK_OFF { told } else { wall }
        }
        // It was told once, and how long ago is not known.
        (Some(anchor), None) => wall.max(Timestamp::from_millis(anchor)),
        (None, _) => wall,
    }
}

/// Whether the present is not known: it is later than the wall clock says, and nothing tells by how much.
pub(crate) fn is_lost_in_time(platform: &dyn Platform, anchor: Option<Anchor>) -> bool {
    let told = stamp(platform, anchor);
    told.since_anchor.is_none() && told.anchor.is_some_and(|anchor| anchor > told.wall)
}

/// What the clocks say now; `anchor` is what the server told last.
pub(crate) fn stamp(platform: &dyn Platform, anchor: Option<Anchor>) -> Stamp {
    let boot = platform.boot();
    let since_anchor = match (boot, anchor.and_then(|anchor| anchor.boot)) {
        (Some(now), Some(then)) if now.id == then.id && now.millis >= then.millis => Some(now.millis - then.millis),
        _ => None,
    };
    Stamp { wall: platform.now().millis(), boot, anchor: anchor.map(|anchor| anchor.time.millis()), since_anchor }
}
