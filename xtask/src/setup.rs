//! `cargo xtask setup`: brings a machine that has only Rust to where everything builds. Each step first looks whether it is needed.

mod packages;
mod tools;
mod wasm_target;

use std::path::PathBuf;

use anyhow::Result;

/// Installs what is missing; says one line per step.
pub fn run() -> Result<()> {
    report("system packages", packages::install()?);
    report("lints and formatting", tools::add_components()?);
    report("wasm target", wasm_target::install()?);
    report("test tools", tools::install()?);
    Ok(())
}

/// Where a tool that setup compiled is.
pub fn tool(name: &str) -> Result<PathBuf> {
    Ok(tools::folder()?.join("bin").join(name))
}

/// Compiles a tool that only one task needs, if it is not there yet in this version.
pub fn ensure_tool(name: &str, version: &str) -> Result<()> {
    tools::ensure(name, version).map(drop)
}

/// What a step found.
#[derive(PartialEq, Eq)]
enum Outcome {
    Present,
    Installed,
}

fn report(step: &str, outcome: Outcome) {
    match outcome {
        Outcome::Present => println!("setup: {step}: present"),
        Outcome::Installed => println!("setup: {step}: installed"),
    }
}

fn announce(step: &str, doing: &str) {
    println!("setup: {step}: {doing} …");
}
