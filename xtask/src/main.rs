//! `cargo xtask`: everything a contributor or the CI does with this checkout, one file per command.

mod android;
mod bench;
mod checkout;
mod crash;
mod demo;
mod fuzz;
mod process;
mod setup;
mod simulate;
mod test;
mod toolchain;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a contributor or the CI does with this checkout.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing: system packages, the wasm target, test tools.
    Setup,
    /// Build the screens into `src-ui/dist`.
    Ui,
    /// Run every check the CI runs; docs/testing.md says what each one proves.
    Test {
        /// Only formatting, native lints and the tests of `crates/`.
        #[arg(long)]
        fast: bool,
    },
    /// Make an example office, start its server and open the app as one of its employees.
    Demo {
        /// Drive the real window through the main story under a virtual display instead.
        #[arg(long)]
        headless: bool,
    },
    /// Measure; prints JSON lines.
    Bench {
        /// One figure only; `ui` is the size of the screens.
        name: Option<String>,
    },
    /// Kill devices and server at random instants, and see that nothing is lost.
    Crash {
        /// How often.
        #[arg(long, default_value_t = 500)]
        kills: u32,
        /// The instants are drawn from this.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Give made-up bytes to every decoder and the guard.
    Fuzz {
        /// For how long, all targets together.
        #[arg(long, default_value_t = 16)]
        minutes: u32,
        /// One target only.
        #[arg(long)]
        target: Option<String>,
    },
    /// Let devices and a server live through seeded histories in which everything goes wrong that can.
    Simulate {
        /// How many histories.
        #[arg(long, default_value_t = 300)]
        seeds: u64,
        /// Of which seed the first is.
        #[arg(long, default_value_t = 1)]
        first_seed: u64,
    },
    /// Type-check the app for Android, with no Android SDK.
    CheckAndroid,
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Setup => setup::run(),
        Task::Ui => {
            setup::run()?;
            ui::run()
        }
        Task::Test { fast } => test::run(fast),
        Task::Demo { headless } => demo::run(headless),
        Task::Bench { name } => bench::run(name.as_deref()),
        Task::Crash { kills, seed } => crash::run(kills, seed),
        Task::Fuzz { minutes, target } => fuzz::run(minutes, target.as_deref()),
        Task::Simulate { seeds, first_seed } => simulate::run(seeds, first_seed),
        Task::CheckAndroid => android::run(),
    }
}
