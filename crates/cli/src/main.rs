//! `lentera`: the engine from a terminal, for operators, scripts and tests. The same commands as the window's, JSON in and out.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use anyhow::Context;
use clap::{Parser, Subcommand};
use lentera_api::{Command, Error, Language, sentence};
use lentera_engine::{Engine, NativePlatform};
use serde_json::{Value, json};

/// Lentera without a window.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Data folder of the app.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Carries out one command and prints its answer as JSON. Refusals go to stderr as JSON, with exit code 1.
    Call {
        /// The command's name; `lentera commands` lists them.
        command: String,
        /// Its arguments, a JSON object; `-` reads them from standard input.
        #[arg(default_value = "{}")]
        arguments: String,
    },
    /// Sends and fetches until nothing more is to be said, and prints what went.
    Sync,
    /// Lists all commands with their fields.
    Commands,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(Ok(answer)) => {
            println!("{answer:#}");
            ExitCode::SUCCESS
        }
        Ok(Err(error)) => {
            let mut refusal = serde_json::to_value(&error).unwrap_or_default();
            if let Some(refusal) = refusal.as_object_mut() {
                refusal.insert("sentence".to_owned(), sentence(&error, Language::Id).into());
            }
            eprintln!("{refusal}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("lentera: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<Result<Value, Error>> {
    let (name, given) = match arguments.action {
        Action::Commands => return Ok(Ok(catalogue())),
        Action::Call { command, arguments } => (Some(command), arguments),
        Action::Sync => (None, String::new()),
    };
    let command = match name.map(|name| read_command(&name, &given)).transpose()? {
        Some(Err(error)) => return Ok(Err(error)),
        Some(Ok(command)) => Some(command),
        None => None,
    };
    let data = arguments.data.context("which data folder? add --data DIR")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(carry_out(data, command)))
}

async fn carry_out(data: PathBuf, command: Option<Command>) -> Result<Value, Error> {
    let internal = |detail: String| Error::Internal { detail };
    let platform = NativePlatform::new().map_err(internal)?;
    let engine = Engine::open(&data, Rc::new(platform), |_| {})?;
    match command {
        Some(command) => engine.dispatch(command).await,
        None => serde_json::to_value(engine.sync().await?).map_err(|error| internal(error.to_string())),
    }
}

fn read_command(name: &str, arguments: &str) -> anyhow::Result<Result<Command, Error>> {
    let mut text = arguments.to_owned();
    if text == "-" {
        text.clear();
        std::io::stdin().read_to_string(&mut text).context("standard input")?;
    }
    Ok(match serde_json::from_str(&text) {
        Ok(arguments) => Command::read(name, arguments),
        Err(error) => Err(Error::BadArguments { detail: format!("not JSON: {error}") }),
    })
}

/// Names, descriptions and JSON schemas of all commands.
fn catalogue() -> Value {
    let commands = Command::catalogue().into_iter().map(|(name, schema)| {
        let mut arguments = schema.to_value();
        let description = arguments.as_object_mut().and_then(|schema| schema.remove("description"));
        json!({ "command": name, "description": description, "arguments": arguments })
    });
    commands.collect()
}
