//! `cargo xtask bench`: what people would feel, measured, as JSON lines. Figures and their machine are kept in `docs/benchmarks.md`.
//!
//! `save`: an activity, to the end of its fsync. `open`: ten thousand activities, from a closed app to the first list. `sync`: all of
//! `sync-loopback` (this machine alone, the measure for ratios), `sync-edge` (bytes and seconds over a slow link), `sync-edge-blackouts` (the same going dark again and again), `sync-storm` (a whole
//! kabupaten on the last evening of the month) and `sync-guard` (what the guard takes for one change).

#[cfg(target_os = "linux")]
mod edge;
mod guard;
mod loopback;
mod save;
#[cfg(target_os = "linux")]
mod storm;

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use lentera_api::{Call, Command, Enrol};
use lentera_engine::{Engine, NativePlatform};

const NIP: &str = "197203151998032000";
const PASSWORD: &str = "lentera-terang";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["client", data] => return lentera_tests::remote::serve(Path::new(data)),
        #[cfg(target_os = "linux")]
        ["storm-generator", folder] => return storm::generate(Path::new(folder)),
        [] => None,
        [name] => Some((*name).to_owned()),
        _ => anyhow::bail!("one figure or all"),
    };
    let run = |name: &str| {
        wanted
            .as_deref()
            .is_none_or(|wanted| name == wanted || name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('-')))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if run("save") || run("open") {
        runtime.block_on(save::measure())?;
    }
    if run("sync-loopback") {
        runtime.block_on(loopback::measure())?;
    }
    if run("sync-guard") {
        guard::measure()?;
    }
    #[cfg(target_os = "linux")]
    {
        if run("sync-edge") {
            edge::measure()?;
        }
        if run("sync-edge-blackouts") {
            edge::measure_blackouts()?;
        }
        if run("sync-storm") {
            storm::measure()?;
        }
    }
    Ok(())
}

async fn call<C: Call>(engine: &Engine, command: C) -> Result<C::Answer> {
    let command: Command = command.into();
    let answer = engine.dispatch(command).await.map_err(|error| anyhow!("{error:?}"))?;
    Ok(serde_json::from_value(answer)?)
}

fn open(data: &Path) -> Result<Engine> {
    let platform = NativePlatform::new(None).map_err(|error| anyhow!(error))?;
    Engine::open(data, Rc::new(platform), |_| {}).map_err(|error| anyhow!("{error:?}"))
}

async fn enrolled(data: &Path, invite: &str) -> Result<Engine> {
    let engine = open(data)?;
    let enrol = |password: &str, new_password: &str| Enrol {
        invite: invite.to_owned(),
        nip: NIP.to_owned(),
        password: password.to_owned(),
        new_password: new_password.to_owned(),
    };
    if call(&engine, enrol(PASSWORD, "")).await.is_err() {
        call(&engine, enrol(NIP.get(..8).unwrap_or_default(), PASSWORD)).await?;
    }
    engine.sync().await.map_err(|error| anyhow!("{error:?}"))?;
    Ok(engine)
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}
