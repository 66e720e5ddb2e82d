//! `cargo xtask bench`: measures on this machine and prints JSON lines, to be copied to docs/benchmarks.md.

use anyhow::Result;

use crate::{checkout, process, setup, toolchain, ui};

/// Measures one figure, or all.
pub fn run(name: Option<&str>) -> Result<()> {
    checkout::claim_target()?;
    if name.is_none_or(|name| name == "ui") {
        setup::run()?;
        ui::run()?;
    }
    if name == Some("ui") {
        return Ok(());
    }
    let mut cargo = toolchain::native()?;
    process::run(cargo.args(["run", "--release", "--package", "lentera-tests", "--bin", "bench", "--"]).args(name))
}
