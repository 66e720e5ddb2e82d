//! What the guard takes for one change.

use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use lentera_document::guard::{NoWatch, examine};
use lentera_document::{Actor, Document, Fields, fields_of};
use lentera_domain::{LogEntryId, Nip, Timestamp};
use lentera_tests::work::entry;
use serde_json::json;
use uuid::Uuid;

use crate::{NIP, percentile};

/// Changes examined.
const CHANGES: usize = 3_000;
const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

/// Milliseconds for the change that makes an entry, and for the tenth edit of one.
pub fn measure() -> Result<()> {
    let nip = Nip::parse(NIP).map_err(|error| anyhow!("{error:?}"))?;
    let fields = |n: usize| -> Result<Fields> {
        let form = entry(NOW.day(), 1, n).parse(nip.clone(), NOW).map_err(|error| anyhow!("{error:?}"))?;
        Ok(fields_of(&form)?)
    };
    let actor = Actor::derive(&[1; 32], 0);
    for (name, edits) in [("new entry", 0), ("edit of an entry with ten changes", 10)] {
        let (mut times, mut bytes) = (Vec::with_capacity(CHANGES), 0);
        for n in 0..CHANGES {
            let mut writing = Document::new(LogEntryId(Uuid::from_u128(n as u128)).record())?;
            let mut kept = Document::new(writing.id())?;
            let mut before = Fields::default();
            for edit in 0..=edits {
                let after = fields(n + edit)?;
                let change = writing.write(actor, NOW, &before, &after)?.context("nothing differs")?;
                before = after;
                let start = Instant::now();
                let accepted = examine(&kept, Some(actor), &change.bytes, &NoWatch).map_err(|refusal| anyhow!("{refusal:?}"))?;
                let took = start.elapsed();
                kept = accepted.document;
                if edit == edits {
                    times.push(took);
                    bytes += change.bytes.len();
                }
            }
        }
        times.sort_unstable();
        println!(
            "{}",
            json!({"bench": "sync-guard", "of": name, "changes": CHANGES, "bytes_each": bytes / CHANGES,
                "p50_ms": percentile(&times, 50), "p99_ms": percentile(&times, 99)})
        );
    }
    Ok(())
}
