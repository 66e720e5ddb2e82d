//! Passwords: how they are kept, and which are too weak.

use std::io;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use lentera_domain::Nip;
use lentera_protocol::limits::{PASSWORD_MAX, PASSWORD_MIN};

use super::Failure;
use crate::clock::Clock;

/// OWASP's minimum for argon2id: 19 MiB, 2 passes, 1 lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// A hash of nothing known: compared with where there is nothing to compare, so that it takes as long.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bGVudGVyYS1kdW1teS1zYQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// Letters and digits that nobody takes for each other, 32 of them: no I, O, 0, 1.
const CODE_ALPHABET: [u8; 32] = *b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Characters of a one-time code: 50 bits, with counted tries.
const CODE_LENGTH: usize = 10;

/// The hash of a password, to be kept. Takes tens of milliseconds: not on a thread that serves others.
pub fn hash(password: &str, salt: [u8; 16]) -> Result<String, Failure> {
    let hashing = |error: &dyn std::fmt::Display| Failure::Hashing(error.to_string());
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| hashing(&error))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = argon2.hash_password_with_salt(password.as_bytes(), &salt).map_err(|error| hashing(&error))?;
    Ok(hash.to_string())
}

/// Whether `password` is the one kept as `hash`. Takes as long where nothing is kept.
pub fn is_kept_as(password: &str, hash: Option<&str>) -> bool {
    let matches = PasswordHash::new(hash.unwrap_or(DUMMY))
        .is_ok_and(|kept| Argon2::default().verify_password(password.as_bytes(), &kept).is_ok());
    matches && hash.is_some()
}

/// Whether a new password is too weak to be taken: short, of one character, the old one, or with the NIP's public beginning in it.
pub fn is_weak(new: &str, old: &str, nip: &Nip) -> bool {
    new.chars().count() < PASSWORD_MIN
        || new.len() > PASSWORD_MAX
        || new == old
        || new.contains(nip.first_password())
        || new.chars().all(|character| new.starts_with(character))
}

/// A new one-time code.
pub fn new_code(clock: &dyn Clock) -> io::Result<String> {
    let mut random = [0; CODE_LENGTH];
    clock.fill_random(&mut random)?;
    let letter = |byte: &u8| CODE_ALPHABET.get(usize::from(byte % 32)).copied().map(char::from);
    Ok(random.iter().filter_map(letter).collect())
}

/// A code as it was given out, however it is typed.
pub fn typed_code(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::testing::TestClock;

    #[test]
    fn a_hash_is_argon2id_and_knows_its_password() {
        let kept = hash("rahasia-besar", [7; 16]).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(is_kept_as("rahasia-besar", Some(&kept)));
        assert!(!is_kept_as("rahasia-kecil", Some(&kept)));
        assert!(!is_kept_as("rahasia-besar", None));
        assert!(PasswordHash::new(DUMMY).is_ok());
    }

    #[test]
    fn weak_ones_are_told() {
        let nip = Nip::parse("197203151998032000").unwrap();
        for weak in ["", "pendek1", "aaaaaaaaaaaa", "x19720315x", "197203151998032000", "lama-lama-lama", &"x1".repeat(101)] {
            assert!(is_weak(weak, "lama-lama-lama", &nip), "{weak}");
        }
        for strong in ["melati 88 biru", "ᮊᮥᮊᮥᮊᮥᮊᮥ", "19720314"] {
            assert!(!is_weak(strong, "lama-lama-lama", &nip), "{strong}");
        }
    }

    #[test]
    fn a_code_is_taken_however_it_is_typed() {
        let code = new_code(&TestClock::default()).unwrap();
        assert_eq!(code.len(), CODE_LENGTH);
        let (first, second) = code.split_at(5);
        assert_eq!(typed_code(&format!(" {}-{} ", first.to_lowercase(), second)), code);
    }
}
