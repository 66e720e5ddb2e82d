//! Finding, starting and ending the programs.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::wait;

/// How long a program that was asked to end may take.
const END_LIMIT: Duration = Duration::from_secs(20);

/// Where a program runs: here, in the network namespace of one end of a link, on one processor.
#[derive(Clone, Debug, Default)]
pub struct Place(Vec<String>);

impl Place {
    /// In this network namespace.
    pub fn within(namespace: &str) -> Self {
        Self(["ip", "netns", "exec", namespace].map(str::to_owned).to_vec())
    }

    /// On this processor alone.
    pub fn on_processor(number: usize) -> Self {
        Self(["taskset", "--cpu-list", &number.to_string()].map(str::to_owned).to_vec())
    }

    /// A command that runs `program` there. Its process is the program itself: what stands before it gives way to it.
    pub fn command(&self, program: &Path) -> Command {
        let Some((first, rest)) = self.0.split_first() else { return Command::new(program) };
        let mut command = Command::new(first);
        command.args(rest).arg(program);
        command
    }
}

/// Says that a test is not run here and why, past the test runner's capture: a skipped proof must show.
pub fn say_skipped(test: &str, why: &str) {
    // Where nobody reads, nobody is told.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

/// Whether this process may change the system.
pub fn is_root() -> bool {
    let user = Command::new("id").arg("-u").output();
    user.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Path of one of the project's programs: in `LENTERA_BIN_DIR`, else beside this test, compiled first where that can be done anywhere.
///
/// # Errors
/// When it is not there, with the command that makes it.
pub fn program(name: &str) -> Result<PathBuf> {
    let path = match env::var_os("LENTERA_BIN_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => built()?,
    };
    let path = path.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let package = if name == "lentera" { "lentera-cli" } else { name };
    ensure!(path.is_file(), "{} is missing: run `cargo build --package {package}` first", path.display());
    Ok(path)
}

/// The folder of this test's own build, after the programs without a window were compiled into it.
fn built() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}"))).clone().map_err(|error| anyhow!(error))
}

fn build() -> Result<PathBuf> {
    let test = env::current_exe()?;
    let folder = test.parent().filter(|folder| !folder.ends_with("deps")).or_else(|| test.parent()?.parent());
    let folder = folder.context("this test has no folder")?;
    let target = folder.parent().context("this test is not in a build folder of Cargo")?;
    let profile = folder.file_name().filter(|name| *name != "debug").unwrap_or("dev".as_ref());
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--package", "lentera-cli", "--package", "lentera-server", "--bins", "--profile"])
        .arg(profile)
        .arg("--target-dir")
        .arg(target)
        .status()
        .context("cannot start cargo: set LENTERA_BIN_DIR to a folder with the compiled programs")?;
    ensure!(status.success(), "the programs under test do not compile");
    Ok(folder.to_path_buf())
}

/// The folder with the example staff and regions: `LENTERA_EXAMPLE`, else the one of this checkout.
pub fn example() -> PathBuf {
    match env::var_os("LENTERA_EXAMPLE") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo"),
    }
}

/// Sends a signal, as `TERM` or `KILL`, to one process.
///
/// # Errors
/// When there is no such process.
pub fn signal(name: &str, process: u32) -> Result<()> {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status()?;
    ensure!(status.success(), "no process {process}");
    Ok(())
}

/// Asks a child to end and waits for it.
///
/// # Errors
/// When it does not end; then it is killed.
pub fn end(child: &mut Child) -> Result<()> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    signal("TERM", child.id())?;
    let ended = wait::blocking("the process ends", END_LIMIT, || Ok(child.try_wait()?));
    if ended.is_err() {
        kill(child);
        bail!("the process did not end when asked");
    }
    Ok(())
}

/// Ends a child as a power cut would.
pub fn kill(child: &mut Child) {
    // It may be gone already, which is what is wanted.
    let _ = child.kill();
    let _ = child.wait();
}
