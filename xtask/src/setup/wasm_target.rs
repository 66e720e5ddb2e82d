//! Rust's standard library for wasm: from rustup, or compiled once from Debian's sources where rustup's server is out of reach.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Outcome, announce, packages};
use crate::toolchain::{self, WASM, WasmRust};
use crate::{checkout, process};

/// Seconds that rustup may take before the fallback is tried.
const RUSTUP_LIMIT: &str = "120";

const STEP: &str = "wasm target";

/// Debian 12's second, newer Rust, with its lints and the source of std.
const DEBIAN_RUST: &[&[&str]] =
    &[&["rustc-web"], &["cargo-web"], &["rust-web-src"], &["rust-web-llvm"], &["rust-web-clippy"], &["lld-22", "lld-19"]];

/// Makes sure that some Rust here compiles for wasm.
pub fn install() -> Result<Outcome> {
    if WasmRust::find()?.is_some() {
        return Ok(Outcome::Present);
    }
    announce(STEP, "rustup target add");
    // Silent: what it says where its server is out of reach is a page long, and not the last word.
    let mut rustup = Command::new("timeout");
    rustup.args([RUSTUP_LIMIT, "rustup", "target", "add", WASM]);
    if process::succeeds(&mut rustup) && WasmRust::Own.works()? {
        return Ok(Outcome::Installed);
    }
    announce(STEP, "rustup could not bring it: compiling it from Debian's Rust, 2 minutes");
    build_from_debian().with_context(|| format!("no wasm target: connect to the internet and run `rustup target add {WASM}`"))?;
    if !WasmRust::Debian.works()? {
        bail!(
            "the wasm target was compiled but does not work: run `rustup target add {WASM}` where static.rust-lang.org is reachable"
        );
    }
    Ok(Outcome::Installed)
}

fn build_from_debian() -> Result<()> {
    packages::apt_install(DEBIAN_RUST)?;
    let built = build_std()?;
    let printed = process::output(Command::new("/usr/bin/rustc").args(["--print", "target-libdir", "--target", WASM]))?;
    let destination = PathBuf::from(String::from_utf8(printed)?.trim());
    // Two builds of std side by side are ambiguous to rustc, so an older one goes.
    process::run(process::as_root("rm")?.arg("-rf").arg(&destination))?;
    process::run(process::as_root("mkdir")?.arg("-p").arg(&destination))?;
    process::run(process::as_root("cp")?.args(built).arg(&destination))?;
    // What was compiled against an older std does not fit this one, and Cargo would not notice.
    let stale = checkout::target()?.join("wasm");
    if stale.exists() {
        fs::remove_dir_all(&stale).with_context(|| format!("cannot remove {}", stale.display()))?;
    }
    Ok(())
}

/// Compiles std for wasm and names its libraries.
fn build_std() -> Result<Vec<PathBuf>> {
    let folder = checkout::cache()?.join("wasm-std");
    let target = folder.join("target");
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), "")?;
    fs::write(folder.join("Cargo.toml"), "[package]\nname = \"empty\"\nedition = \"2024\"\n\n[workspace]\n")?;
    let mut cargo = toolchain::debian()?;
    cargo
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", &target)
        // Debian's compiler is a stable one; building std is not a stable feature.
        .env("RUSTC_BOOTSTRAP", "1")
        // Cargo leaves the bitcode out of a release build, and then the screens' profile cannot optimise across std.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .args(["build", "--release", "-Zbuild-std=std,panic_abort", "--target", WASM]);
    process::run(&mut cargo)?;
    libraries(&target.join(WASM).join("release/deps"))
}

fn libraries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            found.push(path);
        }
    }
    Ok(found)
}
