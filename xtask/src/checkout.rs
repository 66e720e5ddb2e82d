//! Where things are: this checkout, the cache beside it, the folder Cargo builds into.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// The root of this checkout. Cargo names it when it starts the task, so that a task built for one checkout is right in another.
pub fn root() -> Result<PathBuf> {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask …`")?;
    let root = Path::new(&manifest).parent().context("xtask has no parent folder")?;
    Ok(root.to_path_buf())
}

/// Downloaded and compiled tools, kept between checkouts: `LENTERA_CACHE`, else `~/.cache/lentera`.
pub fn cache() -> Result<PathBuf> {
    match env::var_os("LENTERA_CACHE") {
        Some(folder) => Ok(folder.into()),
        None => home_cache("lentera"),
    }
}

/// Cargo's build folder: `CARGO_TARGET_DIR`, else `~/.cache/lentera-target`, so that builds stay warm between clean checkouts.
pub fn target() -> Result<PathBuf> {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => Ok(folder.into()),
        None => home_cache("lentera-target"),
    }
}

/// What the demo leaves behind: example office, screenshots.
pub fn demo() -> Result<PathBuf> {
    Ok(root()?.join("target/demo"))
}

fn home_cache(name: &str) -> Result<PathBuf> {
    let home =
        env::var_os("HOME").context("HOME is not set: set LENTERA_CACHE and CARGO_TARGET_DIR to folders of your choice")?;
    Ok(Path::new(&home).join(".cache").join(name))
}

/// Makes the build folder this checkout's own.
///
/// Cargo tells stale from fresh by file times alone: where two checkouts share one build folder it would take the other's
/// newer build for ours and test the wrong code. So when another checkout was here last, our files are made the newest.
pub fn claim_target() -> Result<()> {
    let root = root()?;
    let target = target()?;
    let owner = target.join("checkout");
    let ours = root.display().to_string();
    if fs::read_to_string(&owner).is_ok_and(|last| last == ours) {
        return Ok(());
    }
    let members = ["crates", "src-tauri", "src-ui", "tests", "xtask"];
    process::run(Command::new("find").current_dir(&root).args(members).args(["-type", "f", "-exec", "touch", "{}", "+"]))?;
    fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
    fs::write(&owner, ours).with_context(|| format!("cannot write {}", owner.display()))
}
