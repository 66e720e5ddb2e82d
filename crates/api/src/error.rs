//! Why a command was not carried out. Screens branch on the code, never on a sentence.

use lentera_domain::{FieldError, Timestamp};
use serde::{Deserialize, Serialize};

/// A refusal. Whatever the code, nothing was changed and nothing that had been saved was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's line tells of its fields")]
pub enum Error {
    /// No command has this name.
    #[error("unknown command {name}")]
    UnknownCommand { name: String },
    /// The arguments are not those of the command.
    #[error("bad arguments: {detail}")]
    BadArguments { detail: String },
    /// A field cannot be taken.
    #[error("{0}")]
    Field(FieldError),
    /// This device is not enrolled yet.
    #[error("not enrolled")]
    NotEnrolled,
    /// This person is enrolled on this device already.
    #[error("already enrolled")]
    AlreadyEnrolled,
    /// No such record here.
    #[error("not found: {what:?}")]
    NotFound { what: What },
    /// The entry is another person's: only its owner changes it.
    #[error("not yours")]
    NotYours,
    /// The invite is not one of ours, or is damaged.
    #[error("bad invite: {detail}")]
    BadInvite { detail: String },
    /// NIP or password do not match; so many tries are left before a pause.
    #[error("wrong login, {tries_left} tries left")]
    WrongLogin { tries_left: u32 },
    /// Too many tries; the next is possible at this time.
    #[error("too many tries until {until:?}")]
    TooManyTries { until: Timestamp },
    /// The first password or a one-time code was right; it must be replaced by a new password now.
    #[error("password must be changed")]
    PasswordChangeNeeded,
    /// The new password is too easily guessed.
    #[error("weak password")]
    WeakPassword { min: usize },
    /// There is no network, or the server does not answer.
    #[error("server unreachable")]
    ServerUnreachable,
    /// The server has no time now.
    #[error("server busy")]
    ServerBusy,
    /// What answers at this address is not a Lentera server.
    #[error("wrong address")]
    WrongAddress,
    /// A Lentera server answers, but not the one of the invite: nothing was sent to it.
    #[error("not our server")]
    NotOurServer,
    /// The server withdrew this device.
    #[error("device revoked")]
    DeviceRevoked,
    /// The server no longer understands this version of the app.
    #[error("app too old")]
    AppTooOld,
    /// Lentera is open already on this data folder.
    #[error("another process has this data folder")]
    AlreadyOpen,
    /// Not a `.lentera` file, or a damaged one.
    #[error("bad file: {detail}")]
    BadFile { detail: String },
    /// A `.lentera` file of another office.
    #[error("file of another server")]
    OtherServersFile,
    /// An invite of another office, or of another key of its server.
    #[error("invite of another server")]
    OtherServersInvite,
    /// Nothing is unsent: no file was written.
    #[error("nothing to export")]
    NothingToExport,
    /// So many colleagues' parcels wait on this device that it takes no more until some are handed over.
    #[error("too many parcels wait")]
    TooManyParcels,
    /// The disk is full: this was not saved.
    #[error("disk full")]
    DiskFull,
    /// The data folder cannot be read or written.
    #[error("storage: {detail}")]
    Storage { detail: String },
    /// A fault of ours.
    #[error("internal: {detail}")]
    Internal { detail: String },
}

/// What was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A log entry.
    LogEntry,
    /// An enterprise.
    Umkm,
    /// A visit.
    Visit,
    /// A region.
    Village,
    /// A conflict, or one of its values.
    Conflict,
    /// A refused change.
    Refused,
}

impl Error {
    pub(crate) fn bad_arguments(error: serde_json::Error) -> Self {
        Self::BadArguments { detail: error.to_string() }
    }

    /// The code, as in JSON.
    pub fn code(&self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(map)) => map.get("code").and_then(|code| code.as_str()).unwrap_or_default().to_owned(),
            _ => String::new(),
        }
    }
}

impl From<FieldError> for Error {
    fn from(error: FieldError) -> Self {
        Self::Field(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lentera_domain::{Nip, Reason};

    #[test]
    fn field_errors_are_flat() {
        let error = Error::from(Nip::parse("197213151998032000").unwrap_err());
        let json = serde_json::to_string(&error).unwrap();
        assert_eq!(json, r#"{"code":"field","field":"nip","reason":"part","part":"birth","value":"19721315"}"#);
        assert_eq!(serde_json::from_str::<Error>(&json).unwrap(), error);
        assert_eq!(error.code(), "field");
        let missing = Error::from(FieldError::new("activity", Reason::Missing));
        assert_eq!(serde_json::from_str::<Error>(&serde_json::to_string(&missing).unwrap()).unwrap(), missing);
    }
}
