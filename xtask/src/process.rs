//! Running other programs, with one clear line when they fail.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs `command` with its output shown; fails when it does.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs `command` and gives back what it printed; its errors are shown.
pub fn output(command: &mut Command) -> Result<Vec<u8>> {
    let shown = show(command);
    let output =
        command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().with_context(|| format!("cannot start `{shown}`"))?;
    if !output.status.success() {
        bail!("`{shown}` failed ({})", output.status);
    }
    Ok(output.stdout)
}

/// Whether `command` runs and succeeds; nothing is shown.
pub fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The path of `program`, searched in `PATH` and in the system folders that a plain user's `PATH` leaves out.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// `program`, to be run with the rights to change the system.
pub fn as_root(program: &str) -> Result<Command> {
    let user = output(Command::new("id").arg("-u"))?;
    if user.trim_ascii() == b"0" {
        return Ok(Command::new(program));
    }
    if find("sudo").is_none() {
        bail!("no root and no sudo: run `cargo xtask setup` once as root");
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    Ok(command)
}

fn show(command: &Command) -> String {
    let mut shown = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        shown.push(' ');
        shown.push_str(&argument.to_string_lossy());
    }
    shown
}
