//! `cargo xtask ui`: compiles the screens to wasm and lays them out in `src-ui/dist`, which the app embeds.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use wasm_bindgen_cli_support::Bindgen;

use crate::toolchain::WASM;
use crate::{checkout, process, toolchain};

/// Builds the screens and prints their size as a JSON line. Does nothing that is already done.
pub fn run() -> Result<()> {
    checkout::claim_target()?;
    let root = checkout::root()?;
    let wasm = compile()?;
    let bound = bind(&wasm)?;
    let dist = root.join("src-ui/dist");
    mirror(&[&root.join("src-ui/public"), &bound], &dist)?;
    println!("{}", measure(&dist)?);
    Ok(())
}

fn compile() -> Result<Vec<u8>> {
    let mut cargo = toolchain::wasm()?;
    // Leptos then forgets the types of components: an eighth less code.
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "--cfg erase_components");
    process::run(cargo.args(["build", "--package", "lentera-ui", "--profile", "ui", "--target", WASM]))?;
    let file = checkout::target()?.join("wasm").join(WASM).join("ui/lentera-ui.wasm");
    fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
}

/// Writes the wasm and its JavaScript glue; what they were made from is kept beside them, so that the same input is not bound twice.
fn bind(wasm: &[u8]) -> Result<PathBuf> {
    let folder = checkout::target()?.join("wasm/bound");
    let stamp = checkout::target()?.join("wasm/bound-from.wasm");
    if fs::read(&stamp).is_ok_and(|last| last == wasm) {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    Bindgen::new()
        .input_bytes("ui", wasm.to_vec())
        .web(true)?
        .typescript(false)
        // Only a debugger reads these two.
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&folder)
        .context("wasm-bindgen could not make the JavaScript side")?;
    fs::write(&stamp, wasm)?;
    Ok(folder)
}

/// Makes `to` hold exactly the files of the folders `from`. A file that is the same already is left alone, so that the app is not built again for nothing.
fn mirror(from: &[&Path], to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let mut wanted: BTreeSet<OsString> = BTreeSet::new();
    for folder in from {
        for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            let target = to.join(entry.file_name());
            wanted.insert(entry.file_name());
            if entry.file_type()?.is_dir() {
                mirror(&[&entry.path()], &target)?;
                continue;
            }
            let bytes = fs::read(entry.path())?;
            if fs::read(&target).ok().as_ref() != Some(&bytes) {
                fs::write(&target, bytes).with_context(|| format!("cannot write {}", target.display()))?;
            }
        }
    }
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if !wanted.contains(&entry.file_name()) {
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

/// Sizes in bytes; the gzipped one is what a phone downloads.
fn measure(dist: &Path) -> Result<serde_json::Value> {
    let wasm = dist.join("ui_bg.wasm");
    ensure!(wasm.exists(), "{} is missing", wasm.display());
    let gzipped = process::output(Command::new("gzip").args(["-9", "-n", "-c"]).arg(&wasm))?;
    Ok(json!({ "bench": "ui", "wasm_bytes": fs::metadata(&wasm)?.len(), "wasm_gzip_bytes": gzipped.len() }))
}
