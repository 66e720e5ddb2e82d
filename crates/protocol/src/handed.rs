//! What a request hands over behind its header, one frame each.

use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};

use crate::{ProtocolError, decode, encode};

/// First byte of a sealed bundle: CBOR tag 18 of COSE_Sign1.
const SEALED: u8 = 0xd2;

/// One thing handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handed {
    /// A sealed bundle of the asking device; the frame is the bundle itself.
    Bundle(Vec<u8>),
    /// Something else.
    Other(Other),
}

/// What is not simply a bundle of the asking device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Other {
    /// A bundle that the server had before it was restored from a backup, with the receipt it gave then.
    #[n(0)]
    Returned {
        /// The sealed bundle.
        #[cbor(n(0), with = "minicbor::bytes")]
        sealed: Vec<u8>,
        /// Its receipt.
        #[cbor(n(1), with = "minicbor::bytes")]
        receipt: Vec<u8>,
        /// Public key of the device that sealed it, where that is an earlier one of the asking person's: the server may not know it any more.
        #[n(2)]
        key: Option<ByteArray<32>>,
    },
    /// A colleague's parcel ([`crate::parcel`]), carried for them.
    #[n(1)]
    Parcel(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// A question: the receipts of the asking device's own bundles behind this number. So a device whose request was cut learns what came
    /// through, before it hands any of it over a second time.
    #[n(2)]
    Ask(#[n(0)] u64),
}

impl Handed {
    /// What a frame hands over.
    ///
    /// # Errors
    /// [`ProtocolError::Malformed`].
    pub fn read(frame: Vec<u8>) -> Result<Self, ProtocolError> {
        if frame.first() == Some(&SEALED) { Ok(Self::Bundle(frame)) } else { decode(&frame).map(Self::Other) }
    }

    /// The frame.
    pub fn into_frame(self) -> Vec<u8> {
        match self {
            Self::Bundle(sealed) => sealed,
            Self::Other(other) => encode(&other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_returned_bundle_brings_its_key_only_where_that_is_an_earlier_one() {
        let returned = |key| Handed::Other(Other::Returned { sealed: vec![1], receipt: vec![2], key });
        // [0, [h'01', h'02']], as from the first app that returned any; and the same with 32 bytes more.
        let plain = [0x82, 0x00, 0x82, 0x41, 1, 0x41, 2];
        let with_key = [&[0x82, 0x00, 0x83, 0x41, 1, 0x41, 2, 0x58, 32], [7; 32].as_slice()].concat();
        for (handed, bytes) in [(returned(None), plain.to_vec()), (returned(Some([7; 32].into())), with_key)] {
            assert_eq!(handed.clone().into_frame(), bytes);
            assert_eq!(Handed::read(bytes).unwrap(), handed);
        }
    }
}
