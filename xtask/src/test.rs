//! `cargo xtask test`: every check the CI runs, cheapest first. docs/testing.md says what each step proves.

use std::fs;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::toolchain::{WASM, native, wasm};
use crate::{checkout, demo, process, setup, simulate, ui};

struct Step {
    name: &'static str,
    run: fn() -> Result<()>,
}

const FAST: &[Step] = &[
    Step { name: "formatting", run: check_format },
    Step { name: "lints of the libraries", run: lint_libraries },
    Step { name: "tests of the libraries", run: test_libraries },
];

const ALL: &[Step] = &[
    Step { name: "setup", run: setup::run },
    Step { name: "formatting", run: check_format },
    Step { name: "licences, bans and sources", run: check_dependencies },
    Step { name: "screens", run: ui::run },
    Step { name: "lints", run: lint_native },
    Step { name: "lints for wasm", run: lint_wasm },
    Step { name: "tests", run: test_native },
    Step { name: "simulation", run: || simulate::run(SEEDS, 1) },
    Step { name: "documentation", run: check_docs },
    Step { name: "story in the real window", run: demo::run_headless },
];

/// What is the same code on the device, on the server and in a browser.
const PORTABLE: &[&str] = &["domain", "document", "protocol", "api", "engine", "ui"];

/// Histories that are simulated: about a minute's worth.
const SEEDS: u64 = 300;

/// Runs all steps, or the fast ones; stops at the first that fails.
pub fn run(fast: bool) -> Result<()> {
    checkout::claim_target()?;
    let steps = if fast { FAST } else { ALL };
    let count = steps.len();
    for (number, step) in (1..).zip(steps) {
        println!("test: step {number}/{count} {} …", step.name);
        let start = Instant::now();
        (step.run)().with_context(|| format!("test: step {number}/{count} {} failed", step.name))?;
        println!("test: step {number}/{count} {} … {:.1} s", step.name, start.elapsed().as_secs_f32());
    }
    println!("test: all {count} steps passed");
    Ok(())
}

fn check_format() -> Result<()> {
    process::run(native()?.args(["fmt", "--all", "--check"]))
}

fn lint_libraries() -> Result<()> {
    process::run(native()?.args(["clippy", "--all-targets"]).args(library_packages()?).args(["--", "-D", "warnings"]))
}

fn test_libraries() -> Result<()> {
    process::run(native()?.arg("test").args(library_packages()?))
}

/// `--package` for each folder of `crates/`.
fn library_packages() -> Result<Vec<String>> {
    let mut arguments = Vec::new();
    for entry in fs::read_dir(checkout::root()?.join("crates"))? {
        let folder = entry?.file_name();
        arguments.push(format!("--package=lentera-{}", folder.to_string_lossy()));
    }
    Ok(arguments)
}

fn check_dependencies() -> Result<()> {
    // The whole graph is judged, also what only other systems compile, and cargo-deny itself stays off the network.
    process::run(native()?.args(["fetch", "--locked"]))?;
    let mut deny = Command::new(setup::tool("cargo-deny")?);
    deny.current_dir(checkout::root()?).args(["--offline", "check", "licenses", "bans", "sources"]);
    process::run(&mut deny)
}

fn lint_native() -> Result<()> {
    let mut cargo = native()?;
    process::run(cargo.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn lint_wasm() -> Result<()> {
    let packages = PORTABLE.iter().map(|name| format!("--package=lentera-{name}"));
    process::run(wasm()?.args(["clippy", "--target", WASM]).args(packages).args(["--", "-D", "warnings"]))
}

fn test_native() -> Result<()> {
    // The whole-system tests run the programs, which Cargo does not compile for them.
    let programs = demo::build_programs()?;
    let mut cargo = native()?;
    process::run(cargo.env("LENTERA_BIN_DIR", programs).args(["test", "--workspace"]))
}

fn check_docs() -> Result<()> {
    let mut cargo = native()?;
    cargo.env("RUSTDOCFLAGS", "-D warnings").args(["doc", "--no-deps", "--workspace", "--exclude", "lentera-ui"]);
    process::run(&mut cargo)
}
