//! `cargo xtask crash`: the crash test with more kills than the CI has time for.

use anyhow::Result;

use crate::{checkout, process, toolchain};

/// Kills devices and server so many times, at instants drawn from `seed`.
pub fn run(kills: u32, seed: u64) -> Result<()> {
    checkout::claim_target()?;
    let mut cargo = toolchain::native()?;
    cargo.env("LENTERA_KILLS", kills.to_string()).env("LENTERA_SEED", seed.to_string());
    process::run(cargo.args(["test", "--package", "lentera-tests", "--test", "crash", "--", "--nocapture"]))
}
