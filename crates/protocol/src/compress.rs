//! zstd with a constant dictionary. A new dictionary gets a new protocol version; this one is never edited.

use std::sync::LazyLock;

use zstd::dict::{DecoderDictionary, EncoderDictionary};

use crate::ProtocolError;

/// Typical changes of our records: short messages compress to almost nothing beside it.
const DICTIONARY: &[u8] = include_bytes!("../dictionary/changes.1.dict");
/// Slow enough to be small, fast enough for a cheap phone: a bundle takes about a millisecond.
const LEVEL: i32 = 9;

/// The dictionary made ready: that takes longer than compressing a bundle with it.
static ENCODER: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

/// `bytes` compressed.
///
/// # Errors
/// [`ProtocolError::Malformed`] if zstd fails, which it does only without memory.
pub fn deflate(bytes: &[u8]) -> Result<Vec<u8>, ProtocolError> {
    let compress = || zstd::bulk::Compressor::with_prepared_dictionary(&ENCODER)?.compress(bytes);
    compress().map_err(|error| ProtocolError::Malformed(error.to_string()))
}

/// `frame` inflated, to at most `max` bytes.
///
/// # Errors
/// [`ProtocolError::Malformed`] for anything that is no such frame or would be larger.
pub fn inflate(frame: &[u8], max: usize) -> Result<Vec<u8>, ProtocolError> {
    let decompress = || zstd::bulk::Decompressor::with_prepared_dictionary(&DECODER)?.decompress(frame, max);
    decompress().map_err(|error| ProtocolError::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inflates_what_it_deflated_up_to_the_limit() {
        let bytes = vec![7; 100_000];
        let frame = deflate(&bytes).unwrap();
        assert!(frame.len() < 200);
        assert_eq!(inflate(&frame, 100_000).unwrap(), bytes);
        assert!(inflate(&frame, 99_999).is_err());
        assert!(inflate(b"not a frame", 100).is_err());
    }
}
