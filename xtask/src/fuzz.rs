//! Fuzzing: bytes from outside, made up by the thousand, against every decoder and the guard.
//!
//! `fuzz/` is outside the workspace and is built with libFuzzer's flags. What was found before is where a run begins: the corpus of the
//! checkout, and what earlier runs on this machine have added to the one in the cache. A crash is written to `fuzz/crashes`, from where the tests of the
//! crates replay it for ever.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{checkout, process, setup, toolchain};

/// Pinned, as the other tools.
const CARGO_FUZZ: (&str, &str) = ("cargo-fuzz", "0.13.2");
/// Megabytes of memory at which a target is taken to have crashed.
const MEMORY_MAX: u32 = 1024;
/// Seconds that one input may take.
const INPUT_MAX: u32 = 10;

/// How one target did.
struct Run {
    runs: u64,
    seconds: f64,
    crashes: usize,
}

/// Fuzzes all targets, or the one named, for `minutes` in all, and prints a JSON line for each.
pub fn run(minutes: u32, target: Option<&str>) -> Result<()> {
    let fuzz = checkout::root()?.join("fuzz");
    let targets = targets(&fuzz)?;
    let chosen: Vec<&String> = targets.iter().filter(|name| target.is_none_or(|wanted| wanted == name.as_str())).collect();
    if chosen.is_empty() {
        bail!("no such target; there are: {}", targets.join(", "));
    }
    let programs = build(&fuzz)?;
    let seconds = u64::from(minutes) * 60 / u64::try_from(chosen.len())?;
    let mut crashes = 0;
    for name in chosen {
        let run = fuzz_one(&fuzz, &programs, name, seconds.max(1))?;
        let per_second = run.runs as f64 / run.seconds.max(1.0);
        let line = serde_json::json!({
            "fuzz": name, "seconds": run.seconds.round(), "runs": run.runs, "per_second": per_second.round(), "crashes": run.crashes,
        });
        println!("{line}");
        crashes += run.crashes;
    }
    if crashes > 0 {
        bail!("{crashes} crashes: they are in fuzz/crashes");
    }
    Ok(())
}

fn targets(fuzz: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in fs::read_dir(fuzz.join("fuzz_targets"))? {
        names.extend(file?.path().file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort_unstable();
    Ok(names)
}

/// Builds all targets and gives back the folder they are in. The flags are the nightly compiler's; `RUSTC_BOOTSTRAP` lets this one take them.
fn build(fuzz: &Path) -> Result<PathBuf> {
    if process::find("g++").or_else(|| process::find("clang++")).is_none() {
        bail!("libFuzzer needs a C++ compiler: install g++");
    }
    setup::ensure_tool(CARGO_FUZZ.0, CARGO_FUZZ.1)?;
    let target = checkout::target()?.join("fuzz");
    let mut cargo = toolchain::native()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = setup::tool(CARGO_FUZZ.0)?.parent().map(Path::to_path_buf);
    let path = std::env::join_paths(tools.into_iter().chain(std::env::split_paths(&path)))?;
    cargo.current_dir(fuzz).env("PATH", path).env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", &target);
    // No sanitizer: safe Rust has no use for one, and the targets' own allocator sees too large a wish.
    cargo.args(["fuzz", "build", "--release", "--sanitizer", "none", "--target-dir"]).arg(&target);
    process::run(&mut cargo)?;
    let host = process::output(Command::new("rustc").args(["--print", "host-tuple"]))?;
    Ok(target.join(String::from_utf8(host)?.trim()).join("release"))
}

fn fuzz_one(fuzz: &Path, programs: &Path, name: &str, seconds: u64) -> Result<Run> {
    let grown = checkout::cache()?.join("fuzz").join(name);
    let crashes = fuzz.join("crashes").join(name);
    for folder in [&grown, &crashes] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let before = files(&crashes)?;
    let begun = Instant::now();
    let output = Command::new(programs.join(name))
        .args([&grown, &fuzz.join("corpus").join(name), &crashes])
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-rss_limit_mb={MEMORY_MAX}"))
        .arg(format!("-timeout={INPUT_MAX}"))
        .args(["-print_final_stats=1", "-use_value_profile=1"])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start the target {name}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    let crashed = files(&crashes)?.saturating_sub(before);
    if !output.status.success() {
        eprintln!("{}", last_lines(&told));
    }
    // The folder is there for what may come; an empty one is not kept.
    let _ = fs::remove_dir(&crashes);
    Ok(Run {
        runs: executed(&told).unwrap_or(0),
        seconds: begun.elapsed().as_secs_f64(),
        crashes: crashed.max(usize::from(!output.status.success())),
    })
}

fn files(folder: &Path) -> Result<usize> {
    Ok(fs::read_dir(folder)?.count())
}

/// The number in `stat::number_of_executed_units: 42819`.
fn executed(told: &str) -> Option<u64> {
    let line = told.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
    line.trim().parse().ok()
}

fn last_lines(told: &str) -> String {
    let lines: Vec<&str> = told.lines().collect();
    lines.get(lines.len().saturating_sub(60)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_often_a_target_ran() {
        let told =
            "Done 42819 runs in 16 second(s)\nstat::number_of_executed_units: 42819\nstat::average_exec_per_sec:     2676\n";
        assert_eq!((executed(told), executed("")), (Some(42_819), None));
    }

    #[test]
    fn every_target_has_a_program_and_a_corpus() {
        let fuzz = checkout::root().unwrap().join("fuzz");
        let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        let targets = targets(&fuzz).unwrap();
        assert!(targets.len() >= 16, "{targets:?}");
        for name in targets {
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} is not built");
            assert!(files(&fuzz.join("corpus").join(&name)).unwrap() > 0, "{name} has no corpus");
        }
    }
}
