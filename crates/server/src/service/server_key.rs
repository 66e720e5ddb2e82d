//! The server's signing key, in a file that only its own user may read.

use std::fs;
use std::io;
use std::path::Path;

use ed25519_dalek::SigningKey;
use lentera_protocol::Hash;

use crate::clock::Clock;
use crate::private_file;

/// The key in `file`.
///
/// # Errors
/// Where it cannot be read or is no key.
pub fn read(file: &Path) -> io::Result<SigningKey> {
    let seed: [u8; 32] =
        fs::read(file)?.try_into().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not a key of 32 bytes"))?;
    Ok(SigningKey::from_bytes(&seed))
}

/// The key in `file`, made new where there is none. A power cut leaves either none or a whole one.
///
/// # Errors
/// Where it cannot be read or written.
pub fn read_or_create(file: &Path, clock: &dyn Clock) -> io::Result<SigningKey> {
    if file.exists() {
        return read(file);
    }
    let mut seed = [0; 32];
    clock.fill_random(&mut seed)?;
    private_file::write(file, &seed)?;
    Ok(SigningKey::from_bytes(&seed))
}

/// What invites name the key by.
pub fn fingerprint(key: &SigningKey) -> Hash {
    Hash::of(key.verifying_key().as_bytes())
}
