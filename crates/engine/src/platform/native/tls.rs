//! TLS with an authority that the invite pinned.
//!
//! Such an authority vouches for one server and nothing else, so a certificate's dates only tell whose clock is wrong: a phone whose
//! battery ran empty believes it is 1970, and a kabupaten whose certificate ran out last night has a month end to close. Who signed
//! and for which name holds as ever; the dates do not. What is sent is signed beneath TLS anyway.

use std::error::Error as _;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::platform::TransportError;

/// TLS that trusts the authority `ca`, DER, alone; `None` if it is no certificate.
pub fn trusting_only(ca: &[u8]) -> Option<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(ca)).ok()?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = pinned(Arc::new(roots), Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

fn pinned(roots: Arc<RootCertStore>, provider: Arc<CryptoProvider>) -> Option<Pinned> {
    WebPkiServerVerifier::builder_with_provider(roots, provider).build().ok().map(Pinned)
}

/// Verifies as ever, but for the dates.
#[derive(Debug)]
struct Pinned(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |at| self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, at);
        match verify(now) {
            Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => verify(not_before),
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => verify(not_after),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// What a failed handshake says about the other side; `None` if it was not the certificate.
pub fn classify(error: &reqwest::Error) -> Option<TransportError> {
    let mut source = error.source();
    while let Some(error) = source {
        // An IO error may hold the TLS error without naming it as its source.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = error.downcast_ref::<Error>().or_else(|| inner?.downcast_ref::<Error>());
        if let Some(Error::InvalidCertificate(reason)) = tls {
            return Some(match reason {
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => TransportError::ClockWrong,
                _ => TransportError::NotOurServer,
            });
        }
        source = error.source();
    }
    None
}
