//! A world in one thread: the shipped engine on several devices, their SQLite files, the shipped server behind its HTTP handler.
//! Clocks, randomness, the network and the disks are replaced, so that anything can happen to them, and all of it again from its seed.
//!
//! What is held against the programs (`verdict`):
//! - **lost**: something that a device said is saved is neither on that device nor on the server, nor listed as refused with its text;
//! - **lies**: something is shown as arrived, and the server does not hold it, or no receipt of its key says so;
//! - **diverged**: after all trouble has ended, devices and server do not come to rest with the same records.
//!
//! What is assumed, since no program could do without: of one thing written, not all copies are destroyed at once. A device is
//! emptied only after all of its work arrived; and where a device's disk was replaced, damaged or withdrawn, the server is not set back
//! to before that any more, nor is such a device one whose receipts a server set back still has to be told of.

mod device;
mod event;
mod ledger;
mod look;
mod network;
pub mod planted;
mod server;
mod shrink;
mod template;
mod typing;
mod verdict;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::Result;
use tokio::runtime::Runtime;

pub use event::{Event, What, history};
pub use planted::Bug;
pub use shrink::shrink;
pub use template::{DEVICES, Template};
pub use verdict::{Failure, Fault};
use world::World;

/// When every history begins: 2026-11-23 10:00 WITA, in milliseconds since 1970.
const NOW: i64 = 1_795_399_200_000;

/// How often what happened.
pub type Seen = BTreeMap<&'static str, u64>;

/// What came of a history.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was wrong.
    pub failures: Vec<Failure>,
    /// How often what happened, to see that the rare things do.
    pub seen: Seen,
}

/// Lets a history happen, then all trouble end, and tells what was wrong.
pub fn run(runtime: &Runtime, template: &Template, seed: u64, events: &[Event], bug: Option<Bug>, tell: bool) -> Outcome {
    let happened = catch_unwind(AssertUnwindSafe(|| -> Result<Outcome> {
        let mut world = World::begin(runtime, template, seed, bug, tell)?;
        for event in events {
            world.happen(event)?;
            if !world.failures.is_empty() {
                break;
            }
        }
        if world.failures.is_empty() {
            world.end()?;
        }
        Ok(Outcome { failures: std::mem::take(&mut world.failures), seen: std::mem::take(&mut world.seen) })
    }));
    let broken = |text| Outcome { failures: vec![Failure::new(Fault::Diverged, text)], seen: Seen::new() };
    match happened {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => broken(format!("{error:#}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
            broken(format!("panicked: {text}"))
        }
    }
}

/// Makes `to` hold what `from` holds, and nothing else.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
