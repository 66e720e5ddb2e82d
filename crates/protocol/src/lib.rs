//! What crosses the network, as CBOR. `docs/protocol.md` tells it in prose.
//!
//! Everything said by a device or the server is signed ([`sign`]); every size has a limit ([`limits`]) that holds before anything is decoded.

pub mod account;
pub mod bundle;
pub mod compress;
pub mod frame;
pub mod handed;
pub mod limits;
mod names;
pub mod parcel;
pub mod receipt;
pub mod sign;
pub mod stream;
pub mod sync;

pub use names::{DeviceId, Hash};

/// The version of the protocol that this code speaks.
pub const VERSION: u16 = 2;
/// The oldest version that this code still understands: two before its own, as far as there are any.
pub const VERSION_MIN: u16 = if VERSION > 3 { VERSION - 2 } else { 1 };

/// Why bytes were not understood. None of these changes any state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Over a limit of [`limits`].
    #[error("over a size limit")]
    TooLarge,
    /// Not CBOR of the expected shape, not a zstd frame, or cut short.
    #[error("malformed: {0}")]
    Malformed(String),
    /// Not signed by the key it must be signed by, or changed since.
    #[error("bad signature")]
    BadSignature,
}

impl From<minicbor::decode::Error> for ProtocolError {
    fn from(error: minicbor::decode::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// The CBOR of a value of ours.
pub fn encode<T: minicbor::Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory cannot fail and our encoders report nothing else.
    let Ok(()) = minicbor::encode(value, &mut bytes).map_err(|_| ()) else { return Vec::new() };
    bytes
}

/// The value of CBOR bytes, all of them.
///
/// # Errors
/// [`ProtocolError::Malformed`].
pub fn decode<'b, T: minicbor::Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, ProtocolError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let value = decoder.decode()?;
    if decoder.position() == bytes.len() { Ok(value) } else { Err(ProtocolError::Malformed("bytes after the end".to_owned())) }
}
