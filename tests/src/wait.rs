//! Waiting for something with a limit, so that a test that hangs says for what.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const PAUSE: Duration = Duration::from_millis(50);

/// Looks again and again until there is something; faults on the way are forgotten when it comes in time.
///
/// # Errors
/// When it did not come within `limit`, with the last fault.
pub async fn until<T>(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(done) = judge(what, limit, start, look().await)? {
            return Ok(done);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// As [`until`], for a test without async.
///
/// # Errors
/// As [`until`].
pub fn blocking<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(done) = judge(what, limit, start, look())? {
            return Ok(done);
        }
        thread::sleep(PAUSE);
    }
}

fn judge<T>(what: &str, limit: Duration, start: Instant, seen: Result<Option<T>>) -> Result<Option<T>> {
    let late = start.elapsed() > limit;
    match seen {
        Ok(None) if late => bail!("not within {limit:?}: {what}"),
        Err(error) if late => Err(error).with_context(|| format!("not within {limit:?}: {what}")),
        Ok(seen) => Ok(seen),
        Err(_) => Ok(None),
    }
}
