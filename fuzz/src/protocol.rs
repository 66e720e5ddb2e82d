//! What crosses the network.

use ed25519_dalek::SigningKey;
use lentera_protocol::account::{ChangePassword, Enrol, EnrolAnswer, Hello, HelloAnswer, PasswordChanged};
use lentera_protocol::bundle::{self, Bundle, Change, Packed};
use lentera_protocol::compress::deflate;
use lentera_protocol::frame::{self, Frames};
use lentera_protocol::handed::Handed;
use lentera_protocol::limits::{BUNDLE_MAX, HEADER_MAX, REQUEST_BUNDLES_MAX};
use lentera_protocol::parcel::{self, LenteraFile};
use lentera_protocol::receipt::Receipt;
use lentera_protocol::sign::{Message, peek, sign, verify};
use lentera_protocol::stream::{self, Page};
use lentera_protocol::sync::{Answer, Header, Reply};
use lentera_protocol::{decode, encode};
use minicbor::{Decode, Encode};

/// The first bytes of a `.lentera` file.
const FILE_MAGIC: &[u8] = b"lentera\x01";

fn key() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

/// Bytes that decode to a value must decode to it again once it was encoded.
fn value<T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq>(bytes: &[u8]) -> Option<T> {
    let value: T = decode(bytes).ok()?;
    assert!(decode::<T>(&encode(&value)).is_ok_and(|again| again == value), "it does not come back");
    Some(value)
}

/// As [`value`], and signed.
fn message<T: Message + Encode<()> + for<'b> Decode<'b, ()> + PartialEq>(bytes: &[u8]) {
    let _ = verify::<T>(bytes, &key().verifying_key());
    let _ = peek::<T>(bytes);
    if let Some(message) = value::<T>(bytes) {
        let sealed = sign(&message, &key());
        assert!(verify::<T>(&sealed, &key().verifying_key()).is_ok_and(|verified| *verified == message), "it does not verify");
    }
}

/// A bundle: sealed, its content, its changes compressed or not; and what its changes are packed into.
pub fn bundle(bytes: &[u8]) {
    let _ = Bundle::open(bytes, &key().verifying_key());
    message::<Bundle>(bytes);
    for bundle in [peek::<Bundle>(bytes).ok(), decode::<Bundle>(bytes).ok()].into_iter().flatten() {
        let _ = bundle.read_changes();
    }
    let Some(changes) = value::<Vec<Change>>(bytes) else { return };
    match bundle::pack(&changes) {
        Ok(Packed::Whole(frame, count)) => {
            assert!(count > 0 || changes.is_empty(), "nothing packed");
            assert!(frame.len() <= BUNDLE_MAX, "frame too large");
        }
        Ok(Packed::Parts(frames)) => assert!(!frames.is_empty(), "no parts"),
        Err(_) => {}
    }
}

/// A receipt.
pub fn receipt(bytes: &[u8]) {
    message::<Receipt>(bytes);
}

/// The header of a request.
pub fn header(bytes: &[u8]) {
    message::<Header>(bytes);
}

/// The answer to a request.
pub fn reply(bytes: &[u8]) {
    message::<Reply<Answer>>(bytes);
}

/// Pages of streams: compressed, and as what is inside.
pub fn pages(bytes: &[u8]) {
    let _ = stream::unpack(bytes);
    if value::<Vec<Page>>(bytes).is_some() {
        let frame = deflate(bytes).unwrap_or_default();
        if let Ok(pages) = stream::unpack(&frame) {
            let again = stream::pack(&pages).and_then(|frame| stream::unpack(&frame));
            assert!(again.is_ok_and(|again| again == pages), "pages do not come back");
            for row in pages.iter().flat_map(|page| &page.rows) {
                assert_ne!(row.chained_hash(&[0; 8]), row.chained_hash(&[1; 8]));
            }
        }
    }
}

/// The frames of a request, in pieces as long as its first byte says, and what they hand over.
pub fn frames(bytes: &[u8]) {
    let Some((piece, body)) = bytes.split_first() else { return };
    let mut frames = Frames::default();
    let mut taken = Vec::new();
    for piece in body.chunks(usize::from(*piece).max(1)) {
        frames.push(piece);
        let max = if taken.is_empty() { HEADER_MAX } else { BUNDLE_MAX };
        while let Ok(Some(frame)) = frames.next(max) {
            taken.push(frame);
            if taken.len() > REQUEST_BUNDLES_MAX {
                return;
            }
        }
    }
    let mut again = Vec::new();
    for taken in taken {
        frame::push(&mut again, &taken);
        if let Ok(handed) = Handed::read(taken) {
            let read_again = Handed::read(handed.clone().into_frame());
            assert!(read_again.is_ok_and(|read| read == handed), "what is handed over does not come back");
        }
    }
    assert!(body.starts_with(&again), "frames are not the bytes they came from");
}

/// A parcel, and a file of parcels or receipts.
pub fn parcel(bytes: &[u8]) {
    let _ = parcel::unpack(bytes, &key());
    let whole = [FILE_MAGIC, bytes].concat();
    for file in [LenteraFile::read(bytes), LenteraFile::read(&whole)].into_iter().flatten() {
        assert!(LenteraFile::read(&file.write()).is_ok_and(|again| again == file), "the file does not come back");
        if let LenteraFile::Parcels { parcels, .. } = file {
            parcels.iter().for_each(|parcel| drop(parcel::unpack(&parcel.0, &key())));
        }
    }
    let Ok(parcels) = parcel::pack(&[bytes.to_vec()], &key().verifying_key(), |random| random.fill(7)) else { return };
    let bundles: Vec<_> = parcels.iter().filter_map(|parcel| parcel::unpack(&parcel.0, &key()).ok()).flatten().collect();
    assert_eq!(bundles, [bytes], "the parcel does not open");
}

/// What is said before a device can sync.
pub fn account(bytes: &[u8]) {
    let _ = value::<Hello>(bytes);
    let _ = value::<ChangePassword>(bytes);
    message::<HelloAnswer>(bytes);
    message::<Enrol>(bytes);
    message::<Reply<EnrolAnswer>>(bytes);
    message::<Reply<PasswordChanged>>(bytes);
}
