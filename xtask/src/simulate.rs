//! `cargo xtask simulate`: many seeded histories of devices and a server, with everything going wrong that can.

use anyhow::Result;

use crate::{checkout, process, toolchain};

/// Lets the histories of `seeds` seeds from `first` on happen.
pub fn run(seeds: u64, first: u64) -> Result<()> {
    checkout::claim_target()?;
    let mut cargo = toolchain::native()?;
    cargo.args(["run", "--package", "lentera-tests", "--bin", "simulate", "--"]);
    process::run(cargo.args(["--seeds", &seeds.to_string(), "--first-seed", &first.to_string()]))
}
