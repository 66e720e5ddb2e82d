//! The office's own certificate authority: one key that signs the server's certificate and nothing else.
//!
//! Its certificate rides in every invite, so it says as little as it may. What it signs is not known to anybody else: a device trusts it
//! for this one server.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, Months};
use lentera_domain::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{Certificate, Files, TlsError, read};
use crate::private_file;

/// The authority holds this long; when it ends, everybody needs a new invite.
const AUTHORITY_YEARS: u32 = 10;
/// The server's certificate holds this long.
const SERVER_YEARS: u32 = 2;
/// A device whose battery was empty believes in 1970: the beginning of time is no reason to turn it away.
const NOT_BEFORE: (i32, u8, u8) = (1970, 1, 1);

/// A folder with the authority and the server's certificate.
#[derive(Clone, Debug)]
pub struct Authority {
    folder: PathBuf,
}

impl Authority {
    /// The one in `folder`, be it there or not.
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Whether it was made.
    pub fn exists(&self) -> bool {
        self.server().certificate.exists()
    }

    /// The server's certificate and key.
    pub fn server(&self) -> Files {
        Files { certificate: self.folder.join("server.pem"), key: self.folder.join("server.key") }
    }

    /// The authority's certificate, DER: what devices trust.
    ///
    /// # Errors
    /// [`TlsError`] where there is none that could be read.
    pub fn certificate(&self) -> Result<Vec<u8>, TlsError> {
        let file = self.certificate_file();
        let der = CertificateDer::from_pem_slice(&read(&file)?);
        der.map(|der| der.to_vec()).map_err(|error| TlsError::Unusable(file, error.to_string()))
    }

    /// Gives the server a new certificate, for `names`, or for the names of the one before where these are none. Makes the authority
    /// where there is none yet.
    ///
    /// # Errors
    /// [`TlsError`]; then the server's certificate is the one it was.
    pub fn renew(&self, names: &[String], now: Timestamp) -> Result<Certificate, TlsError> {
        let names = match names {
            [] if self.exists() => self.server().leaf()?.names,
            [] => return Err(TlsError::NoAuthority(self.folder.clone())),
            names => names.to_vec(),
        };
        let names = names.iter().map(|name| alternative_name(name)).collect::<Result<Vec<_>, _>>()?;
        if !self.certificate_file().exists() {
            self.make(now)?;
        }
        let unusable = |file: PathBuf, what: &str| TlsError::Unusable(file, what.to_owned());
        let own = self.certificate()?;
        let own = Certificate::read(&own).ok_or_else(|| unusable(self.certificate_file(), "not an X.509 certificate"))?;
        let key = read(&self.key_file())?;
        let key = std::str::from_utf8(&key).map_err(|_| unusable(self.key_file(), "not PEM"))?;
        let issuer = Issuer::new(authority_params(own.not_after), KeyPair::from_pem(key)?);
        let server_key = KeyPair::generate()?;
        let mut params = params("Lentera server", after(now, SERVER_YEARS).min(own.not_after));
        params.subject_alt_names = names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&server_key, &issuer)?;
        let Files { certificate: certificate_file, key: key_file } = self.server();
        // The key first: between the two a start fails, and says why; renewing again mends it.
        write(&key_file, &server_key.serialize_pem())?;
        write(&certificate_file, &certificate.pem())?;
        self.server().leaf()
    }

    fn make(&self, now: Timestamp) -> Result<(), TlsError> {
        private_file::make_folder(&self.folder).map_err(|error| TlsError::File(self.folder.clone(), error))?;
        let key = KeyPair::generate()?;
        let certificate = authority_params(after(now, AUTHORITY_YEARS)).self_signed(&key)?;
        // The certificate last: it says that there is an authority.
        write(&self.key_file(), &key.serialize_pem())?;
        write(&self.certificate_file(), &certificate.pem())
    }

    fn certificate_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    fn key_file(&self) -> PathBuf {
        self.folder.join("ca.key")
    }
}

fn authority_params(end: Timestamp) -> CertificateParams {
    let mut params = params("Lentera", end);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    // Nobody tells authorities apart by it, and the usual one is twenty bytes.
    params.serial_number = Some(1_u64.into());
    params
}

fn params(name: &str, end: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(NOT_BEFORE.0, NOT_BEFORE.1, NOT_BEFORE.2);
    let (year, month, day) = date(end);
    params.not_after = date_time_ymd(year, month, day);
    params
}

/// The same day so many years later, at its beginning.
fn after(now: Timestamp, years: u32) -> Timestamp {
    let now = DateTime::from_timestamp_millis(now.millis()).unwrap_or_default();
    let later = now.checked_add_months(Months::new(12 * years)).unwrap_or(now).date_naive();
    Timestamp::from_millis(later.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
}

fn date(time: Timestamp) -> (i32, u8, u8) {
    let time = DateTime::from_timestamp_millis(time.millis()).unwrap_or_default();
    // Month and day are below 32.
    (time.year(), time.month() as u8, time.day() as u8)
}

fn alternative_name(name: &str) -> Result<SanType, TlsError> {
    let bad = || TlsError::Name(name.to_owned());
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        return Ok(SanType::IpAddress(address));
    }
    let is_host = name.len() <= 253
        && name.split('.').all(|label| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (1..=63).contains(&label.len()) && label.bytes().all(is_plain) && !label.starts_with('-') && !label.ends_with('-')
        });
    if !is_host {
        return Err(bad());
    }
    Ok(SanType::DnsName(name.to_ascii_lowercase().try_into().map_err(|_| bad())?))
}

fn write(file: &Path, text: &str) -> Result<(), TlsError> {
    private_file::write(file, text.as_bytes()).map_err(|error| TlsError::File(file.to_path_buf(), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{WARNING_DAYS, ends_within};

    const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);
    const DAY: i64 = 24 * 60 * 60 * 1000;

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn makes_a_short_chain_and_renews_the_leaf_only() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path().join("tls"));
        assert!(matches!(authority.renew(&[], NOW), Err(TlsError::NoAuthority(_))));
        assert!(!authority.exists());
        let first = authority.renew(&names(&["Lentera.example", "10.0.0.7", "[2001:db8::7]"]), NOW).unwrap();
        assert_eq!(first.names, ["lentera.example", "10.0.0.7", "2001:db8::7"]);
        assert_eq!(ends_within(&first, NOW, 731), Some(730));
        let trusted = authority.certificate().unwrap();
        // It must fit an invite's QR code beside everything else.
        assert!(trusted.len() <= 350, "{} bytes", trusted.len());
        authority.server().acceptor().map(drop).unwrap();
        let key = std::fs::read(authority.server().key).unwrap();

        let nine_years = Timestamp::from_millis(NOW.millis() + 9 * 365 * DAY);
        let second = authority.renew(&[], nine_years).unwrap();
        assert_eq!(second.names, first.names);
        assert_eq!(authority.certificate().unwrap(), trusted);
        assert_ne!(std::fs::read(authority.server().key).unwrap(), key);
        // It does not outlive the authority.
        assert_eq!(second.not_after, Certificate::read(&trusted).unwrap().not_after);
        authority.server().acceptor().map(drop).unwrap();
        #[cfg(unix)]
        for entry in std::fs::read_dir(folder.path().join("tls")).unwrap() {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_name_that_is_none_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path().join("tls"));
        for bad in ["", "https://x", "a b", "-a.id", "a..id", "kantor:8311", &"a".repeat(64)] {
            assert!(matches!(authority.renew(&names(&["10.0.0.7", bad]), NOW), Err(TlsError::Name(_))), "{bad}");
        }
        assert!(!folder.path().join("tls").exists());
    }

    #[test]
    fn warns_from_thirty_days_before_the_end() {
        let certificate = Certificate { not_after: NOW, names: vec![] };
        let days_before = |days: i64| Timestamp::from_millis(NOW.millis() - days * DAY);
        assert_eq!(ends_within(&certificate, days_before(31), WARNING_DAYS), None);
        assert_eq!(ends_within(&certificate, days_before(30), WARNING_DAYS), Some(30));
        assert_eq!(ends_within(&certificate, days_before(-1), WARNING_DAYS), Some(-1));
    }

    #[test]
    fn files_that_do_not_belong_together_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["a", "b"].map(|name| Authority::new(folder.path().join(name)));
        one.renew(&names(&["10.0.0.7"]), NOW).unwrap();
        other.renew(&names(&["10.0.0.7"]), NOW).unwrap();
        let mixed = Files { certificate: one.server().certificate, key: other.server().key };
        assert!(matches!(mixed.acceptor(), Err(TlsError::Unusable(..))));
        let none = Files { certificate: folder.path().join("c"), key: folder.path().join("c") };
        assert!(matches!(none.acceptor(), Err(TlsError::File(..))));
    }
}
