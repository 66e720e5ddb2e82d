//! Sending what was prepared, as devices do: when to try again is said by the app's own schedule.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use ed25519_dalek::VerifyingKey;
use lentera_api::view::Cause;
use lentera_engine::{Outcome, Schedule};
use lentera_protocol::receipt::Receipt;
use lentera_protocol::sign::verify;
use lentera_protocol::sync::{Answer, Reply};
use lentera_tests::dice::Dice;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::ARRIVALS;
use super::prepare::Prepared;
use crate::percentile;

/// After so long without an answer a device gives up its connection.
const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Seen {
    /// Of every answer, with receipts or without: from the first byte sent to the last received.
    answers: Vec<Duration>,
    /// Of those with receipts.
    accepted: Vec<Duration>,
    /// When each came, and what it said.
    receipts: Vec<(Instant, usize, Vec<u8>)>,
    busy: usize,
    failed: usize,
}

/// Sends all requests until each has its receipts; the figures.
pub fn all(plan: &Value, requests: Vec<Prepared>) -> Result<Value> {
    let address: SocketAddr = serde_json::from_value(plan.get("address").context("no address")?.clone())?;
    let key: [u8; 32] = serde_json::from_value(plan.get("key").context("no key")?.clone())?;
    let key = VerifyingKey::from_bytes(&key)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let seen = Rc::new(RefCell::new(Seen::default()));
    let requests = Rc::new(requests);
    let start = Instant::now();
    runtime.block_on(tokio::task::LocalSet::new().run_until(async {
        let devices =
            (0..requests.len()).map(|n| tokio::task::spawn_local(device(n, address, Rc::clone(&requests), Rc::clone(&seen))));
        for device in devices.collect::<Vec<_>>() {
            device.await?;
        }
        Ok::<_, anyhow::Error>(())
    }))?;
    let seen = seen.take();
    report(start, &requests, &seen, &key)
}

/// One device: waits for its moment, sends, and tries again until it has an answer with receipts.
async fn device(n: usize, address: SocketAddr, requests: Rc<Vec<Prepared>>, seen: Rc<RefCell<Seen>>) {
    let Some(request) = requests.get(n) else { return };
    let mut dice = Dice::new(n as u64);
    let mut schedule = Schedule::default();
    let mut pause = ARRIVALS.mul_f64(dice.share());
    loop {
        tokio::time::sleep(pause).await;
        let start = Instant::now();
        let answer = tokio::time::timeout(TIMEOUT, post(address, &request.body)).await;
        let mut seen = seen.borrow_mut();
        let (cause, retry_after) = match answer {
            Ok(Ok((200, _, body))) => {
                seen.answers.push(start.elapsed());
                seen.accepted.push(start.elapsed());
                seen.receipts.push((Instant::now(), n, body));
                return;
            }
            Ok(Ok((503, retry_after, _))) => {
                seen.answers.push(start.elapsed());
                seen.busy += 1;
                (Cause::Busy, retry_after)
            }
            _ => {
                seen.failed += 1;
                (Cause::Unreachable, None)
            }
        };
        let outcome = Outcome { failed: Some(cause), retry_after, progress: false, unsent: true, more: false, in_front: true };
        pause = Duration::from_millis(schedule.delay(outcome, dice.share()));
    }
}

/// One request on a connection of its own: status, seconds of Retry-After, body.
async fn post(address: SocketAddr, body: &[u8]) -> Result<(u16, Option<u32>, Vec<u8>)> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "POST /v1/sync HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/cbor\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), body].concat();
    // A server that answers before it has read all may close while we write: what it said counts.
    let written = stream.write_all(&request).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        if let Some((status, retry_after, length, at)) = head_of(&answer)
            && let Some(body) = answer.get(at..at + length)
        {
            return Ok((status, retry_after, body.to_vec()));
        }
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            written?;
            bail!("closed");
        }
        answer.extend_from_slice(buffer.get(..count).unwrap_or_default());
    }
}

/// Status, Retry-After, length of the body and where it begins, once the whole head is here.
fn head_of(answer: &[u8]) -> Option<(u16, Option<u32>, usize, usize)> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let field = |name: &str| {
        head.lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    };
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = field("content-length").map_or(Some(0), |length| length.parse().ok())?;
    Some((status, field("retry-after").and_then(|seconds| seconds.parse().ok()), length, end + 4))
}

fn report(start: Instant, requests: &[Prepared], seen: &Seen, key: &VerifyingKey) -> Result<Value> {
    let mut arrivals = Vec::new();
    for (at, n, body) in &seen.receipts {
        let reply = verify::<Reply<Answer>>(body, key)?.into_inner();
        let Reply::Done(answer) = reply else { bail!("device {n} was refused: {reply:?}") };
        let expected = &requests.get(*n).context("no such device")?.entries;
        ensure!(answer.unreadable.is_empty() && answer.receipts.len() == expected.len(), "device {n}: {answer:?}");
        for sealed in &answer.receipts {
            let receipt = verify::<Receipt>(&sealed.0, key)?;
            ensure!(receipt.exceptions.is_empty(), "device {n}: {receipt:?}");
            let entries = usize::try_from(receipt.number)?.checked_sub(1).and_then(|index| expected.get(index));
            arrivals.push((*at, *entries.context("a receipt for nothing")?));
        }
    }
    arrivals.sort_unstable();
    let entries: usize = arrivals.iter().map(|(_, entries)| entries).sum();
    let seconds = arrivals.last().map_or(0.0, |(at, _)| at.duration_since(start).as_secs_f64());
    // The steady part: without the beginning, and without the last ones that wait out their pause.
    let at_share = |share: f64| {
        let mut so_far = 0.0;
        let reached = |(_, entries_of): &&(Instant, usize)| {
            so_far += *entries_of as f64;
            so_far >= share * entries as f64
        };
        arrivals.iter().find(reached).map(|(at, _)| *at)
    };
    let steady = match (at_share(0.1), at_share(0.9)) {
        (Some(from), Some(to)) => 0.8 * entries as f64 / to.duration_since(from).as_secs_f64(),
        _ => 0.0,
    };
    let sorted = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort_unstable();
        times
    };
    let (answers, accepted) = (sorted(&seen.answers), sorted(&seen.accepted));
    Ok(json!({
        "receipted_entries": entries, "seconds": seconds, "entries_per_s": entries as f64 / seconds, "entries_per_s_steady": steady,
        "answer_p50_ms": percentile(&answers, 50), "answer_p99_ms": percentile(&answers, 99),
        "accepted_p50_ms": percentile(&accepted, 50), "accepted_p99_ms": percentile(&accepted, 99), "accepted_max_ms": percentile(&accepted, 100),
        "told_busy": seen.busy, "connections_failed": seen.failed,
        "request_bytes_mean": requests.iter().map(|request| request.body.len()).sum::<usize>() / requests.len().max(1),
    }))
}
