//! Embeds the screens. Lints and docs must work before the screens were built, so a page that says how to build them stands in.

use std::path::Path;
use std::{fs, io};

const DIST: &str = "../src-ui/dist";
const PLACEHOLDER: &str = "<!doctype html><meta charset=utf-8><title>Lentera</title><p>The screens are not built: run <code>cargo xtask ui</code>, then build again.";

fn main() -> io::Result<()> {
    let dist = Path::new(DIST);
    if !dist.join("index.html").exists() {
        fs::create_dir_all(dist)?;
        fs::write(dist.join("index.html"), PLACEHOLDER)?;
    }
    if !dist.join("ui_bg.wasm").exists() {
        println!("cargo:warning=the screens are not built: run `cargo xtask ui` first");
    }
    println!("cargo:rerun-if-changed={DIST}");
    tauri_build::try_build(tauri_build::Attributes::new()).map_err(io::Error::other)
}
