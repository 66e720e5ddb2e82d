//! The server's signing key, in a file that only its own user may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use ed25519_dalek::SigningKey;
use lentera_protocol::Hash;

use crate::clock::Clock;

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
    let unfinished = file.with_extension("key.unfinished");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut written = options.open(&unfinished)?;
    written.write_all(&seed)?;
    written.sync_all()?;
    fs::rename(&unfinished, file)?;
    if let Some(folder) = file.parent().filter(|_| cfg!(unix)) {
        File::open(folder)?.sync_all()?;
    }
    Ok(SigningKey::from_bytes(&seed))
}

/// What invites name the key by.
pub fn fingerprint(key: &SigningKey) -> Hash {
    Hash::of(key.verifying_key().as_bytes())
}
