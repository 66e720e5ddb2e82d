//! TLS with an authority that the invite pinned.
//!
//! Such an authority vouches for one server and nothing else, so a certificate's dates only tell whose clock is wrong: a phone whose
//! battery ran empty believes it is 1970, and a kabupaten whose certificate ran out last night has a month end to close. Who signed
//! and for which name holds as ever; the dates do not. What is sent is signed beneath TLS anyway.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::platform::TransportError;

/// Bytes of one TLS record at most. The other side can read none before it has all of it: a record that fits into one packet lets the server
/// keep each bundle that came whole before a cut.
const RECORD_MAX: usize = 1300;

/// TLS that trusts the authority `ca`, DER, alone; `None` if it is no certificate.
pub fn trusting_only(ca: &[u8]) -> Option<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(ca)).ok()?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = pinned(Arc::new(roots), Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let mut config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    config.max_fragment_size = Some(RECORD_MAX);
    Some(config)
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
    let Error::InvalidCertificate(reason) = tls_error(error)? else { return None };
    Some(match reason {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => TransportError::ClockWrong,
        _ => TransportError::NotOurServer,
    })
}

/// The TLS error beneath others. An IO error does not name what it holds as its source.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Error> {
    if let Some(tls) = error.downcast_ref::<Error>() {
        return Some(tls);
    }
    let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    held.and_then(|held| tls_error(held)).or_else(|| error.source().and_then(tls_error))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
    use rustls::{HandshakeKind, ServerConfig, ServerConnection, Stream};

    use super::*;
    use crate::platform::native::NativePlatform;
    use crate::platform::{Platform, Post};

    type Authority = CertifiedIssuer<'static, KeyPair>;

    fn authority() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

    /// A server's side, with a certificate for `name` of those years.
    fn server(ca: &Authority, name: &str, years: (i32, i32)) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let certificate = params.signed_by(&key, ca).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        Arc::new(config)
    }

    /// A server on this device that answers every connection once; tells of each handshake whether it was a resumed one.
    fn serve(ca: &Authority, name: &str, years: (i32, i32)) -> (String, thread::JoinHandle<Vec<bool>>) {
        let config = server(ca, name, years);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("https://{}/", listener.local_addr().unwrap());
        let serving = thread::spawn(move || {
            let mut resumed = Vec::new();
            for _ in 0..2 {
                let (mut socket, _) = listener.accept().unwrap();
                let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = Stream::new(&mut connection, &mut socket);
                let mut request = [0; 4096];
                if stream.read(&mut request).is_ok() {
                    stream.write_all(ANSWER).unwrap();
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
                resumed.push(connection.handshake_kind() == Some(HandshakeKind::Resumed));
            }
            resumed
        });
        (address, serving)
    }

    /// Two requests, one connection each.
    fn post_twice(address: &str, ca: &Authority) -> [Result<Vec<u8>, TransportError>; 2] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let platform = NativePlatform::new(None).unwrap();
            let post = || Post { url: address.to_owned(), body: vec![1, 2, 3], ca: Some(ca.der().to_vec()) };
            let answer = async || Ok(platform.post(post()).await?.body);
            [answer().await, answer().await]
        })
    }

    #[test]
    fn the_pinned_authority_is_trusted_whatever_the_date_and_sessions_are_resumed() {
        for years in [(2000, 4000), (2000, 2001), (3000, 4000)] {
            let ca = authority();
            let (address, serving) = serve(&ca, "127.0.0.1", years);
            assert_eq!(post_twice(&address, &ca), [Ok(b"ok".to_vec()), Ok(b"ok".to_vec())], "{years:?}");
            assert_eq!(serving.join().unwrap(), [false, true]);
        }
    }

    #[test]
    fn another_authority_and_another_name_are_not_trusted() {
        let ca = authority();
        let (address, serving) = serve(&ca, "127.0.0.1", (2000, 4000));
        assert_eq!(post_twice(&address, &authority()), [Err(TransportError::NotOurServer), Err(TransportError::NotOurServer)]);
        serving.join().unwrap();
        let (address, serving) = serve(&ca, "10.0.0.1", (2000, 2001));
        assert_eq!(post_twice(&address, &ca), [Err(TransportError::NotOurServer), Err(TransportError::NotOurServer)]);
        serving.join().unwrap();
    }

    /// A socket that keeps what comes in as it is on the wire.
    struct Tapped {
        socket: TcpStream,
        wire: Vec<u8>,
    }

    impl Read for Tapped {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = self.socket.read(buffer)?;
            self.wire.extend_from_slice(&buffer[..count]);
            Ok(count)
        }
    }

    impl Write for Tapped {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.socket.write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            self.socket.flush()
        }
    }

    #[test]
    fn each_record_of_a_long_request_fits_into_a_packet() {
        const BODY: usize = 10_000;
        let ca = authority();
        let config = server(&ca, "127.0.0.1", (2000, 4000));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let serving = thread::spawn(move || {
            let mut connection = ServerConnection::new(config).unwrap();
            let mut tapped = Tapped { socket: listener.accept().unwrap().0, wire: Vec::new() };
            let mut stream = Stream::new(&mut connection, &mut tapped);
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            while request.iter().filter(|byte| **byte == 0xff).count() < BODY {
                let count = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..count]);
            }
            stream.write_all(ANSWER).unwrap();
            tapped.wire
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let post = Post { url, body: vec![0xff; BODY], ca: Some(ca.der().to_vec()) };
        runtime.block_on(async { NativePlatform::new(None).unwrap().post(post).await }).unwrap();

        // Type, version, length: five bytes, then so many.
        let wire = serving.join().unwrap();
        let (mut lengths, mut rest) = (Vec::new(), wire.as_slice());
        while let [_, _, _, high, low, behind @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            lengths.push(5 + length);
            rest = behind.get(length..).unwrap_or_default();
        }
        assert!(lengths.iter().sum::<usize>() > BODY);
        assert!(lengths.iter().all(|length| *length <= 1400), "{lengths:?}");
    }

    #[test]
    fn what_is_no_certificate_is_no_authority() {
        assert!(trusting_only(b"no certificate").is_none());
        assert!(trusting_only(authority().der()).is_some());
    }
}
