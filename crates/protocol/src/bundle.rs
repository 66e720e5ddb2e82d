//! What a device hands over: its changes, in bundles that are numbered without gaps, chained by hash, signed, and sealed once.

use ed25519_dalek::{SigningKey, VerifyingKey};
use minicbor::{Decode, Encode};

use crate::limits::{BUNDLE_CHANGES_MAX, BUNDLE_INFLATED_MAX, BUNDLE_MAX, BUNDLE_TARGET};
use crate::sign::{Message, Verified, sign, verify};
use crate::{DeviceId, Hash, ProtocolError, compress, decode, encode};

/// The signed part of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Bundle {
    /// Who hands it over.
    #[n(0)]
    pub device: DeviceId,
    /// Its number, from 1, without gaps.
    #[n(1)]
    pub number: u64,
    /// Hash of the sealed bundle before it; zeroes for the first.
    #[n(2)]
    pub previous: Hash,
    /// Generation of the device's actor that wrote the changes.
    #[n(3)]
    pub generation: u32,
    /// Number of the device's last bundle whose receipt it holds; 0 for none.
    #[n(4)]
    pub last_receipt: u64,
    /// Scope epoch that the device knew when it sealed.
    #[n(5)]
    pub scope_epoch: u32,
    /// The device's clock when it sealed.
    #[n(6)]
    pub sealed: Stamp,
    /// The changes: CBOR of a list of [`Change`], in one zstd frame.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub changes: Vec<u8>,
}

impl Message for Bundle {
    const CONTEXT: &'static str = "lentera bundle";
}

/// One change to one document.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Change {
    /// Number of the document's kind.
    #[n(0)]
    pub kind: u16,
    /// Id of the record.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub id: [u8; 16],
    /// Raw bytes of the Automerge change.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
    /// The device's clocks when it was saved.
    #[n(3)]
    pub saved: Stamp,
}

/// What a device's clocks say at one moment: evidence, never a reason to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Stamp {
    /// Wall clock, milliseconds since 1970.
    #[n(0)]
    pub wall: i64,
    /// Clock that runs through suspend since the last boot, where the system has one.
    #[n(1)]
    pub boot: Option<Boot>,
    /// Last time the server told, milliseconds since 1970.
    #[n(2)]
    pub anchor: Option<i64>,
}

/// Time since boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Boot {
    /// Tells one boot from another: the first 8 bytes of the system's boot id.
    #[n(0)]
    pub id: u64,
    /// Milliseconds since boot.
    #[n(1)]
    pub millis: i64,
}

/// The changes of `waiting` that one bundle takes, from the first: as many as stay within [`BUNDLE_TARGET`], at least one. Gives
/// the compressed frame and how many it holds.
///
/// # Errors
/// [`ProtocolError::TooLarge`] if the first alone does not fit into any bundle.
pub fn pack(waiting: &[Change]) -> Result<(Vec<u8>, usize), ProtocolError> {
    let mut packed = (Vec::new(), 0);
    for count in 1..=waiting.len().min(BUNDLE_CHANGES_MAX) {
        let changes = encode(&waiting.iter().take(count).collect::<Vec<_>>());
        let frame = compress::deflate(&changes)?;
        let fits = if count == 1 { frame.len() + 256 <= BUNDLE_MAX } else { frame.len() + 160 <= BUNDLE_TARGET };
        if !fits || changes.len() > BUNDLE_INFLATED_MAX {
            break;
        }
        packed = (frame, count);
    }
    if packed.1 == 0 && !waiting.is_empty() { Err(ProtocolError::TooLarge) } else { Ok(packed) }
}

impl Bundle {
    /// The sealed bytes, to be kept and never made again.
    pub fn seal(&self, key: &SigningKey) -> Vec<u8> {
        sign(self, key)
    }

    /// The bundle in sealed bytes, if `key` signed it.
    ///
    /// # Errors
    /// [`ProtocolError`]; nothing was changed.
    pub fn open(sealed: &[u8], key: &VerifyingKey) -> Result<Verified<Self>, ProtocolError> {
        if sealed.len() > BUNDLE_MAX {
            return Err(ProtocolError::TooLarge);
        }
        verify(sealed, key)
    }

    /// Its changes.
    ///
    /// # Errors
    /// [`ProtocolError`] if the frame is not one, or over a limit.
    pub fn read_changes(&self) -> Result<Vec<Change>, ProtocolError> {
        let changes: Vec<Change> = decode(&compress::inflate(&self.changes, BUNDLE_INFLATED_MAX)?)?;
        if changes.len() > BUNDLE_CHANGES_MAX { Err(ProtocolError::TooLarge) } else { Ok(changes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn stamp() -> Stamp {
        Stamp { wall: 1_795_399_200_000, boot: Some(Boot { id: 77, millis: 60_000 }), anchor: None }
    }

    fn change(length: usize, seed: u8) -> Change {
        // Bytes that do not compress.
        let bytes = (0..length).flat_map(|n| Hash::of(&[seed, n as u8, (n >> 8) as u8]).0).take(length).collect();
        Change { kind: 1, id: [seed; 16], bytes, saved: stamp() }
    }

    #[test]
    fn packs_up_to_the_target_and_a_large_one_alone() {
        let small: Vec<_> = (0..30).map(|n| change(300, n)).collect();
        let (frame, count) = pack(&small).unwrap();
        assert!((4..8).contains(&count) && frame.len() + 160 <= BUNDLE_TARGET, "{count} in {}", frame.len());
        let (_, count) = pack(&[change(20_000, 1), change(10, 2)]).unwrap();
        assert_eq!(count, 1);
        assert_eq!(pack(&[change(70_000, 1)]).unwrap_err(), ProtocolError::TooLarge);
        assert_eq!(pack(&[]).unwrap().1, 0);
    }

    #[test]
    fn seals_and_opens() {
        let key = SigningKey::from_bytes(&[9; 32]);
        let changes = vec![change(40, 1), change(50, 2)];
        let (frame, count) = pack(&changes).unwrap();
        assert_eq!(count, 2);
        let bundle = Bundle {
            device: DeviceId::of_key(key.verifying_key().as_bytes()),
            number: 1,
            previous: Hash::default(),
            generation: 0,
            last_receipt: 0,
            scope_epoch: 1,
            sealed: stamp(),
            changes: frame,
        };
        let sealed = bundle.seal(&key);
        let opened = Bundle::open(&sealed, &key.verifying_key()).unwrap();
        assert_eq!(opened.read_changes().unwrap(), changes);
        assert_eq!(Bundle::open(&vec![0; BUNDLE_MAX + 1], &key.verifying_key()), Err(ProtocolError::TooLarge));
    }
}
