//! The story in the real window, under a virtual display and a message bus of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::build_programs;
use crate::{checkout, process, setup};

/// Seconds after which the story is stuck.
const LIMIT: &str = "900";

/// Runs the story; screenshots go to `target/demo`. It prints `demo: saved N, arrived N, on the server N` and fails when they differ.
pub fn run() -> Result<()> {
    let programs = build_programs()?;
    let results = checkout::demo()?;
    fs::create_dir_all(&results).with_context(|| format!("cannot make {}", results.display()))?;
    // A picture of an earlier run would be taken for one of this.
    for entry in fs::read_dir(&results)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "png") {
            fs::remove_file(&path)?;
        }
    }
    let display = Display::start()?;
    let mut story = Command::new("dbus-run-session");
    story
        .args(["--", "timeout", "--kill-after=10", LIMIT])
        .arg(programs.join("window-story"))
        .current_dir(checkout::root()?)
        .env("LENTERA_BIN_DIR", &programs)
        .env("LENTERA_DEMO_DIR", &results)
        .env("LENTERA_DRIVER", setup::tool("tauri-driver")?)
        .env("LENTERA_EXAMPLE", checkout::root()?.join("demo"))
        .env("DISPLAY", &display.name)
        .env("GDK_BACKEND", "x11")
        .env_remove("WAYLAND_DISPLAY")
        // No graphics card and no accessibility bus here: WebKit would look for both and complain.
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("NO_AT_BRIDGE", "1");
    process::run(&mut story)
        .with_context(|| format!("the story did not come to its end; its screenshots are in {}", results.display()))
}

/// A virtual display that ends with this value.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// Starts Xvfb on a display number that it finds free itself.
    fn start() -> Result<Self> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1440x960x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start Xvfb: run `cargo xtask setup`")?;
        let answer = server.stdout.take().context("Xvfb has no output")?;
        let mut number = String::new();
        let read = BufReader::new(answer).read_line(&mut number);
        let display = Self { server, name: format!(":{}", number.trim()) };
        read.context("Xvfb did not say its display")?;
        ensure!(display.name != ":", "Xvfb ended before it opened a display");
        Ok(display)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // It may be gone already, and nobody is left to tell.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
