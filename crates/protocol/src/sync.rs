//! `POST /v1/sync`: one request, one answer, everything in it.
//!
//! The request's body is frames ([`crate::frame`]): first the signed [`Header`], then what is handed over ([`crate::handed`]). The answer is one signed [`Reply`] of an [`Answer`].

use minicbor::{Decode, Encode};

use crate::sign::Message;
use crate::stream::Cursor;
use crate::{DeviceId, Hash};

/// Who asks, and from where on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Header {
    /// Version of the protocol.
    #[n(0)]
    pub version: u16,
    /// The asking device.
    #[n(1)]
    pub device: DeviceId,
    /// Grows with every request of this device; the answer repeats it, so that an old answer cannot be given again.
    #[n(2)]
    pub counter: u64,
    /// Scope epoch that the device knows; 0 for none.
    #[n(3)]
    pub scope_epoch: u32,
    /// Where it stands in the streams it knows.
    #[n(4)]
    pub cursors: Vec<Cursor>,
    /// Bytes of stream rows, inflated, that the answer may hold, within [`crate::limits::PAGE_BUDGET`]; absent: as the server likes.
    #[n(5)]
    pub page_bytes: Option<u32>,
    /// Number of the last amendment taken; absent for none.
    #[n(6)]
    pub amendment: Option<u64>,
}

impl Message for Header {
    const CONTEXT: &'static str = "lentera sync header";
}

/// What the server has to say.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Answer {
    /// The request's counter.
    #[n(0)]
    pub counter: u64,
    /// Receipts, each signed by itself: they are kept.
    #[n(1)]
    pub receipts: Vec<Sealed>,
    /// Bundles that could not even be read, with a code. Nothing was changed by them.
    #[n(2)]
    pub unreadable: Vec<Unreadable>,
    /// Pages of streams, packed by [`crate::stream::pack`].
    #[cbor(n(3), with = "minicbor::bytes")]
    pub pages: Vec<u8>,
    /// There are more rows: ask again at once.
    #[n(4)]
    pub more: bool,
    /// The device's scope epoch.
    #[n(5)]
    pub scope_epoch: u32,
    /// The server's clock, milliseconds since 1970: the device's time anchor.
    #[n(6)]
    pub time: i64,
    /// The last bundle of the asking device that the server holds, after this request; absent for none. A device that holds receipts of
    /// later ones offers them again: the server was restored from a backup.
    #[n(7)]
    pub last: Option<Last>,
}

/// A device's last bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Last {
    /// Its number.
    #[n(0)]
    pub number: u64,
    /// Hash of its sealed bytes.
    #[n(1)]
    pub hash: Hash,
}

/// Signed bytes, kept as they are.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Sealed(#[cbor(n(0), with = "minicbor::bytes")] pub Vec<u8>);

/// A bundle that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Unreadable {
    /// Its place in the request, from 0.
    #[n(0)]
    pub index: u32,
    /// Why.
    #[n(1)]
    pub code: String,
}

/// A server's answer to anything: what was asked for, or a typed refusal.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Reply<T> {
    /// What was asked for.
    #[n(0)]
    Done(#[n(0)] T),
    /// Why not.
    #[n(1)]
    Refused(#[n(0)] Refusal),
}

impl<T> Message for Reply<T> {
    // The types that `T` can be have shapes of their own, and a reply is read only for the request it answers on the same connection.
    const CONTEXT: &'static str = "lentera reply";
}

/// Why a request was not served.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Refusal {
    /// The request is not one, or over a limit.
    #[n(0)]
    Malformed,
    /// The protocol's version is not understood any more, or not yet.
    #[n(1)]
    Version,
    /// No such device, or its signature is wrong.
    #[n(2)]
    UnknownDevice,
    /// The device was withdrawn.
    #[n(3)]
    Revoked,
    /// NIP or password wrong; tries left.
    #[n(4)]
    WrongLogin(#[n(0)] u32),
    /// Too many tries; next possible at this time, milliseconds since 1970.
    #[n(5)]
    TooManyTries(#[n(0)] i64),
    /// First password or one-time code: a new password is needed.
    #[n(6)]
    PasswordChangeNeeded,
    /// The new password is too weak.
    #[n(7)]
    WeakPassword,
    /// No time now; try after so many seconds.
    #[n(8)]
    Busy(#[n(0)] u32),
    /// A fault of the server's; it is in its log.
    #[n(9)]
    Internal,
    /// Two bundles of this device had one number: its key is not taken any more. The person enrols a new one by logging in.
    #[n(10)]
    KeyFrozen,
    /// The request's counter is not above this, the highest seen: it was sent before, or the device was set back.
    #[n(11)]
    Replayed(#[n(0)] u64),
}
