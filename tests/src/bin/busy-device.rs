//! A device that notes, changes and sends without a pause, to be killed: `busy-device DATA NAME SEED`. Before each command it says what it tries,
//! and after its answer what it was told is saved, one JSON line each. It changes only what bears its own name. It ends only by being killed.

use std::cell::RefCell;
use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use lentera_api::view::LogEntryView;
use lentera_api::{AddLogEntry, Call, Command, EditLogEntry, ListLogEntries, SaveDraft, Status};
use lentera_engine::{Engine, NativePlatform};
use lentera_tests::dice::Dice;
use lentera_tests::work::entry;
use serde_json::json;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let data: PathBuf = arguments.next().context("which data folder?")?.into();
    let name = arguments.next().context("which name?")?;
    let seed = arguments.next().context("which seed?")?.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let platform = NativePlatform::new(None).map_err(|error| anyhow!("{error:?}"))?;
        let engine = Engine::open(&data, Rc::new(platform), |_| {}).map_err(|error| anyhow!("{error:?}"))?;
        tokio::select! {
            () = engine.run() => Ok(()),
            ended = work(&engine, &name, seed) => ended,
        }
    })
}

async fn work(engine: &Engine, name: &str, seed: u64) -> Result<()> {
    let dice = RefCell::new(Dice::new(seed));
    let below = |limit| dice.borrow_mut().below(limit);
    let today = call(engine, Status {}).await?.today;
    let mut noted = call(engine, ListLogEntries { search: format!("{name}-"), offset: 0, limit: 500 }).await?.rows;
    for n in 0.. {
        let edited = noted.get(usize::try_from(below(noted.len() as u64 + 3))?).cloned();
        if let Some(view) = edited {
            let form = lentera_domain::log_entry::LogEntryForm { output: format!("hasil {seed}-{n}"), ..view.form.clone() };
            say("try", &form.activity, &form.output)?;
            let edited = call(engine, EditLogEntry { id: view.id, opened: view.form.clone(), form }).await?;
            saved(&edited)?;
            noted.retain(|one| one.id != edited.id);
            noted.push(edited);
        } else {
            let mut form = entry(today, seed, n);
            form.activity = format!("{} ({name}-{seed}-{n})", form.activity);
            say("try", &form.activity, &form.output)?;
            let view = call(engine, AddLogEntry { form }).await?;
            saved(&view)?;
            noted.push(view);
        }
        if below(4) == 0 {
            let content = json!({ "activity": format!("belum selesai {seed}-{n}") });
            call(engine, SaveDraft { name: "log_entry/new".into(), content }).await?;
        }
        // Lets the sync go on, and now and then finish.
        tokio::time::sleep(Duration::from_millis(below(20))).await;
    }
    Ok(())
}

async fn call<C: Call>(engine: &Engine, command: C) -> Result<C::Answer> {
    let command: Command = command.into();
    let answer = engine.dispatch(command).await.map_err(|error| anyhow!("{error:?}"))?;
    Ok(serde_json::from_value(answer)?)
}

fn saved(view: &LogEntryView) -> Result<()> {
    say("saved", &view.form.activity, &view.form.output)
}

fn say(what: &str, activity: &str, output: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!([what, activity, output]))?;
    Ok(out.flush()?)
}
