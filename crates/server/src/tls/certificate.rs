//! What a certificate says about its end and its names (RFC 5280). No more of it is read: whether it holds, TLS itself checks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::NaiveDateTime;
use lentera_domain::Timestamp;

/// What is read of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// It holds until then.
    pub not_after: Timestamp,
    /// Hosts and addresses it is for, as written in an address.
    pub names: Vec<String>,
}

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const OCTET_STRING: u8 = 0x04;
const BOOLEAN: u8 = 0x01;
/// `version [0]`, which may be missing.
const VERSION: u8 = 0xa0;
/// `extensions [3]`.
const EXTENSIONS: u8 = 0xa3;
/// `dNSName [2]` and `iPAddress [7]` of a `GeneralName`.
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
/// `id-ce-subjectAltName`, 2.5.29.17, with its tag and length.
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1d, 0x11];

impl Certificate {
    /// Reads the DER of a certificate; `None` if it is none.
    pub fn read(der: &[u8]) -> Option<Self> {
        let mut certificate = Der(Der(der).take(SEQUENCE)?);
        let mut fields = Der(certificate.take(SEQUENCE)?);
        if fields.tag() == Some(VERSION) {
            fields.next()?;
        }
        // Serial number, algorithm, issuer.
        for _ in 0..3 {
            fields.next()?;
        }
        let mut validity = Der(fields.take(SEQUENCE)?);
        validity.next()?;
        let not_after = time(validity.next()?)?;
        let mut names = Vec::new();
        while let Some((tag, content)) = fields.next() {
            if tag == EXTENSIONS {
                names = alternative_names(content)?;
            }
        }
        Some(Self { not_after, names })
    }
}

fn alternative_names(extensions: &[u8]) -> Option<Vec<String>> {
    let mut extensions = Der(Der(extensions).take(SEQUENCE)?);
    while let Some((SEQUENCE, extension)) = extensions.next() {
        let mut extension = Der(extension);
        if extension.next()?.1 != SUBJECT_ALT_NAME {
            continue;
        }
        if extension.tag() == Some(BOOLEAN) {
            extension.next()?;
        }
        let mut written = Der(Der(extension.take(OCTET_STRING)?).take(SEQUENCE)?);
        let mut names = Vec::new();
        while let Some((tag, name)) = written.next() {
            match tag {
                DNS_NAME => names.push(String::from_utf8(name.to_vec()).ok()?),
                IP_ADDRESS => names.push(address(name)?.to_string()),
                _ => {}
            }
        }
        return Some(names);
    }
    Some(Vec::new())
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)))).ok()
}

fn time((tag, text): (u8, &[u8])) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    // RFC 5280, 4.1.2.5.1: two digits of a year are 1950 to 2049.
    let text = match tag {
        UTC_TIME => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok()?;
    Some(Timestamp::from_millis(time.and_utc().timestamp_millis()))
}

/// DER elements, one after the other.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element's tag and content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, mut rest) = rest.split_first()?;
        let mut length = usize::from(*first);
        if length >= 0x80 {
            // At most 64 KiB: no certificate is longer.
            let digits;
            (digits, rest) = rest.split_at_checked(length - 0x80).filter(|(digits, _)| (1..=2).contains(&digits.len()))?;
            length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
        }
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }

    /// The content of the next element, which must have this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(names: &[&str], end: (i32, u8, u8)) -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut wanted = rcgen::CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).unwrap();
        wanted.not_after = rcgen::date_time_ymd(end.0, end.1, end.2);
        wanted.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn reads_end_and_names() {
        let read = Certificate::read(&made(&["lentera.example", "10.0.0.7", "2001:db8::7"], (2028, 11, 22))).unwrap();
        assert_eq!(read.names, ["lentera.example", "10.0.0.7", "2001:db8::7"]);
        assert_eq!(read.not_after, Timestamp::from_millis(1_858_464_000_000));
        let long = Certificate::read(&made(&[], (2051, 1, 1))).unwrap();
        assert_eq!((long.names, long.not_after), (vec![], Timestamp::from_millis(2_556_144_000_000)));
    }

    #[test]
    fn what_is_none_is_not_read_and_does_no_harm() {
        let whole = made(&["lentera.example"], (2028, 11, 22));
        for end in 0..whole.len() {
            assert_eq!(Certificate::read(&whole[..end]), None);
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                // Read or not, nothing worse.
                let _ = Certificate::read(&changed);
            }
        }
        assert_eq!(Certificate::read(b"halo"), None);
    }
}
