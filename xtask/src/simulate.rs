//! `cargo xtask simulate`: many seeded histories of devices and a server, with everything going wrong that can.

use std::process::Command;

use anyhow::Result;

use crate::{checkout, demo, process};

/// Lets the histories of `seeds` seeds from `first` on happen.
pub fn run(seeds: u64, first: u64) -> Result<()> {
    checkout::claim_target()?;
    let mut simulate = Command::new(demo::build_programs()?.join("simulate"));
    process::run(simulate.args(["--seeds", &seeds.to_string(), "--first-seed", &first.to_string()]))
}
