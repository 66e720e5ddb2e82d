//! The server's word for one bundle. Issued after its own commit, kept by both, the same for every retry.

use minicbor::{Decode, Encode};

use crate::sign::Message;
use crate::{DeviceId, Hash};

/// What became of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Receipt {
    /// Whose bundle.
    #[n(0)]
    pub device: DeviceId,
    /// Its number.
    #[n(1)]
    pub number: u64,
    /// Hash of its sealed bytes.
    #[n(2)]
    pub bundle: Hash,
    /// What became of each change that was not accepted, by its place in the bundle. All others were accepted.
    #[n(3)]
    pub exceptions: Vec<Exception>,
    /// The server's clock at the commit, milliseconds since 1970.
    #[n(4)]
    pub time: i64,
    /// Absent in the first receipt of a bundle. A later word on changes that were waiting for others ([`Outcome::Need`]) is an
    /// amendment: numbered per device, ascending with gaps, and whole, so that the last one counts.
    #[n(5)]
    pub amendment: Option<u64>,
}

/// In the place of an index: all changes of the bundle.
pub const WHOLE_BUNDLE: u32 = u32::MAX;

impl Message for Receipt {
    const CONTEXT: &'static str = "lentera receipt";
}

/// A change that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Exception {
    /// Its place in the bundle, from 0, or [`WHOLE_BUNDLE`].
    #[n(0)]
    pub index: u32,
    /// Why, or what it waits for.
    #[n(1)]
    pub outcome: Outcome,
}

/// What became of a change that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Outcome {
    /// Refused, with a code; kept aside by the server.
    #[n(0)]
    Refused(#[n(0)] String),
    /// It builds on a change that the server does not have. The server keeps it and judges it when that one comes; an amendment will tell.
    #[n(1)]
    Need(#[n(0)] Hash),
    /// Of a kind that the server does not know yet: kept as it is, and passed on.
    #[n(2)]
    Unknown,
}
