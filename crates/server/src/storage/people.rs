//! What is kept of people and their devices.

use lentera_domain::server_record::Employee;
use lentera_domain::{Nip, Timestamp};
use lentera_protocol::{DeviceId, Hash};

/// What became of an import's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Imported {
    pub new: usize,
    pub changed: usize,
    pub same: usize,
}

/// A member of staff as the server knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// What all may know.
    pub employee: Employee,
    /// What shows that it is this person.
    pub secrets: Secrets,
    /// Raised when the person joins or leaves a stream.
    pub scope_epoch: u32,
}

/// What a person logs in with, hashed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// The password; `None` while the first one holds, which is part of the NIP and no secret.
    pub password: Option<String>,
    /// A one-time code given out by the operator.
    pub code: Option<OneTimeCode>,
}

/// A one-time code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeCode {
    /// Its hash.
    pub hash: String,
    /// Until when it is taken.
    pub until: Timestamp,
}

/// A try to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Try {
    /// Not before this time; it was not counted.
    Paused(Timestamp),
    /// Go on.
    Begun {
        /// Tries since the last success, this one too.
        tries: u32,
        /// Whom it would be; `None` if not here.
        person: Option<Person>,
    },
}

/// A device to be enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Enrolment {
    pub nip: Nip,
    pub key: [u8; 32],
    pub at: Timestamp,
    /// The secrets that the log-in was judged on, and the hash of a new password to be set.
    pub new_password: Option<(Secrets, String)>,
}

/// What became of an enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolled {
    /// The device is this person's.
    Done,
    /// The person's secrets are others by now. Nothing was changed.
    Conflict,
    /// The key is a withdrawn device's. Nothing was changed.
    Revoked,
    /// Two contents had one number under this key. Nothing was changed.
    Frozen,
    /// The key is another person's device. Nothing was changed.
    Taken,
}

/// An enrolled device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub id: DeviceId,
    /// Its public key.
    pub key: [u8; 32],
    /// When it was withdrawn.
    pub revoked_at: Option<Timestamp>,
    /// When two bundles of one number were seen under its key.
    pub frozen_at: Option<Timestamp>,
    /// Whose it is.
    pub employee: Employee,
    /// Of its person.
    pub scope_epoch: u32,
    /// Number and hash of its last bundle; 0 and zeroes before the first.
    pub last: (u64, Hash),
    /// The highest counter of its requests.
    pub counter: u64,
}

impl Device {
    /// What it sends now is not simply taken.
    pub const fn is_barred(&self) -> bool {
        self.revoked_at.is_some() || self.frozen_at.is_some()
    }
}

/// What became of moving an enterprise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// So many documents belong to the new unit now.
    Done(usize),
    /// It belongs there already.
    Same,
    /// No such enterprise. Nothing was changed.
    NoEnterprise,
    /// Nobody works in such a unit. Nothing was changed.
    NoUnit,
}
