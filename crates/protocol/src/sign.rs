//! Signatures: COSE_Sign1 (RFC 9052) with Ed25519. What a message is for is its external data, so that no message can stand for another.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use minicbor::data::Tag;
use minicbor::{Decode, Decoder, Encode, Encoder};

use crate::{ProtocolError, decode, encode};

/// Tag of COSE_Sign1.
const COSE_SIGN1: Tag = Tag::new(18);
/// The protected header `{1: -8}`: algorithm EdDSA.
const PROTECTED: [u8; 3] = [0xa1, 0x01, 0x27];

/// A message that is signed.
pub trait Message {
    /// What the message is for, never the same for two types.
    const CONTEXT: &'static str;
}

/// A message whose signature was checked; only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// `message` signed by `key`.
pub fn sign<T: Message + Encode<()>>(message: &T, key: &SigningKey) -> Vec<u8> {
    let payload = encode(message);
    let signature = key.sign(&to_be_signed(T::CONTEXT, &payload));
    let mut bytes = Vec::with_capacity(payload.len() + 80);
    let mut encoder = Encoder::new(&mut bytes);
    let written = (|| {
        encoder.tag(COSE_SIGN1)?.array(4)?.bytes(&PROTECTED)?.map(0)?.bytes(&payload)?.bytes(&signature.to_bytes())?;
        Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(())
    })();
    if written.is_err() { Vec::new() } else { bytes }
}

/// The message in `bytes` if `key` signed it as a `T`.
///
/// # Errors
/// [`ProtocolError::Malformed`], [`ProtocolError::BadSignature`].
pub fn verify<T: Message + for<'b> Decode<'b, ()>>(bytes: &[u8], key: &VerifyingKey) -> Result<Verified<T>, ProtocolError> {
    let (payload, signature) = split(bytes)?;
    key.verify_strict(&to_be_signed(T::CONTEXT, payload), &signature).map_err(|_| ProtocolError::BadSignature)?;
    Ok(Verified(decode(payload)?))
}

/// The message in `bytes`, its signature not checked: only to learn whose key to check it with.
///
/// # Errors
/// [`ProtocolError::Malformed`].
pub fn peek<T: Message + for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Result<T, ProtocolError> {
    decode(split(bytes)?.0)
}

fn split(bytes: &[u8]) -> Result<(&[u8], Signature), ProtocolError> {
    let malformed = |what: &str| ProtocolError::Malformed(what.to_owned());
    let mut decoder = Decoder::new(bytes);
    if decoder.tag()? != COSE_SIGN1 || decoder.array()? != Some(4) || decoder.bytes()? != PROTECTED || decoder.map()? != Some(0) {
        return Err(malformed("not a COSE_Sign1 of EdDSA"));
    }
    let payload = decoder.bytes()?;
    let signature = <[u8; 64]>::try_from(decoder.bytes()?).map_err(|_| malformed("signature"))?;
    if decoder.position() != bytes.len() {
        return Err(malformed("bytes after the end"));
    }
    Ok((payload, Signature::from_bytes(&signature)))
}

/// The Sig_structure of RFC 9052, 4.4.
fn to_be_signed(context: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + 64);
    let mut encoder = Encoder::new(&mut bytes);
    let written = (|| {
        encoder.array(4)?.str("Signature1")?.bytes(&PROTECTED)?.bytes(context.as_bytes())?.bytes(payload)?;
        Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(())
    })();
    if written.is_err() { Vec::new() } else { bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Encode, Decode)]
    struct Note(#[n(0)] String);
    impl Message for Note {
        const CONTEXT: &'static str = "note";
    }
    #[derive(Debug, PartialEq, Encode, Decode)]
    struct Order(#[n(0)] String);
    impl Message for Order {
        const CONTEXT: &'static str = "order";
    }

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[3; 32])
    }

    #[test]
    fn one_changed_byte_anywhere_is_seen() {
        let bytes = sign(&Note("halo".into()), &key());
        assert_eq!(verify::<Note>(&bytes, &key().verifying_key()).unwrap().into_inner(), Note("halo".into()));
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            assert!(verify::<Note>(&changed, &key().verifying_key()).is_err(), "byte {index}");
        }
    }

    #[test]
    fn a_message_does_not_stand_for_another_nor_for_another_key() {
        let bytes = sign(&Note("halo".into()), &key());
        assert_eq!(verify::<Order>(&bytes, &key().verifying_key()).unwrap_err(), ProtocolError::BadSignature);
        let other = SigningKey::from_bytes(&[4; 32]).verifying_key();
        assert_eq!(verify::<Note>(&bytes, &other).unwrap_err(), ProtocolError::BadSignature);
    }
}
