//! How Cargo is called: for this machine, and for wasm.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{checkout, process};

/// The target of the screens and of every crate they share with the engine.
pub const WASM: &str = "wasm32-unknown-unknown";

/// Which Rust compiles for wasm.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum WasmRust {
    /// The Rust in use here has the target.
    Own,
    /// Debian's rustc-web, for machines that can download no target.
    Debian,
}

/// Cargo for this machine, in the checkout, building into the shared folder.
pub fn native() -> Result<Command> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(checkout::root()?).env("CARGO_TARGET_DIR", checkout::target()?);
    Ok(command)
}

/// Cargo for wasm, with the C compiler that SQLite and zstd need. The caller adds the subcommand and `--target`.
pub fn wasm() -> Result<Command> {
    let mut command = match WasmRust::find()? {
        Some(WasmRust::Own) => native()?,
        Some(WasmRust::Debian) => debian()?,
        None => bail!("no Rust here compiles for wasm: run `cargo xtask setup`"),
    };
    command.env("CARGO_TARGET_DIR", checkout::target()?.join("wasm"));
    let tools = [("CC_wasm32_unknown_unknown", clang()), ("AR_wasm32_unknown_unknown", llvm_ar())];
    for (variable, tool) in tools {
        if env::var_os(variable).is_none() {
            command.env(variable, tool.context("no clang that knows wasm: run `cargo xtask setup`")?);
        }
    }
    Ok(command)
}

/// Debian's own Cargo, freed of what rustup and `cargo run` put into the environment.
pub fn debian() -> Result<Command> {
    let mut command = Command::new("/usr/bin/cargo");
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once("/usr/bin".into()).chain(env::split_paths(&path)))?;
    command
        .current_dir(checkout::root()?)
        .env("PATH", path)
        .env("CARGO", "/usr/bin/cargo")
        .env("RUSTC", "/usr/bin/rustc")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("LD_LIBRARY_PATH");
    Ok(command)
}

impl WasmRust {
    /// The first of the two that compiles for wasm.
    pub fn find() -> Result<Option<Self>> {
        for rust in [Self::Own, Self::Debian] {
            if rust.works()? {
                return Ok(Some(rust));
            }
        }
        Ok(None)
    }

    /// Links an empty program as the profile `ui` does: a std of another compiler's version, or one that cannot be optimised as a whole, is found out too.
    pub fn works(self) -> Result<bool> {
        let probe = checkout::cache()?.join("probe");
        fs::create_dir_all(&probe).with_context(|| format!("cannot make {}", probe.display()))?;
        let source = probe.join("probe.rs");
        fs::write(&source, "")?;
        let mut rustc = match self {
            Self::Own => Command::new("rustc"),
            Self::Debian => Command::new("/usr/bin/rustc"),
        };
        if self == Self::Debian {
            let clippy = Path::new("/usr/bin/cargo-clippy").exists();
            if !clippy || !is_recent(Command::new("/usr/bin/rustc").arg("--version")) {
                return Ok(false);
            }
            rustc.env_remove("LD_LIBRARY_PATH");
        }
        rustc
            .args(["--crate-type", "cdylib", "-C", "lto=fat", "-C", "panic=abort", "--target", WASM, "--out-dir"])
            .arg(&probe)
            .arg(&source);
        Ok(process::succeeds(&mut rustc))
    }
}

/// Whether the compiler that prints this version is at least the workspace's `rust-version`.
fn is_recent(rustc: &mut Command) -> bool {
    let Ok(printed) = rustc.output() else {
        return false;
    };
    let wanted = env::var("CARGO_PKG_RUST_VERSION").unwrap_or_default();
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    version(printed.trim_start_matches("rustc ")) >= version(&wanted)
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// The newest clang that compiles today's wasm objects: 16 and later do, Debian 12's own 14 does not.
pub fn clang() -> Option<String> {
    newest("clang").or_else(|| {
        let printed = Command::new("clang").arg("-dumpversion").output().ok()?;
        let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
        (version(&printed)? >= (16, 0)).then(|| "clang".to_owned())
    })
}

/// The archiver for clang's wasm objects; every version of it will do.
pub fn llvm_ar() -> Option<String> {
    newest("llvm-ar").or_else(|| process::find("llvm-ar").map(|_| "llvm-ar".to_owned()))
}

fn newest(tool: &str) -> Option<String> {
    (16..=30).rev().map(|version| format!("{tool}-{version}")).find(|name| process::find(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(version("1.96.0 (Debian)") > version("1.95"));
        assert!(version("1.100.0") > version("1.95"));
        assert!(version("") < version("1.95"));
    }
}
