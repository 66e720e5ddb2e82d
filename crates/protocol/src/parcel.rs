//! Sealed bundles by another way than this device's own network: on a stick, or on a colleague's phone. They are encrypted to the
//! server (HPKE, RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305), so that whoever carries them cannot read them. Receipts come
//! back the same way, signed as ever and not encrypted.

use std::convert::Infallible;

use ed25519_dalek::{SigningKey, VerifyingKey};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal_with_rng};
use minicbor::{Decode, Decoder, Encode};

use crate::frame::{self, Frames};
use crate::limits::{BUNDLE_MAX, FILE_ITEMS_MAX, FILE_MAX, PARCEL_BUNDLES_MAX, PARCEL_MAX};
use crate::sync::Sealed;
use crate::{Hash, ProtocolError, decode, encode};

/// The first bytes of every `.lentera` file.
const MAGIC: &[u8] = b"lentera\x01";
/// What the encryption is for.
const INFO: &[u8] = b"lentera parcel 1";
/// Bytes of the encapsulated key before the ciphertext.
const ENCAPSULATED: usize = 32;

type Key = <X25519HkdfSha256 as Kem>::PublicKey;

/// A `.lentera` file.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum LenteraFile {
    /// Parcels on their way to the server.
    #[n(0)]
    Parcels {
        /// The server's fingerprint: SHA-256 of its public key.
        #[n(0)]
        server: Hash,
        /// The parcels, in order.
        #[cbor(n(1), decode_with = "read_items")]
        parcels: Vec<Sealed>,
    },
    /// Receipts on their way back.
    #[n(1)]
    Receipts {
        /// The server's fingerprint.
        #[n(0)]
        server: Hash,
        /// The signed receipts.
        #[cbor(n(1), decode_with = "read_items")]
        receipts: Vec<Sealed>,
    },
}

impl LenteraFile {
    /// The file's bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(encode(self));
        bytes
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ProtocolError`] if it is none, or over [`FILE_MAX`] or [`FILE_ITEMS_MAX`].
    pub fn read(bytes: &[u8]) -> Result<Self, ProtocolError> {
        if bytes.len() > FILE_MAX {
            return Err(ProtocolError::TooLarge);
        }
        decode(bytes.strip_prefix(MAGIC).ok_or_else(|| ProtocolError::Malformed("not a .lentera file".to_owned()))?)
    }
}

/// The items of a file. In memory an empty one takes more than twenty times its byte in the file, so they are counted as they are read.
fn read_items<C>(decoder: &mut Decoder<'_>, _: &mut C) -> Result<Vec<Sealed>, minicbor::decode::Error> {
    let mut items = Vec::new();
    for item in decoder.array_iter()? {
        if items.len() == FILE_ITEMS_MAX {
            return Err(minicbor::decode::Error::message("too many items"));
        }
        items.push(item?);
    }
    Ok(items)
}

/// Puts sealed bundles, in order, into parcels for the server that holds `key`. `fill_random` must give randomness fit for keys.
///
/// # Errors
/// [`ProtocolError::TooLarge`] for a bundle that fits into no parcel.
pub fn pack(
    bundles: &[Vec<u8>],
    key: &VerifyingKey,
    mut fill_random: impl FnMut(&mut [u8]),
) -> Result<Vec<Sealed>, ProtocolError> {
    let mut parcels = Vec::new();
    let (mut content, mut count) = (Vec::new(), 0);
    for bundle in bundles {
        if bundle.len() + 4 > PARCEL_MAX {
            return Err(ProtocolError::TooLarge);
        }
        if content.len() + bundle.len() + 4 > PARCEL_MAX || count == PARCEL_BUNDLES_MAX {
            parcels.push(seal(&std::mem::take(&mut content), key, &mut fill_random)?);
            count = 0;
        }
        frame::push(&mut content, bundle);
        count += 1;
    }
    if !content.is_empty() {
        parcels.push(seal(&content, key, &mut fill_random)?);
    }
    Ok(parcels)
}

/// The sealed bundles in a parcel that was made for the holder of `key`.
///
/// # Errors
/// [`ProtocolError`] if it is none, for another, or changed on the way.
pub fn unpack(parcel: &[u8], key: &SigningKey) -> Result<Vec<Vec<u8>>, ProtocolError> {
    if parcel.len() > BUNDLE_MAX {
        return Err(ProtocolError::TooLarge);
    }
    let malformed = |_| ProtocolError::Malformed("parcel".to_owned());
    let (encapsulated, ciphertext) = parcel.split_at_checked(ENCAPSULATED).ok_or(ProtocolError::BadSignature)?;
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).map_err(malformed)?;
    let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&key.to_scalar_bytes()).map_err(malformed)?;
    let content = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        INFO,
        ciphertext,
        b"",
    )
    .map_err(|_| ProtocolError::BadSignature)?;
    let mut frames = Frames::default();
    frames.push(&content);
    let mut bundles = Vec::new();
    while let Some(bundle) = frames.next(BUNDLE_MAX)? {
        bundles.push(bundle);
    }
    if frames.is_empty() { Ok(bundles) } else { Err(ProtocolError::Malformed("bytes after the end".to_owned())) }
}

fn seal(content: &[u8], key: &VerifyingKey, fill_random: &mut impl FnMut(&mut [u8])) -> Result<Sealed, ProtocolError> {
    let malformed = |_| ProtocolError::Malformed("server key".to_owned());
    // The one key of the server serves both: Ed25519 signs, its image on the Montgomery curve receives (https://eprint.iacr.org/2021/509).
    let public = Key::from_bytes(&key.to_montgomery().to_bytes()).map_err(malformed)?;
    let (encapsulated, ciphertext) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &public,
        INFO,
        content,
        b"",
        &mut Random(fill_random),
    )
    .map_err(malformed)?;
    let mut bytes = encapsulated.to_bytes().to_vec();
    bytes.extend(ciphertext);
    Ok(Sealed(bytes))
}

/// The caller's randomness, as the library wants it.
struct Random<'a, F>(&'a mut F);

impl<F: FnMut(&mut [u8])> TryRng for Random<'_, F> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        (self.0)(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        (self.0)(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        (self.0)(bytes);
        Ok(())
    }
}

impl<F: FnMut(&mut [u8])> TryCryptoRng for Random<'_, F> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handed::{Handed, Other};

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[3; 32])
    }

    fn random() -> impl FnMut(&mut [u8]) {
        let mut next = 0_u8;
        move |bytes: &mut [u8]| {
            bytes.iter_mut().for_each(|byte| {
                next = next.wrapping_mul(73).wrapping_add(41);
                *byte = next;
            });
        }
    }

    fn parcels(bundles: &[Vec<u8>]) -> Vec<Sealed> {
        pack(bundles, &key().verifying_key(), random()).unwrap()
    }

    #[test]
    fn only_the_server_opens_what_nobody_changed() {
        let bundles = vec![vec![1; 10], vec![2; 2000], vec![3; 40_000], vec![4; 40_000]];
        let parcels = parcels(&bundles);
        assert_eq!(parcels.len(), 2);
        let opened: Vec<_> = parcels.iter().flat_map(|parcel| unpack(&parcel.0, &key()).unwrap()).collect();
        assert_eq!(opened, bundles);
        assert!(unpack(&parcels[0].0, &SigningKey::from_bytes(&[4; 32])).is_err());
        for at in (0..parcels[0].0.len()).step_by(97) {
            let mut changed = parcels[0].0.clone();
            changed[at] ^= 1;
            assert!(unpack(&changed, &key()).is_err(), "byte {at}");
        }
        assert!(unpack(&[0; 10], &key()).is_err());
    }

    #[test]
    fn a_parcel_is_filled_to_its_limit_and_then_goes_in_one_frame() {
        let largest = parcels(&[vec![7; PARCEL_MAX - 4]]);
        let [Sealed(parcel)] = largest.as_slice() else { panic!("{} parcels", largest.len()) };
        assert!(Handed::Other(Other::Parcel(parcel.clone())).into_frame().len() <= BUNDLE_MAX);
        let over = pack(&[vec![7; PARCEL_MAX - 3]], &key().verifying_key(), random());
        assert_eq!(over, Err(ProtocolError::TooLarge));
        for (second, count) in [(PARCEL_MAX - 1000 - 8, 1), (PARCEL_MAX - 1000 - 7, 2)] {
            assert_eq!(parcels(&[vec![7; 1000], vec![8; second]]).len(), count);
        }
    }

    #[test]
    fn a_parcel_is_opened_up_to_its_limit() {
        let open = |size: usize| {
            // Beside a bundle: its length, the encapsulated key, and the cipher's tag.
            let bundle = vec![7; size - 4 - ENCAPSULATED - 16];
            let mut content = Vec::new();
            frame::push(&mut content, &bundle);
            let Sealed(parcel) = seal(&content, &key().verifying_key(), &mut random()).unwrap();
            assert_eq!(parcel.len(), size);
            unpack(&parcel, &key()).map(|bundles| bundles == [bundle])
        };
        assert_eq!(open(BUNDLE_MAX), Ok(true));
        assert_eq!(open(BUNDLE_MAX + 1), Err(ProtocolError::TooLarge));
    }

    #[test]
    fn parcels_of_small_bundles_end_at_their_number_and_those_made_before_are_read() {
        let bundles: Vec<_> = (0..=PARCEL_BUNDLES_MAX as u8).map(|n| vec![n; 300]).collect();
        let made = parcels(&bundles);
        let counts: Vec<_> = made.iter().map(|parcel| unpack(&parcel.0, &key()).unwrap().len()).collect();
        assert_eq!(counts, [PARCEL_BUNDLES_MAX, 1]);
        assert_eq!(parcels(&bundles[..PARCEL_BUNDLES_MAX]).len(), 1);
        let mut content = Vec::new();
        (0..160).for_each(|n| frame::push(&mut content, &[n; 300]));
        let before = seal(&content, &key().verifying_key(), &mut |_: &mut [u8]| {}).unwrap();
        assert_eq!(unpack(&before.0, &key()).unwrap().len(), 160);
    }

    #[test]
    fn a_file_of_nothings_is_not_read_into_memory() {
        let file = |count| LenteraFile::Receipts { server: Hash([7; 32]), receipts: vec![Sealed(vec![]); count] };
        assert_eq!(LenteraFile::read(&file(FILE_ITEMS_MAX).write()).unwrap(), file(FILE_ITEMS_MAX));
        assert!(LenteraFile::read(&file(FILE_ITEMS_MAX + 1).write()).is_err());
        let parcels = LenteraFile::Parcels { server: Hash([7; 32]), parcels: vec![Sealed(vec![]); FILE_ITEMS_MAX + 1] };
        assert!(LenteraFile::read(&parcels.write()).is_err());
    }

    #[test]
    fn files_are_read_back_and_others_are_not() {
        let file = LenteraFile::Parcels { server: Hash([7; 32]), parcels: parcels(&[vec![1; 10]]) };
        assert_eq!(LenteraFile::read(&file.write()).unwrap(), file);
        let receipts = LenteraFile::Receipts { server: Hash([7; 32]), receipts: vec![Sealed(vec![1])] };
        assert_eq!(LenteraFile::read(&receipts.write()).unwrap(), receipts);
        assert!(LenteraFile::read(b"PK\x03\x04").is_err());
        assert!(LenteraFile::read(&[]).is_err());
    }

    #[test]
    fn files_are_read_up_to_their_limit() {
        let of = |length| LenteraFile::Parcels { server: Hash([7; 32]), parcels: vec![Sealed(vec![7; length])] };
        let beside = of(100_000).write().len() - 100_000;
        let most = of(FILE_MAX - beside);
        let bytes = most.write();
        assert_eq!((bytes.len(), LenteraFile::read(&bytes)), (FILE_MAX, Ok(most)));
        assert_eq!(LenteraFile::read(&of(FILE_MAX - beside + 1).write()), Err(ProtocolError::TooLarge));
    }
}
