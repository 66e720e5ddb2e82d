//! `lentera`: the engine from a terminal, for operators, scripts and tests. The same commands as the window's, JSON in and out.

mod doctor;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Parser, Subcommand};
use lentera_api::{Call, Command, Delivery, Error, ExportReceipts, ExportUnsent, Language, Status, TakeFile, sentence};
use lentera_engine::{Engine, NativePlatform};
use serde_json::{Value, json};

/// Bytes of a `.lentera` file that are read at most, 8 MiB: the engine refuses longer ones.
const FILE_MAX: u64 = 8 * 1024 * 1024;

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
    /// Tells people why nothing was sent and what to do.
    Doctor {
        /// `id` or `en`.
        #[arg(long, default_value = "id", value_parser = read_language)]
        language: Language,
    },
    /// Writes everything unsent to a `.lentera` file, encrypted to the server.
    Export {
        /// The file, ending in `.lentera`; a new one in this folder where none is named.
        file: Option<PathBuf>,
        /// The receipts for colleagues' parcels instead, for the way back.
        #[arg(long)]
        receipts: bool,
    },
    /// Takes a `.lentera` file: a colleague's parcels, or receipts for this device.
    Take {
        /// The file.
        file: PathBuf,
    },
    /// Lists all commands with their fields.
    Commands,
}

/// What is carried out on a data folder.
enum Work {
    Command(Box<Command>),
    Sync,
    Doctor(Language),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(Ok(Value::String(report))) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
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
    let path = |file: Option<PathBuf>| file.map_or_else(String::new, |file| file.display().to_string());
    let work = match arguments.action {
        Action::Commands => return Ok(Ok(catalogue())),
        Action::Call { command, arguments } => match read_command(&command, &arguments)? {
            Ok(command) => Work::Command(Box::new(command)),
            Err(error) => return Ok(Err(error)),
        },
        Action::Sync => Work::Sync,
        Action::Doctor { language } => Work::Doctor(language),
        Action::Export { file, receipts: false } => Work::Command(Box::new(ExportUnsent { path: path(file) }.into())),
        Action::Export { file, receipts: true } => Work::Command(Box::new(ExportReceipts { path: path(file) }.into())),
        Action::Take { file } => Work::Command(Box::new(TakeFile { content: read_file(&file)? }.into())),
    };
    let data = arguments.data.context("which data folder? add --data DIR")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(carry_out(data, work)))
}

async fn carry_out(data: PathBuf, work: Work) -> Result<Value, Error> {
    let internal = |detail: String| Error::Internal { detail };
    let platform = NativePlatform::new(std::env::current_dir().ok()).map_err(internal)?;
    let engine = Engine::open(&data, Rc::new(platform), |_| {})?;
    match work {
        Work::Command(command) => engine.dispatch(*command).await,
        Work::Sync => serde_json::to_value(engine.sync().await?).map_err(|error| internal(error.to_string())),
        Work::Doctor(language) => {
            let (status, delivery) = (ask(&engine, Status {}).await?, ask(&engine, Delivery {}).await?);
            Ok(doctor::report(&status, &delivery, language).into())
        }
    }
}

/// One command and its typed answer.
async fn ask<C: Call>(engine: &Engine, command: C) -> Result<C::Answer, Error> {
    let answer = engine.dispatch(command.into()).await?;
    serde_json::from_value(answer).map_err(|error| Error::Internal { detail: error.to_string() })
}

fn read_language(name: &str) -> Result<Language, String> {
    match name {
        "id" => Ok(Language::Id),
        "en" => Ok(Language::En),
        _ => Err("id or en".to_owned()),
    }
}

/// A file's bytes as the command takes them; the engine holds the limit, and one byte more is enough to break it.
fn read_file(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| path.display().to_string())?;
    file.take(FILE_MAX + 1).read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
    Ok(STANDARD.encode(bytes))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_one_byte_more_than_the_engine_takes() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        for (size, read) in [(0, 0), (FILE_MAX, FILE_MAX), (FILE_MAX + 1, FILE_MAX + 1), (FILE_MAX + 2, FILE_MAX + 1)] {
            File::options().write(true).open(&path).unwrap().set_len(size).unwrap();
            assert_eq!(STANDARD.decode(read_file(&path).unwrap()).unwrap().len() as u64, read);
        }
    }
}
