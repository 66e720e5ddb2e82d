//! `POST /v1/hello`, `/v1/enrol`, `/v1/password`: before a device can sync.

use minicbor::{Decode, Encode};

use crate::Hash;
use crate::sign::Message;

/// Asks a server to show who it is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// Random.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
}

/// The server shows who it is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HelloAnswer {
    /// The nonce of [`Hello`].
    #[cbor(n(0), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// Its public key; SHA-256 of it is the invite's fingerprint.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub key: [u8; 32],
    /// Name of the office.
    #[n(2)]
    pub office: String,
    /// Oldest and newest protocol it speaks.
    #[n(3)]
    pub versions: (u16, u16),
    /// Its clock, milliseconds since 1970.
    #[n(4)]
    pub time: i64,
}

impl HelloAnswer {
    /// The fingerprint of its key.
    pub fn fingerprint(&self) -> Hash {
        Hash::of(&self.key)
    }
}

impl Message for HelloAnswer {
    const CONTEXT: &'static str = "lentera hello";
}

/// Asks to enrol a device. Signed by the device's own key, which shows that it has it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Enrol {
    /// Version of the protocol.
    #[n(0)]
    pub version: u16,
    /// NIP, 18 digits.
    #[n(1)]
    pub nip: String,
    /// Password, first password, or one-time code.
    #[n(2)]
    pub password: String,
    /// The new password; empty for none.
    #[n(3)]
    pub new_password: String,
    /// The device's public key.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub key: [u8; 32],
}

impl Message for Enrol {
    const CONTEXT: &'static str = "lentera enrol";
}

/// A device is enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EnrolAnswer {
    /// The person, JSON of `domain::server_record::Employee`.
    #[n(0)]
    pub employee: String,
    /// The device's scope epoch.
    #[n(1)]
    pub scope_epoch: u32,
    /// The server's clock, milliseconds since 1970.
    #[n(2)]
    pub time: i64,
}

/// Asks to change a password.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct ChangePassword {
    /// NIP, 18 digits.
    #[n(0)]
    pub nip: String,
    /// The present password, or a one-time code.
    #[n(1)]
    pub password: String,
    /// The new one.
    #[n(2)]
    pub new_password: String,
}

/// The password is changed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PasswordChanged {
    /// The server's clock, milliseconds since 1970.
    #[n(0)]
    pub time: i64,
}
