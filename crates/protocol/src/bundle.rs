//! What a device hands over: its changes, in bundles that are numbered without gaps, chained by hash, signed, and sealed once.

use ed25519_dalek::{SigningKey, VerifyingKey};
use minicbor::{Decode, Encode};

use crate::limits::{BUNDLE_CHANGES_MAX, BUNDLE_INFLATED_MAX, BUNDLE_MAX, BUNDLE_TARGET, CHANGE_MAX};
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
    /// Raw bytes of the Automerge change; of a part, those of the part.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
    /// The device's clocks when it was saved.
    #[n(3)]
    pub saved: Stamp,
    /// Which part of a larger change this is; absent for a whole one.
    #[n(4)]
    pub part: Option<Part>,
}

/// Where a part belongs. The parts of one change follow each other without gaps, each alone in its bundle, in bundles of consecutive
/// numbers; what becomes of the change, the receipt of the last one tells, as its index 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Part {
    /// SHA-256 of all bytes of the change.
    #[n(0)]
    pub whole: Hash,
    /// How many bytes come before.
    #[n(1)]
    pub offset: u32,
    /// How many bytes the change has, at most [`CHANGE_MAX`].
    #[n(2)]
    pub length: u32,
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
    /// Milliseconds by the boot clock since that was told, where it was told within the same boot.
    #[n(3)]
    pub since_anchor: Option<i64>,
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

/// The next bundles' contents, each a compressed frame for [`Bundle::changes`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packed {
    /// One bundle that holds so many of the changes, whole.
    Whole(Vec<u8>, usize),
    /// The first change alone, in parts, one bundle each.
    Parts(Vec<Vec<u8>>),
}

/// What a bundle has beside its frame at most: signature, names, numbers, stamp, all of them at their largest.
const BESIDE: usize = 206;

/// Packs the changes of `waiting` that come next, from the first: as many whole ones as stay within [`BUNDLE_TARGET`], or the first one in parts.
///
/// # Errors
/// [`ProtocolError::TooLarge`] if the first is larger than [`CHANGE_MAX`].
pub fn pack(waiting: &[Change]) -> Result<Packed, ProtocolError> {
    let mut packed = Packed::Whole(Vec::new(), 0);
    for count in 1..=waiting.len().min(BUNDLE_CHANGES_MAX) {
        let changes = encode(&waiting.iter().take(count).collect::<Vec<_>>());
        let frame = compress::deflate(&changes)?;
        if frame.len() + BESIDE > BUNDLE_TARGET || changes.len() > BUNDLE_INFLATED_MAX {
            break;
        }
        packed = Packed::Whole(frame, count);
    }
    match (packed, waiting.first()) {
        (Packed::Whole(_, 0), Some(first)) => pack_parts(first).map(Packed::Parts),
        (packed, _) => Ok(packed),
    }
}

fn pack_parts(change: &Change) -> Result<Vec<Vec<u8>>, ProtocolError> {
    let length = u32::try_from(change.bytes.len()).map_err(|_| ProtocolError::TooLarge)?;
    if change.bytes.len() > CHANGE_MAX {
        return Err(ProtocolError::TooLarge);
    }
    let whole = Hash::of(&change.bytes);
    let (mut frames, mut rest, mut offset) = (Vec::new(), change.bytes.as_slice(), 0);
    while !rest.is_empty() {
        // Text compresses to half or less: begin with what would then fit, and take less until it does.
        let mut size = rest.len().min(BUNDLE_TARGET * 4);
        loop {
            let (taken, left) = rest.split_at_checked(size).unwrap_or((rest, &[]));
            let part = Part { whole, offset, length };
            let piece = Change { bytes: taken.to_vec(), part: Some(part), ..change.clone() };
            let frame = compress::deflate(&encode(&vec![piece]))?;
            if frame.len() + BESIDE <= BUNDLE_TARGET || size <= 1 {
                frames.push(frame);
                rest = left;
                offset += u32::try_from(taken.len()).map_err(|_| ProtocolError::TooLarge)?;
                break;
            }
            size = size * 3 / 4;
        }
    }
    Ok(frames)
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
        Stamp { wall: 1_795_399_200_000, boot: Some(Boot { id: 77, millis: 60_000 }), anchor: None, since_anchor: None }
    }

    fn change(length: usize, seed: u8) -> Change {
        // Bytes that do not compress.
        let bytes = (0..length).flat_map(|n| Hash::of(&[seed, n as u8, (n >> 8) as u8]).0).take(length).collect();
        Change { kind: 1, id: [seed; 16], bytes, saved: stamp(), part: None }
    }

    /// Changes of zeroes with so many bytes together: five of the largest, and one of the rest.
    fn zeroes(inflated: usize) -> Vec<Change> {
        let of = |rest: usize| {
            let lengths = [CHANGE_MAX; 5].into_iter().chain([rest]);
            lengths.map(|length| Change { bytes: vec![0; length], ..change(0, 1) }).collect::<Vec<_>>()
        };
        let beside = encode(&of(10_000)).len() - 10_000;
        of(inflated - beside)
    }

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[9; 32])
    }

    fn bundle(changes: Vec<u8>) -> Bundle {
        Bundle {
            device: DeviceId::of_key(key().verifying_key().as_bytes()),
            number: 1,
            previous: Hash::default(),
            generation: 0,
            last_receipt: 0,
            scope_epoch: 1,
            sealed: stamp(),
            changes,
        }
    }

    #[test]
    fn packs_up_to_the_target() {
        let small: Vec<_> = (0..30).map(|n| change(300, n)).collect();
        let Packed::Whole(frame, count) = pack(&small).unwrap() else { panic!("parts") };
        assert!((4..8).contains(&count) && frame.len() + BESIDE <= BUNDLE_TARGET, "{count} in {}", frame.len());
        assert_eq!(pack(&[]).unwrap(), Packed::Whole(Vec::new(), 0));
    }

    #[test]
    fn a_change_that_fills_the_target_goes_whole_and_one_byte_more_in_parts() {
        let sizes = |length| -> Vec<usize> {
            let frames = match pack(&[change(length, 1)]).unwrap() {
                Packed::Whole(frame, _) => vec![frame],
                Packed::Parts(frames) => frames,
            };
            frames.iter().map(|frame| frame.len() + BESIDE).collect()
        };
        let most = (1..BUNDLE_TARGET).rev().find(|length| sizes(*length).len() == 1).unwrap();
        assert_eq!(sizes(most), [BUNDLE_TARGET]);
        let parts = sizes(most + 1);
        assert!(parts.len() == 2 && parts.iter().all(|size| *size <= BUNDLE_TARGET), "{parts:?}");
    }

    #[test]
    fn a_frame_that_fills_the_target_has_room_for_the_largest_numbers_beside_it() {
        let boot = Some(Boot { id: u64::MAX, millis: i64::MAX });
        let largest = Bundle {
            number: u64::MAX,
            generation: u32::MAX,
            last_receipt: u64::MAX,
            scope_epoch: u32::MAX,
            sealed: Stamp { wall: i64::MAX, boot, anchor: Some(i64::MAX), since_anchor: Some(i64::MIN) },
            ..bundle(vec![7; BUNDLE_TARGET - BESIDE])
        };
        assert_eq!(largest.seal(&key()).len(), BUNDLE_TARGET);
    }

    #[test]
    fn changes_are_packed_and_read_up_to_their_number() {
        let changes = |count: usize| vec![change(10, 1); count];
        let most = changes(BUNDLE_CHANGES_MAX);
        let Packed::Whole(frame, BUNDLE_CHANGES_MAX) = pack(&most).unwrap() else { panic!("not all") };
        assert_eq!(bundle(frame.clone()).read_changes().unwrap(), most);
        let over = changes(BUNDLE_CHANGES_MAX + 1);
        assert_eq!(pack(&over).unwrap(), Packed::Whole(frame, BUNDLE_CHANGES_MAX));
        let frame = compress::deflate(&encode(&over)).unwrap();
        assert_eq!(bundle(frame).read_changes(), Err(ProtocolError::TooLarge));
    }

    #[test]
    fn changes_are_packed_and_read_up_to_their_bytes() {
        let most = zeroes(BUNDLE_INFLATED_MAX);
        let Packed::Whole(frame, 6) = pack(&most).unwrap() else { panic!("not all") };
        assert_eq!(bundle(frame).read_changes().unwrap(), most);
        let over = zeroes(BUNDLE_INFLATED_MAX + 1);
        assert!(matches!(pack(&over).unwrap(), Packed::Whole(_, 5)));
        let frame = compress::deflate(&encode(&over)).unwrap();
        assert!(matches!(bundle(frame).read_changes(), Err(ProtocolError::Malformed(_))));
    }

    #[test]
    fn a_large_change_goes_in_parts_that_make_it_again() {
        let large = change(CHANGE_MAX, 1);
        let Packed::Parts(frames) = pack(&[large.clone(), change(10, 2)]).unwrap() else { panic!("whole") };
        let mut bytes = Vec::new();
        for frame in frames {
            assert!(frame.len() + BESIDE <= BUNDLE_TARGET);
            let mut changes: Vec<Change> = decode(&compress::inflate(&frame, BUNDLE_INFLATED_MAX).unwrap()).unwrap();
            let piece = changes.pop().unwrap();
            let part = piece.part.unwrap();
            assert_eq!((part.whole, part.offset as usize, changes.len()), (Hash::of(&large.bytes), bytes.len(), 0));
            assert_eq!(part.length as usize, CHANGE_MAX);
            bytes.extend(piece.bytes);
        }
        assert_eq!(bytes, large.bytes);
        assert_eq!(pack(&[change(CHANGE_MAX + 1, 1)]).unwrap_err(), ProtocolError::TooLarge);
    }

    #[test]
    fn seals_and_opens() {
        let changes = vec![change(40, 1), change(50, 2)];
        let Packed::Whole(frame, 2) = pack(&changes).unwrap() else { panic!("not both") };
        let opened = Bundle::open(&bundle(frame).seal(&key()), &key().verifying_key()).unwrap();
        assert_eq!(opened.read_changes().unwrap(), changes);
    }

    #[test]
    fn sealed_bytes_are_opened_up_to_their_limit() {
        let beside = bundle(vec![7; 60_000]).seal(&key()).len() - 60_000;
        let open = |size: usize| {
            let sealed = bundle(vec![7; size - beside]).seal(&key());
            assert_eq!(sealed.len(), size);
            Bundle::open(&sealed, &key().verifying_key())
        };
        assert_eq!(open(BUNDLE_MAX).unwrap().number, 1);
        assert_eq!(open(BUNDLE_MAX + 1), Err(ProtocolError::TooLarge));
    }
}
