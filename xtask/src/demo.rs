//! `cargo xtask demo`: the whole system on one machine, for a person or for the CI.

mod headless;
mod office;

use std::path::PathBuf;

use anyhow::Result;

pub use headless::run as run_headless;

use crate::{checkout, process, setup, toolchain, ui};

/// Opens the app beside an example office, or drives it with no display.
pub fn run(headless: bool) -> Result<()> {
    setup::run()?;
    ui::run()?;
    if headless { run_headless() } else { office::run() }
}

/// Compiles every program and names their folder.
pub fn build_programs() -> Result<PathBuf> {
    // The same set of packages as the tests, so that nothing below them is compiled a second time with other features.
    process::run(toolchain::native()?.args(["build", "--workspace", "--exclude", "lentera-ui", "--bins"]))?;
    Ok(checkout::target()?.join("debug"))
}
