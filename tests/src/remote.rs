//! A device that stays open, in another process: the engine as an app has it, told what to do by JSON lines. So it keeps its connections, its
//! TLS sessions and what it learned of its link, and it can be put behind one.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail, ensure};
use lentera_api::{Call, Command, Event, Home, ListLogEntries};
use lentera_engine::{Engine, NativePlatform};

use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};

use crate::process;

/// The other process: one command a line, one answer a line, until there are no more lines.
///
/// # Errors
/// When the data folder cannot be opened.
pub fn serve(data: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let platform = runtime.block_on(async { NativePlatform::new(None) }).map_err(|error| anyhow!(error))?;
    let came = Rc::new(Notify::new());
    let tell = Rc::clone(&came);
    let on_event = move |event: Event| {
        if matches!(event, Event::RecordsChanged) {
            tell.notify_one();
        }
    };
    let engine =
        runtime.block_on(async { Engine::open(data, Rc::new(platform), on_event) }).map_err(|error| anyhow!("{error:?}"))?;
    // Read beside: an app's connections are attended to also while nobody asks for anything.
    let (sender, mut lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || std::io::stdin().lines().try_for_each(|line| sender.send(line)));
    runtime.block_on(async {
        while let Some(line) = lines.recv().await {
            let [what, arguments]: [Value; 2] = serde_json::from_str(&line?)?;
            match carry_out(&engine, &came, &what, arguments).await {
                Ok(answer) => say(&json!({ "answer": answer }))?,
                Err(error) => say(&json!({ "error": format!("{error:#}") }))?,
            }
        }
        Ok(())
    })
}

async fn carry_out(engine: &Engine, came: &Notify, what: &Value, arguments: Value) -> Result<Value> {
    match what.as_str() {
        Some("sync") => Ok(serde_json::to_value(engine.sync().await.map_err(|error| anyhow!("{error:?}"))?)?),
        Some("run") => run(engine, came, arguments.as_u64().unwrap_or(0)).await,
        Some(name) => {
            let command = Command::read(name, arguments).map_err(|error| anyhow!("{error:?}"))?;
            engine.dispatch(command).await.map_err(|error| anyhow!("{error:?}"))
        }
        None => bail!("no command"),
    }
}

/// Lets the engine send and fetch by itself until it has so many entries, all of them arrived, and nothing more is to come. Says when the first
/// screen was there.
async fn run(engine: &Engine, came: &Notify, entries: u64) -> Result<Value> {
    let first = RefCell::new(false);
    let watch = async {
        loop {
            let home = call(engine, Home {}).await?;
            let here = call(engine, ListLogEntries { search: String::new(), offset: 0, limit: 1 }).await?.total;
            if here > 0 && home.month.judged && !first.replace(true) {
                say(&json!({ "first_screen": here }))?;
            }
            if u64::from(here) >= entries && home.light.waiting == 0 && home.backfill.is_none() {
                return Ok(json!({ "entries": here }));
            }
            came.notified().await;
        }
    };
    tokio::select! {
        () = engine.run() => bail!("the engine ended"),
        done = watch => done,
    }
}

async fn call<C: Call>(engine: &Engine, command: C) -> Result<C::Answer> {
    let command: Command = command.into();
    let answer = engine.dispatch(command).await.map_err(|error| anyhow!("{error:?}"))?;
    Ok(serde_json::from_value(answer)?)
}

fn say(line: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// This side of it. Ends with this value.
pub struct Remote {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Remote {
    /// Opens a data folder by a command that runs [`serve`] on it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn open(mut command: Process, data: &Path) -> Result<Self> {
        let mut process = command.arg(data).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (process.stdin.take().context("no input")?, process.stdout.take().context("no output")?);
        Ok(Self { process, input, output: BufReader::new(output) })
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// When it is refused.
    pub fn call<C: Call>(&mut self, command: C) -> Result<C::Answer> {
        let command: Command = command.into();
        self.ask(command.name(), &command.arguments())?;
        let (answer, _) = self.answer()?;
        Ok(serde_json::from_value(answer)?)
    }

    /// One sync to its end; when that was.
    ///
    /// # Errors
    /// When the process ends; a sync that failed says so itself.
    pub fn sync(&mut self) -> Result<(Value, Instant)> {
        self.ask("sync", &Value::Null)?;
        self.answer()
    }

    /// The engine by itself until so many entries are here and nothing waits: when the first screen was there, and when all was.
    ///
    /// # Errors
    /// When the process ends.
    pub fn run(&mut self, entries: u64) -> Result<(Option<Instant>, Instant)> {
        self.ask("run", &json!(entries))?;
        let mut first = None;
        loop {
            let (line, at) = self.line()?;
            if line.get("first_screen").is_some() {
                first = Some(at);
            } else {
                ensure!(line.get("answer").is_some(), "{line}");
                return Ok((first, at));
            }
        }
    }

    fn ask(&mut self, what: &str, arguments: &Value) -> Result<()> {
        writeln!(self.input, "{}", json!([what, arguments]))?;
        Ok(self.input.flush()?)
    }

    fn answer(&mut self) -> Result<(Value, Instant)> {
        let (mut line, at) = self.line()?;
        let answer = line.get_mut("answer").map(Value::take);
        Ok((answer.with_context(|| line.to_string())?, at))
    }

    fn line(&mut self) -> Result<(Value, Instant)> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "the device's process ended");
        let at = Instant::now();
        Ok((serde_json::from_str(&line)?, at))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        process::kill(&mut self.process);
    }
}

/// Whether a sync got through.
pub fn succeeded(exchange: &Value) -> bool {
    exchange.get("failed").is_some_and(Value::is_null)
}
