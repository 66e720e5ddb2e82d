//! TLS: for offices without a domain name a certificate authority of their own, pinned by the invite; for others their certificate's files.

pub mod authority;
pub mod certificate;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lentera_domain::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ServerSessionMemoryCache;
use rustls::version::TLS13;
use tokio_rustls::TlsAcceptor;

use certificate::Certificate;

/// Sessions kept for those who resume without a ticket of ours; each takes some hundred bytes.
const SESSIONS_MAX: usize = 4096;
/// From so many days before a certificate's end on, every start of the server warns.
pub const WARNING_DAYS: i64 = 30;
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A file holds no certificate or key that could be used.
    #[error("{0}: not a usable certificate or key: {1}")]
    Unusable(PathBuf, String),
    /// A name is neither a host's nor an address.
    #[error("not a name or an address: {0}")]
    Name(String),
    /// A certificate could not be made.
    #[error("certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// No randomness, or the cryptography cannot do it.
    #[error("TLS: {0}")]
    Rustls(#[from] rustls::Error),
    /// There is no authority to sign with, and no names to make one for.
    #[error("no certificate authority in {0}")]
    NoAuthority(PathBuf),
}

/// A certificate and its key, in PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Files {
    /// What takes TLS connections. Only TLS 1.3: both ends are ours, and it needs one round trip less.
    ///
    /// # Errors
    /// [`TlsError`] where the files are not there, or do not belong together.
    pub fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let unusable = |error: rustls::Error| TlsError::Unusable(self.certificate.clone(), error.to_string());
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?)
            .map_err(|error| TlsError::Unusable(self.key.clone(), error.to_string()))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(self.chain()?, key)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A resumed handshake sends no certificate. Tickets are kept by the client; their keys change every six hours.
        config.ticketer = Ticketer::new()?;
        config.session_storage = ServerSessionMemoryCache::new(SESSIONS_MAX);
        // One device, one connection: a second ticket would only cost its bytes.
        config.send_tls13_tickets = 1;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// What the server's own certificate says.
    ///
    /// # Errors
    /// [`TlsError`] where there is none that could be read.
    pub fn leaf(&self) -> Result<Certificate, TlsError> {
        let none = || TlsError::Unusable(self.certificate.clone(), "not an X.509 certificate".to_owned());
        self.chain()?.first().and_then(|der| Certificate::read(der)).ok_or_else(none)
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        CertificateDer::pem_slice_iter(&read(&self.certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|error| TlsError::Unusable(self.certificate.clone(), error.to_string()))
    }
}

/// Whole days until a certificate's end, where they are at most `days`; negative after its end.
pub const fn ends_within(certificate: &Certificate, now: Timestamp, days: i64) -> Option<i64> {
    let left = (certificate.not_after.millis() - now.millis()).div_euclid(DAY);
    if left <= days { Some(left) } else { None }
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(file).map_err(|error| TlsError::File(file.to_path_buf(), error))
}
