//! The endpoints over a real socket.

mod crowd;

use std::net::SocketAddr;

use lentera_protocol::account::{ChangePassword, Hello, HelloAnswer};
use lentera_protocol::handed::{Handed, Other};
use lentera_protocol::limits::{BUNDLE_MAX, HEADER_MAX, REQUEST_MAX};
use lentera_protocol::receipt::Receipt;
use lentera_protocol::sign::verify;
use lentera_protocol::stream::Cursor;
use lentera_protocol::sync::{Answer, Header};
use lentera_protocol::{DeviceId, VERSION, encode, frame, stream};
use minicbor::bytes::ByteVec;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::listen;
use crate::service::testing::{Office, SITI, TestDevice, log_entry};
use crate::storage::StorageError;

async fn listen(office: &Office) -> SocketAddr {
    listen_behind(Gate::default(), office)
}

fn listen_behind(gate: Gate, office: &Office) -> SocketAddr {
    let listener = listen::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let router = router_behind(gate, Arc::clone(&office.service));
    tokio::spawn(listen::serve(listener, None, router, listen::Limits::default(), std::future::pending()));
    address
}

/// Begins a request with `body`, of which the first `sent` bytes go out.
async fn begin(address: SocketAddr, path: &str, body: &[u8], sent: usize) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&body[..sent]).await.unwrap();
    socket
}

/// Status, head and body of the answer to a request with `body`.
async fn post(address: SocketAddr, path: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
    let mut socket = begin(address, path, body, body.len()).await;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let head = String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).map_or(0, |status| status.parse().unwrap());
    (status, head, answer.split_off(end))
}

fn header(device: &TestDevice, counter: u64) -> Vec<u8> {
    let header = Header {
        version: VERSION,
        device: device.id(),
        counter,
        scope_epoch: 1,
        cursors: vec![],
        page_bytes: None,
        amendment: None,
    };
    sign(&header, &device.key)
}

fn body(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    frames.iter().for_each(|bytes| frame::push(&mut body, bytes));
    body
}

fn read<T>(office: &Office, bytes: &[u8]) -> Reply<T>
where
    T: for<'b> minicbor::Decode<'b, ()>,
{
    verify::<Reply<T>>(bytes, &office.service.key().verifying_key()).unwrap().into_inner()
}

#[tokio::test]
async fn shows_who_it_is_and_that_it_is_well() {
    let office = Office::open().await;
    let address = listen(&office).await;
    let (status, head, bytes) = post(address, "/v1/hello", &encode(&Hello { nonce: [7; 16] })).await;
    assert!(status == 200 && head.contains("content-type: application/cbor"), "{head}");
    let hello = verify::<HelloAnswer>(&bytes, &office.service.key().verifying_key()).unwrap().into_inner();
    assert_eq!((hello.nonce, hello.office.as_str()), ([7; 16], "Disperindag Contoh"));
    assert_eq!(hello.fingerprint(), crate::service::server_key::fingerprint(office.service.key()));
    let answer = health(address).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""status":"ok""#), "{answer}");
}

/// The answer to who watches over the server.
async fn health(address: SocketAddr) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_server_that_writes_no_more_says_so_though_it_can_be_read() {
    let office = Office::open().await;
    let address = listen(&office).await;
    let dies = office.storage.with_writer(|_| -> Result<(), StorageError> { panic!("planted") });
    assert_eq!(dies.await, Err(StorageError::Closed));
    assert!(matches!(office.service.office().await, Ok(Some(_))));
    // Its thread has ended a moment after that.
    let told = async {
        loop {
            let answer = health(address).await;
            if !answer.starts_with("HTTP/1.1 200") {
                break answer;
            }
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(20), told).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains(r#""status":"unavailable""#), "{answer}");
    // Work is not taken only to be lost.
    assert_eq!(post(address, "/v1/sync", &[]).await.0, 503);
}

#[tokio::test]
async fn one_request_brings_receipts_and_streams() {
    let office = Office::open().await;
    let address = listen(&office).await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let bundles = [1, 2].map(|id| device.seal(&log_entry(device.actor(), id, SITI, &["a"])));
    let sent = body(&[header(&device, 41), bundles[0].clone(), b"halo".to_vec(), bundles[1].clone()]);
    let (status, _, bytes) = post(address, "/v1/sync", &sent).await;
    let Reply::Done(answer) = read::<Answer>(&office, &bytes) else { panic!("{status}") };
    assert_eq!((status, answer.counter, answer.receipts.len(), answer.more), (200, 41, 2, false));
    assert_eq!((answer.unreadable[0].index, answer.unreadable[0].code.as_str()), (1, "malformed"));
    assert_eq!(stream::unpack(&answer.pages).unwrap().len(), 2);
    let receipt = verify::<Receipt>(&answer.receipts[1].0, &office.service.key().verifying_key()).unwrap();
    assert_eq!((receipt.number, receipt.bundle), (2, lentera_protocol::Hash::of(&bundles[1])));
}

#[tokio::test]
async fn one_question_is_answered_and_a_second_one_ends_the_request() {
    let office = Office::open().await;
    let address = listen(&office).await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    for id in 1..4 {
        office.accept(&device.seal(&log_entry(device.actor(), id, SITI, &["a"]))).await;
    }
    let ask = || Handed::Other(Other::Ask(0)).into_frame();
    let behind = device.seal(&log_entry(device.actor(), 4, SITI, &["a"]));
    let (_, _, bytes) = post(address, "/v1/sync", &body(&[header(&device, 1), ask(), ask(), behind])).await;
    let Reply::Done(answer) = read::<Answer>(&office, &bytes) else { panic!() };
    assert_eq!((answer.receipts.len(), answer.unreadable.len(), office.count("bundle")), (3, 1, 3));
    assert_eq!((answer.unreadable[0].index, answer.unreadable[0].code.as_str()), (1, "too_many"));
}

#[tokio::test]
async fn a_body_cut_in_the_middle_leaves_what_came_whole() {
    let office = Office::open().await;
    let address = listen(&office).await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let bundles: Vec<_> = (0..4).map(|id| device.seal(&log_entry(device.actor(), id + 1, SITI, &["a"]))).collect();
    let whole = body(&[&[header(&device, 1)], bundles.as_slice()].concat());
    drop(begin(address, "/v1/sync", &whole, whole.len() - bundles[3].len() - bundles[2].len() / 2).await);
    // The answer cannot be waited for, the commit can.
    for _ in 0..100 {
        if office.count("bundle") == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!((office.count("bundle"), office.count("log_entry")), (2, 2));
    let again = body(&[&[header(&device, 2)], bundles.as_slice()].concat());
    let (_, _, bytes) = post(address, "/v1/sync", &again).await;
    let Reply::Done(answer) = read::<Answer>(&office, &bytes) else { panic!() };
    assert_eq!((answer.receipts.len(), office.count("bundle"), office.count("log_entry")), (4, 4, 4));
}

#[tokio::test]
async fn what_is_no_request_is_refused_with_a_signature() {
    let office = Office::open().await;
    let address = listen(&office).await;
    let device = TestDevice::enrol(&office, SITI, 2).await;
    let stranger = TestDevice { key: ed25519_dalek::SigningKey::from_bytes(&[8; 32]), number: 0, previous: Default::default() };
    let forged = Header {
        version: VERSION,
        device: device.id(),
        counter: 1,
        scope_epoch: 1,
        cursors: vec![],
        page_bytes: None,
        amendment: None,
    };
    let future = Header { version: 900, ..forged.clone() };
    assert_eq!(forged.device, DeviceId::of_key(device.key.verifying_key().as_bytes()));
    for (path, sent, status, refusal) in [
        ("/v1/sync", b"halo".to_vec(), 400, Refusal::Malformed),
        ("/v1/sync", vec![0xff; 100], 400, Refusal::Malformed),
        ("/v1/sync", body(&[header(&stranger, 1)]), 403, Refusal::UnknownDevice),
        ("/v1/sync", body(&[sign(&forged, &stranger.key)]), 403, Refusal::UnknownDevice),
        ("/v1/sync", body(&[sign(&future, &device.key)]), 400, Refusal::Version),
        ("/v1/enrol", b"halo".to_vec(), 400, Refusal::Malformed),
    ] {
        let (found, _, bytes) = post(address, path, &sent).await;
        assert_eq!((found, read::<()>(&office, &bytes)), (status, Reply::Refused(refusal)), "{path}");
    }
    office.service.revoke_device(device.id()).await.unwrap();
    let (_, _, bytes) = post(address, "/v1/sync", &body(&[header(&device, 1)])).await;
    assert_eq!(read::<()>(&office, &bytes), Reply::Refused(Refusal::Revoked));
}

#[tokio::test]
async fn a_bundle_over_its_limit_does_not_cost_those_before_it() {
    let office = Office::open().await;
    let address = listen(&office).await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let good = device.seal(&log_entry(device.actor(), 1, SITI, &["a"]));
    let sent = body(&[header(&device, 1), good, vec![0; BUNDLE_MAX + 1]]);
    let (_, _, bytes) = post(address, "/v1/sync", &sent).await;
    let Reply::Done(answer) = read::<Answer>(&office, &bytes) else { panic!() };
    assert_eq!((answer.receipts.len(), answer.unreadable[0].code.as_str()), (1, "too_large"));
}

#[tokio::test]
async fn a_request_about_an_account_has_a_largest_size() {
    let office = Office::open().await;
    let address = listen(&office).await;
    let asked = ChangePassword { nip: SITI.into(), password: "salah".into(), new_password: String::new() };
    // A field that is not known is passed over, so that a request can be of any size.
    let mut small = encode(&asked);
    small[0] += 1;
    for (size, refusal) in [(ACCOUNT_REQUEST_MAX, Refusal::WeakPassword), (ACCOUNT_REQUEST_MAX + 1, Refusal::Malformed)] {
        let padding = ByteVec::from(vec![0; size - small.len() - 3]);
        let sent = [small.clone(), encode(&padding)].concat();
        assert_eq!(sent.len(), size);
        let (_, _, bytes) = post(address, "/v1/password", &sent).await;
        assert_eq!(read::<()>(&office, &bytes), Reply::Refused(refusal));
    }
}

#[tokio::test]
async fn a_header_has_a_largest_size() {
    let office = Office::open().await;
    let address = listen(&office).await;
    let device = TestDevice::enrol(&office, SITI, 2).await;
    let cursor = |stream, position| Cursor { stream, position, hash: [1; 8], below: None };
    // Sizes are met by the number of cursors and the digits of two.
    let of_size = |size: usize, counter| {
        let sized = |count: u32, last: u64, before: u64| {
            let mut cursors: Vec<_> = (0..count).map(|stream| cursor(1000 + stream, 1000)).collect();
            cursors.extend([cursor(1, last), cursor(2, before)]);
            let header = Header {
                version: VERSION,
                device: device.id(),
                counter,
                scope_epoch: 1,
                cursors,
                page_bytes: None,
                amendment: None,
            };
            sign(&header, &device.key)
        };
        let positions = [1, 100, 1000, 100_000, 1 << 40];
        let all = (0..1000).flat_map(|count| positions.map(|last| positions.map(|before| (count, last, before))).concat());
        all.map(|(count, last, before)| sized(count, last, before)).find(|header| header.len() == size).unwrap()
    };
    let (_, _, bytes) = post(address, "/v1/sync", &body(&[of_size(HEADER_MAX, 1)])).await;
    assert!(matches!(read::<Answer>(&office, &bytes), Reply::Done(_)));
    let (_, _, bytes) = post(address, "/v1/sync", &body(&[of_size(HEADER_MAX + 1, 2)])).await;
    assert_eq!(read::<()>(&office, &bytes), Reply::Refused(Refusal::Malformed));
}

#[tokio::test]
async fn a_request_has_a_largest_size() {
    let office = Office::open().await;
    let address = listen(&office).await;
    let device = TestDevice::enrol(&office, SITI, 2).await;
    for (counter, size) in [(1, REQUEST_MAX), (2, REQUEST_MAX + 1)] {
        let mut sent = body(&[header(&device, counter)]);
        while sent.len() < size {
            // None is so long that the rest would be no frame.
            let left = size - sent.len();
            frame::push(&mut sent, &vec![0; if left > BUNDLE_MAX { BUNDLE_MAX / 2 } else { left - 4 }]);
        }
        let (_, _, bytes) = post(address, "/v1/sync", &sent).await;
        let Reply::Done(answer) = read::<Answer>(&office, &bytes) else { panic!() };
        let is_too_large = answer.unreadable.iter().any(|unreadable| unreadable.code == "too_large");
        assert_eq!((sent.len(), is_too_large), (size, size > REQUEST_MAX));
    }
}
