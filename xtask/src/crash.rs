//! `cargo xtask crash`: the crash test with more kills than the CI has time for.

use anyhow::Result;

use crate::{checkout, demo, process, toolchain};

/// Kills devices and server so many times, at instants drawn from `seed`.
pub fn run(kills: u32, seed: u64) -> Result<()> {
    checkout::claim_target()?;
    let programs = demo::build_programs()?;
    let mut cargo = toolchain::native()?;
    cargo.env("LENTERA_BIN_DIR", programs).env("LENTERA_KILLS", kills.to_string()).env("LENTERA_SEED", seed.to_string());
    // Of the whole workspace, as in the tests: nothing below it is compiled a second time with other features.
    process::run(cargo.args(["test", "--workspace", "--test", "crash", "--", "--nocapture"]))
}
