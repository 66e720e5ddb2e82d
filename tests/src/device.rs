//! A device without a window: a data folder and the `lentera` program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};
use lentera_api::{Call, Enrol, Error, Language, sentence};
use serde_json::{Value, json};

use crate::process::{self, Place};

/// A data folder. It may be the one of a window, while that is closed.
pub struct Device {
    data: PathBuf,
    place: Place,
}

impl Device {
    /// The device with this data folder.
    pub fn at(data: &Path) -> Self {
        Self::within(data, Place::default())
    }

    /// The same, somewhere else.
    pub fn within(data: &Path, place: Place) -> Self {
        Self { data: data.to_path_buf(), place }
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// When it is refused, with the sentence a person would read.
    pub fn call<C: Call>(&self, command: C) -> Result<C::Answer> {
        match self.try_call(command)? {
            Ok(answer) => Ok(answer),
            Err(error) => bail!("refused: {} ({error})", sentence(&error, Language::En)),
        }
    }

    /// Carries out a command that may be refused.
    ///
    /// # Errors
    /// When the program does not keep to its form: exit 0 and an answer, or exit 1 and an error with its sentence.
    pub fn try_call<C: Call>(&self, command: C) -> Result<Result<C::Answer, Error>> {
        let command = command.into();
        match self.call_text(command.name(), &command.arguments().to_string())? {
            Ok(answer) => Ok(Ok(serde_json::from_value(answer)?)),
            Err(error) => Ok(Err(serde_json::from_value(error)?)),
        }
    }

    /// Carries out a command whose arguments may be any text.
    ///
    /// # Errors
    /// As [`Device::try_call`].
    pub fn call_text(&self, name: &str, arguments: &str) -> Result<Result<Value, Value>> {
        let output = self.command(&["call", name, arguments])?.output()?;
        read(&output).with_context(|| format!("call {name} {arguments}"))
    }

    /// Enrols the device with its first password, which is changed in the same step, or with a password that stays.
    ///
    /// # Errors
    /// When it is refused.
    pub fn enrol(&self, invite: &str, nip: &str, password: &str, new_password: &str) -> Result<()> {
        let command = Enrol {
            invite: invite.to_owned(),
            nip: nip.to_owned(),
            password: password.to_owned(),
            new_password: new_password.to_owned(),
        };
        self.call(command).map(|_| ())
    }

    /// Sends and receives until nothing is left.
    ///
    /// # Errors
    /// When that fails.
    pub fn sync(&self) -> Result<Value> {
        let output = self.command(&["sync"])?.output()?;
        read(&output)?.map_err(|error| anyhow::anyhow!("sync: {error}"))
    }

    /// The `lentera` program on this data folder.
    ///
    /// # Errors
    /// When it is not there.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = self.place.command(&process::program("lentera")?);
        command.arg("--data").arg(&self.data).args(arguments);
        Ok(command)
    }
}

/// What the program answered, or refused. Its form is part of what is tested.
fn read(output: &Output) -> Result<Result<Value, Value>> {
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.code() {
        Some(0) => Ok(Ok(serde_json::from_str(&said).with_context(|| format!("not JSON: {said}"))?)),
        Some(1) => {
            let mut error: Value = serde_json::from_str(&complained).with_context(|| format!("not JSON: {complained}"))?;
            let sentence = error.as_object_mut().and_then(|error| error.remove("sentence"));
            ensure!(sentence.is_some_and(|sentence| sentence != json!("")), "no sentence: {complained}");
            Ok(Err(error))
        }
        _ => bail!("{}: {said}{complained}", output.status),
    }
}
