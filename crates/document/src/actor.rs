//! Who writes.

use automerge::ActorId;
use sha2::{Digest, Sha256};

/// The writer of changes: a device's key at one generation. Changes re-issued after a refusal are written under the next generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Actor([u8; 16]);

impl Actor {
    /// The first 16 bytes of SHA-256(public key ‖ generation as 4 bytes, most significant first).
    pub fn derive(public_key: &[u8; 32], generation: u32) -> Self {
        let digest = Sha256::new().chain_update(public_key).chain_update(generation.to_be_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest.iter()).for_each(|(byte, from)| *byte = *from);
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub(crate) fn id(self) -> ActorId {
        ActorId::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_differ() {
        assert_ne!(Actor::derive(&[7; 32], 0), Actor::derive(&[7; 32], 1));
        assert_eq!(Actor::derive(&[7; 32], 1), Actor::derive(&[7; 32], 1));
    }
}
