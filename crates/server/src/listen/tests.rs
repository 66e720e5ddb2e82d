//! Slow and greedy clients over real sockets; while they try, another is served.

use std::time::Instant;

use axum::body::Bytes;
use axum::routing::{get, post};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::tls::authority::Authority;

/// Of a test: what is long in life.
const SHORT: Duration = Duration::from_millis(300);
/// What a test waits for at most; it is never waited out.
const LONG: Duration = Duration::from_secs(20);
/// Larger than what two sockets hold between them.
const LARGE: usize = 32 * 1024 * 1024;

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

fn limits() -> Limits {
    Limits { handshake: LONG, head: LONG, idle: LONG, linger: SHORT, farewell: LONG, ..Limits::default() }
}

async fn start(limits: Limits, tls: Option<TlsAcceptor>) -> Server {
    let slow = async || {
        tokio::time::sleep(SHORT).await;
        "slow"
    };
    let router = Router::new()
        .route("/", get(async || "served"))
        .route("/slow", get(slow))
        .route("/large", get(async || vec![0_u8; LARGE]))
        .route("/refused", post(async || axum::http::StatusCode::SERVICE_UNAVAILABLE))
        .route("/echo", post(async |body: Bytes| body));
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(serve(listener, tls, router, limits, async {
        let _ = stopped.await;
    }));
    Server { address, stop: Some(stop), served }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Asks on a new connection; the whole answer.
    async fn ask(&self, path: &str) -> String {
        let mut socket = self.connect().await;
        socket.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn is_serving_others(&self) {
        let answer = timeout(self.ask("/")).await;
        assert!(answer.ends_with("served"), "{answer}");
    }
}

async fn timeout<T>(of: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, of).await.unwrap()
}

/// Whether the server has ended the connection; what it sent before.
async fn ended(socket: &mut TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    // Reset or closed: gone is gone.
    let _ = timeout(socket.read_to_end(&mut read)).await;
    read
}

/// Asks on a connection that stays open; the answer, whose body is `expected`.
async fn ask_and_stay<T: AsyncReadExt + AsyncWriteExt + Unpin>(socket: &mut T, path: &str, expected: &str) {
    socket.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(expected.as_bytes()) {
        assert_ne!(timeout(socket.read_buf(&mut answer)).await.unwrap(), 0, "{}", String::from_utf8_lossy(&answer));
    }
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off() {
    let server = start(Limits { head: SHORT, ..limits() }, None).await;
    let mut silent = server.connect().await;
    let mut dripping = server.connect().await;
    let mut second_head = server.connect().await;
    ask_and_stay(&mut second_head, "/", "served").await;
    let drip = async |socket: &mut TcpStream| {
        let start = Instant::now();
        // Each byte in time, the head never whole.
        while socket.write_all(b"G").await.is_ok() && start.elapsed() < LONG {
            tokio::time::sleep(SHORT / 10).await;
        }
        start.elapsed()
    };
    let (first, second) = tokio::join!(drip(&mut dripping), drip(&mut second_head));
    assert!(first < LONG && second < LONG);
    assert_eq!(ended(&mut silent).await, b"");
    server.is_serving_others().await;
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_a_while_and_then_closed() {
    let server = start(Limits { idle: SHORT, ..limits() }, None).await;
    let mut socket = server.connect().await;
    for _ in 0..3 {
        ask_and_stay(&mut socket, "/", "served").await;
        tokio::time::sleep(SHORT / 10).await;
    }
    // Its own time to serve is not idleness.
    ask_and_stay(&mut socket, "/slow", "slow").await;
    ask_and_stay(&mut socket, "/", "served").await;
    let idle = Instant::now();
    assert_eq!(ended(&mut socket).await, b"");
    assert!(idle.elapsed() >= SHORT.mul_f32(0.9), "{:?}", idle.elapsed());
}

#[tokio::test]
async fn who_does_not_read_the_answer_is_cut_off() {
    let pace = Pace { silence: SHORT, rate: 1024 * 1024 * 1024 };
    let server = start(Limits { pace, ..limits() }, None).await;
    let mut socket = server.connect().await;
    socket.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(SHORT * 3).await;
    server.is_serving_others().await;
    assert!(ended(&mut socket).await.len() < LARGE);
    // Who reads gets all of it, however large.
    assert!(server.ask("/large").await.len() > LARGE);
}

#[tokio::test]
async fn idle_connections_make_room_for_who_wants_something() {
    let server = start(Limits { connections: 16, ..limits() }, None).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(server.connect().await);
        server.is_serving_others().await;
    }
    for socket in &mut idle[..50] {
        assert_eq!(ended(socket).await, b"");
    }
}

#[tokio::test]
async fn with_every_place_taken_the_next_is_told_so_and_served_later() {
    let server = start(Limits { connections: 4, ..limits() }, None).await;
    // They are in the middle of a request: nothing idle to be sent away.
    let mut busy = Vec::new();
    for _ in 0..4 {
        let mut socket = server.connect().await;
        socket.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n1").await.unwrap();
        busy.push(socket);
    }
    let refused = ended(&mut server.connect().await).await;
    assert_eq!(refused, NO_PLACE);
    for socket in &mut busy {
        socket.write_all(b"2").await.unwrap();
        assert!(ended(socket).await.ends_with(b"12"));
    }
    // Their places are given back soon after.
    let served = async || {
        let mut socket = server.connect().await;
        let sent = socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        sent.is_ok() && ended(&mut socket).await.ends_with(b"served")
    };
    timeout(async { while !served().await {} }).await;
}

#[tokio::test]
async fn a_thousand_idle_connections_are_no_burden() {
    // Both ends are files of this process.
    let count = files_allowed(2100).map_or(1000, |files| (files - 100).min(2000) / 2);
    let server = start(limits(), None).await;
    let mut idle = Vec::new();
    for _ in 0..count {
        idle.push(server.connect().await);
    }
    let start = Instant::now();
    server.is_serving_others().await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    // And they are still there.
    ask_and_stay(idle.last_mut().unwrap(), "/", "served").await;
    ask_and_stay(idle.first_mut().unwrap(), "/", "served").await;
}

#[tokio::test]
async fn an_early_answer_reaches_who_is_still_sending() {
    let server = start(limits(), None).await;
    let mut socket = server.connect().await;
    socket.write_all(b"POST /refused HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n").await.unwrap();
    for _ in 0..60 {
        socket.write_all(&[0; 1000]).await.unwrap();
        tokio::task::yield_now().await;
    }
    socket.shutdown().await.unwrap();
    let answer = ended(&mut socket).await;
    assert!(answer.starts_with(b"HTTP/1.1 503"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn a_stop_lets_requests_end_and_idle_connections_go() {
    let mut server = start(limits(), None).await;
    let mut idle = server.connect().await;
    ask_and_stay(&mut idle, "/", "served").await;
    let mut fresh = server.connect().await;
    let mut busy = server.connect().await;
    busy.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n1").await.unwrap();
    // It was accepted: what was connected after it is served.
    server.is_serving_others().await;
    drop(server.stop.take());
    assert_eq!(ended(&mut idle).await, b"");
    assert_eq!(ended(&mut fresh).await, b"");
    assert!(TcpStream::connect(server.address).await.is_err());
    busy.write_all(b"2").await.unwrap();
    assert!(ended(&mut busy).await.ends_with(b"12"));
    timeout(server.served).await.unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_who_never_ends() {
    let mut server = start(Limits { farewell: SHORT, ..limits() }, None).await;
    let mut busy = server.connect().await;
    busy.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n1").await.unwrap();
    server.is_serving_others().await;
    drop(server.stop.take());
    timeout(server.served).await.unwrap();
    assert_eq!(ended(&mut busy).await, b"");
}

/// A server's own authority, for this machine, made so many days ago.
fn authority(folder: &std::path::Path, days_ago: i64) -> Authority {
    let authority = Authority::new(folder.to_path_buf());
    let then = SystemClock.now().millis() - days_ago * 24 * 60 * 60 * 1000;
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    authority.renew(&names, lentera_domain::Timestamp::from_millis(then)).unwrap();
    authority
}

/// A client that trusts this authority alone.
fn client(trusted: &Authority) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(trusted.certificate().unwrap())).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn connect_tls(server: &Server, client: &TlsConnector, name: &str) -> io::Result<TlsStream<TcpStream>> {
    timeout(client.connect(ServerName::try_from(name.to_owned()).unwrap(), server.connect().await)).await
}

#[tokio::test]
async fn the_pinned_server_is_reached_and_the_session_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority(folder.path(), 0);
    let server = start(limits(), Some(authority.server().acceptor().unwrap())).await;
    let client = client(&authority);
    let mut kinds = Vec::new();
    for name in ["127.0.0.1", "127.0.0.1", "127.0.0.1", "localhost"] {
        let mut socket = connect_tls(&server, &client, name).await.unwrap();
        ask_and_stay(&mut socket, "/", "served").await;
        ask_and_stay(&mut socket, "/", "served").await;
        kinds.push(socket.get_ref().1.handshake_kind().unwrap());
        socket.shutdown().await.unwrap();
    }
    let full = |kind: &HandshakeKind| *kind != HandshakeKind::Resumed;
    assert!(full(&kinds[0]) && !full(&kinds[1]) && !full(&kinds[2]) && full(&kinds[3]), "{kinds:?}");
    // The app's own client, as it pins.
    let trusted = reqwest::Certificate::from_der(&authority.certificate().unwrap()).unwrap();
    let app = reqwest::Client::builder().tls_certs_only([trusted]).build().unwrap();
    let answer = app.get(format!("https://{}/", server.address)).send().await.unwrap();
    assert_eq!(answer.bytes().await.unwrap(), "served");
}

#[tokio::test]
async fn a_client_refuses_what_is_not_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let own = authority(&folder.path().join("own"), 0);
    let other = authority(&folder.path().join("other"), 0);
    // Its leaf ended a month ago, its authority did not.
    let expired = authority(&folder.path().join("expired"), 2 * 365 + 30);
    let serve = async |authority: &Authority| start(limits(), Some(authority.server().acceptor().unwrap())).await;
    let refused = async |server: &Server, trusted: &Authority, name: &str| {
        let error = connect_tls(server, &client(trusted), name).await.unwrap_err();
        match error.downcast::<rustls::Error>().unwrap() {
            rustls::Error::InvalidCertificate(why) => why,
            error => panic!("{error}"),
        }
    };
    use rustls::CertificateError::{ExpiredContext, NotValidForNameContext};
    let server = serve(&own).await;
    let wrong_authority = refused(&server, &other, "127.0.0.1").await;
    assert!(!matches!(wrong_authority, ExpiredContext { .. } | NotValidForNameContext { .. }), "{wrong_authority:?}");
    assert!(matches!(refused(&server, &own, "kantor.example").await, NotValidForNameContext { .. }));
    let server = serve(&expired).await;
    assert!(matches!(refused(&server, &expired, "127.0.0.1").await, ExpiredContext { .. }));
    // Renewing mends it, and what invites carry stays good.
    let trusted = expired.certificate().unwrap();
    expired.renew(&[], SystemClock.now()).unwrap();
    assert_eq!(expired.certificate().unwrap(), trusted);
    connect_tls(&serve(&expired).await, &client(&expired), "127.0.0.1").await.unwrap();
}

#[tokio::test]
async fn a_handshake_that_stalls_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority(folder.path(), 0);
    let limits = Limits { handshake: SHORT, ..limits() };
    let server = start(limits, Some(authority.server().acceptor().unwrap())).await;
    let mut silent = server.connect().await;
    let mut half = server.connect().await;
    // The beginning of a ClientHello record.
    half.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).await.unwrap();
    let mut plain = server.connect().await;
    plain.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut socket = connect_tls(&server, &client(&authority), "127.0.0.1").await.unwrap();
    ask_and_stay(&mut socket, "/", "served").await;
    assert_eq!(ended(&mut silent).await, b"");
    assert_eq!(ended(&mut half).await, b"");
    // At most an alert, no HTTP.
    assert!(ended(&mut plain).await.len() < 16);
    ask_and_stay(&mut socket, "/", "served").await;
}
