//! Rust's own components and the test tools that come from crates.io.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Outcome, announce};
use crate::{checkout, process, toolchain};

/// Pinned, so that a warm and a fresh machine run the same.
const TOOLS: &[(&str, &str)] = &[("tauri-driver", "2.1.0"), ("cargo-deny", "0.20.2")];

/// Where the tools are installed.
pub fn folder() -> Result<PathBuf> {
    Ok(checkout::cache()?.join("tools"))
}

/// Compiles the tools that are not there yet.
pub fn install() -> Result<Outcome> {
    let mut outcome = Outcome::Present;
    for (name, version) in TOOLS {
        if ensure(name, version)? == Outcome::Installed {
            outcome = Outcome::Installed;
        }
    }
    Ok(outcome)
}

/// Compiles one tool if it is not there yet in this version.
pub fn ensure(name: &str, version: &str) -> Result<Outcome> {
    let folder = folder()?;
    let installed = fs::read_to_string(folder.join(".crates.toml")).unwrap_or_default();
    if installed.contains(&format!("\"{name} {version} ")) {
        return Ok(Outcome::Present);
    }
    announce("test tools", &format!("compiling {name} {version}, some minutes"));
    let mut cargo = toolchain::native()?;
    cargo
        .env("CARGO_TARGET_DIR", checkout::target()?.join("tools"))
        .args(["install", "--locked", "--version", version, "--root"])
        .arg(&folder)
        .arg(name);
    process::run(&mut cargo).with_context(|| format!("could not install {name}: is crates.io reachable?"))?;
    Ok(Outcome::Installed)
}

/// Adds clippy and rustfmt where rustup's minimal profile left them out.
pub fn add_components() -> Result<Outcome> {
    let there = |program: &str| process::succeeds(Command::new(program).arg("--version"));
    if there("cargo-clippy") && there("rustfmt") {
        return Ok(Outcome::Present);
    }
    announce("lints and formatting", "adding clippy and rustfmt");
    process::run(Command::new("rustup").args(["component", "add", "clippy", "rustfmt"]))
        .context("could not add them: run `rustup component add clippy rustfmt`")?;
    Ok(Outcome::Installed)
}
