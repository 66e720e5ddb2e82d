//! The invite: where the server is and how to know it, in a file or a QR code, so that nobody types an address.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Longest text that is looked at as an invite.
const INVITE_MAX: usize = 4096;

/// An invite of the kabupaten's server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// Always `lentera-invite-1`.
    pub format: String,
    /// Name of the office, for the person to recognise.
    pub office: String,
    /// The server's address, as `http://127.0.0.1:8311`.
    pub address: String,
    /// SHA-256 of the server's signing key, 64 hexadecimal digits.
    pub fingerprint: String,
    /// The certificate authority of a server without a domain name: DER, base64. Empty where the server's certificate is publicly known, or
    /// where it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ca: String,
    /// Whom it is for; empty for anyone.
    #[serde(default)]
    pub nip: String,
}

impl Invite {
    /// The one format there is.
    pub const FORMAT: &str = "lentera-invite-1";

    /// Reads an invite's text.
    ///
    /// # Errors
    /// [`Error::BadInvite`] with what is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |detail: &str| Error::BadInvite { detail: detail.to_owned() };
        if text.len() > INVITE_MAX {
            return Err(bad("too long"));
        }
        let text = text.trim().trim_start_matches('\u{feff}');
        let invite: Self = serde_json::from_str(text).map_err(|error| bad(&error.to_string()))?;
        if invite.format != Self::FORMAT {
            return Err(bad("unknown format"));
        }
        if invite.fingerprint_bytes().is_none() {
            return Err(bad("fingerprint"));
        }
        if !invite.address.starts_with("http://") && !invite.address.starts_with("https://") {
            return Err(bad("address"));
        }
        Ok(invite)
    }

    /// The fingerprint's 32 bytes; always there for a parsed invite.
    pub fn fingerprint_bytes(&self) -> Option<[u8; 32]> {
        let mut bytes = [0; 32];
        if self.fingerprint.len() != 64 || !self.fingerprint.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(self.fingerprint.get(index * 2..index * 2 + 2)?, 16).ok()?;
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite() -> Invite {
        Invite {
            format: Invite::FORMAT.into(),
            office: "Disperindag".into(),
            address: "http://127.0.0.1:8311".into(),
            fingerprint: "0a".repeat(32),
            ca: String::new(),
            nip: String::new(),
        }
    }

    #[test]
    fn is_read_up_to_its_limit() {
        let text = serde_json::to_string(&invite()).unwrap();
        let read = |length: usize| Invite::parse(&format!("{text:length$}"));
        assert_eq!(read(INVITE_MAX), Ok(invite()));
        assert_eq!(read(INVITE_MAX + 1), Err(Error::BadInvite { detail: "too long".into() }));
    }

    #[test]
    fn reads_one_and_refuses_the_rest() {
        let invite = invite();
        let text = serde_json::to_string(&invite).unwrap();
        assert_eq!(Invite::parse(&format!("\u{feff}{text}\n")).unwrap(), invite);
        assert_eq!(invite.fingerprint_bytes(), Some([10; 32]));
        for bad in [
            "",
            "halo",
            "{}",
            &text.replace("-1", "-2"),
            &text.replace("0a0a", "zz"),
            &text.replacen("0a", "+a", 1),
            &text.replace("http", "ftp"),
        ] {
            assert!(matches!(Invite::parse(bad), Err(Error::BadInvite { .. })), "{bad}");
        }
    }
}
