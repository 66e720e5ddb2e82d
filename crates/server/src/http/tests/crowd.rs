//! Slow senders, greedy ones and too many at once. While they try, another is served.

use super::*;
use crate::http::gate::Limits;
use crate::pace::Pace;
use crate::storage::Storage;

/// Of a test: what is long in life.
const SHORT: Duration = Duration::from_millis(300);
/// What a test waits for at most; it is never waited out.
const LONG: Duration = Duration::from_secs(20);

async fn timeout<T>(of: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, of).await.unwrap()
}

/// Status and head of the answer to a request of which only the head is sent.
async fn post_head(address: SocketAddr, path: &str) -> (u16, String) {
    let mut socket = begin(address, path, &[0; 1000], 0).await;
    socket.shutdown().await.unwrap();
    let mut answer = String::new();
    timeout(socket.read_to_string(&mut answer)).await.unwrap();
    (answer[9..12].parse().unwrap(), answer.to_lowercase())
}

async fn is_well(office: &Office, address: SocketAddr) {
    let (status, _, bytes) = timeout(post(address, "/v1/hello", &encode(&Hello { nonce: [7; 16] }))).await;
    assert_eq!(status, 200);
    verify::<HelloAnswer>(&bytes, &office.service.key().verifying_key()).unwrap();
}

async fn synced(office: &Office, address: SocketAddr, device: &TestDevice, counter: u64) -> Option<Reply<Answer>> {
    let (_, _, bytes) = timeout(post(address, "/v1/sync", &body(&[header(device, counter)]))).await;
    (!bytes.is_empty()).then(|| read::<Answer>(office, &bytes))
}

#[tokio::test]
async fn with_every_seat_taken_the_next_is_told_before_its_body_is_read() {
    let office = Office::open().await;
    let gate = Gate::new(Limits { seats: 1, ..Limits::default() });
    let address = listen_behind(gate.clone(), &office);
    let device = TestDevice::enrol(&office, SITI, 2).await;
    let whole = body(&[header(&device, 1)]);
    let mut sitting = begin(address, "/v1/sync", &whole, 1).await;
    // Its head has been read when a second one finds no seat.
    let (status, head) = timeout(async {
        loop {
            let (status, head) = post_head(address, "/v1/sync").await;
            if status == 503 {
                return (status, head);
            }
        }
    })
    .await;
    // Constant bytes but for the seconds, nothing signed.
    let (_, seconds) = head.split_once("retry-after: ").unwrap();
    let (seconds, rest) = seconds.split_once("\r\n").unwrap();
    assert!((2..=60).contains(&seconds.parse::<u32>().unwrap()), "{head}");
    assert!(status == 503 && rest.ends_with("content-length: 0\r\n\r\n") && head.len() < 120, "{head}");
    // Work that waits for its network does not keep people from logging in, nor the server from telling how it is.
    is_well(&office, address).await;
    sitting.write_all(&whole[1..]).await.unwrap();
    let mut answer = Vec::new();
    timeout(sitting.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    timeout(gate.emptied()).await;
    assert!(matches!(synced(&office, address, &device, 2).await, Some(Reply::Done(_))));
}

#[tokio::test]
async fn log_ins_have_their_own_seats() {
    let office = Office::open().await;
    let address = listen_behind(Gate::new(Limits { account_seats: 1, ..Limits::default() }), &office);
    let device = TestDevice::enrol(&office, SITI, 2).await;
    let _sitting = begin(address, "/v1/enrol", &[0; 100], 1).await;
    timeout(async { while post_head(address, "/v1/enrol").await.0 != 503 {} }).await;
    assert!(matches!(synced(&office, address, &device, 1).await, Some(Reply::Done(_))));
}

#[tokio::test]
async fn a_body_that_drips_is_cut_off_and_what_came_whole_is_kept() {
    let office = Office::open().await;
    // Each drop comes in time, but all of them are too few.
    let pace = Pace { silence: SHORT, rate: 1024 * 1024 };
    let address = listen_behind(Gate::new(Limits { pace, ..Limits::default() }), &office);
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let bundle = device.seal(&log_entry(device.actor(), 1, SITI, &["a"]));
    let whole = body(&[header(&device, 1), bundle.clone(), vec![0; 60_000]]);
    let sent = whole.len() - 60_000;
    let mut silent = begin(address, "/v1/sync", &whole, sent).await;
    let mut dripping = begin(address, "/v1/password", &[0; 8000], 10).await;
    let dripped = timeout(async {
        let mut dripped = 0;
        while dripping.write_all(&[0]).await.is_ok() {
            dripped += 1;
            tokio::time::sleep(SHORT / 10).await;
        }
        dripped
    })
    .await;
    assert!(dripped < 1000);
    let mut answer = Vec::new();
    // Closed or reset: gone is gone.
    let _ = timeout(silent.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    is_well(&office, address).await;
    assert_eq!(office.count("log_entry"), 1);
}

#[tokio::test]
async fn who_does_not_say_who_asks_loses_the_seat_and_who_is_only_slow_after_that_does_not() {
    let office = Office::open().await;
    let gate = Gate::new(Limits { header: SHORT, ..Limits::default() });
    let address = listen_behind(gate.clone(), &office);
    let device = TestDevice::enrol(&office, SITI, 2).await;
    let named = body(&[header(&device, 1)]);
    let whole = [named.as_slice(), &[0, 0, 0, 1, 7]].concat();
    let mut slow = begin(address, "/v1/sync", &whole, named.len()).await;
    let mut nameless = begin(address, "/v1/sync", &[0; 1000], 1).await;
    let mut answer = Vec::new();
    timeout(nameless.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400"));
    slow.write_all(&whole[named.len()..]).await.unwrap();
    let mut answer = Vec::new();
    timeout(slow.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    timeout(gate.emptied()).await;
}

#[tokio::test]
async fn many_who_wait_for_a_slow_network_do_not_keep_others_from_work() {
    let office = Office::open().await;
    let address = listen_behind(Gate::new(Limits { patience: SHORT, ..Limits::default() }), &office);
    let device = TestDevice::enrol(&office, SITI, 2).await;
    let mut slow = Vec::new();
    // More than are worked on at once.
    for _ in 0..200 {
        slow.push(begin(address, "/v1/sync", &[0; 1000], 10).await);
        tokio::time::sleep(SHORT / 100).await;
    }
    let mut counter = 0;
    timeout(async {
        loop {
            counter += 1;
            if synced(&office, address, &device, counter).await.is_some() {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_storage_with_too_much_work_turns_requests_away() {
    let office = Office::open().await;
    let address = listen_behind(Gate::new(Limits { load: 2, ..Limits::default() }), &office);
    let device = TestDevice::enrol(&office, SITI, 2).await;
    let file = rusqlite::Connection::open(office.folder.path().join("db.sqlite")).unwrap();
    // Somebody else writes: the server's own writer waits.
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    let nip = || lentera_domain::Nip::parse(SITI).unwrap();
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let storage = office.storage.clone();
            tokio::spawn(async move { storage.clear_tries(nip()).await.unwrap() })
        })
        .collect();
    timeout(async {
        while office.storage.load() < 2 {
            tokio::task::yield_now().await
        }
    })
    .await;
    assert_eq!(post_head(address, "/v1/sync").await.0, 503);
    assert_eq!(post_head(address, "/v1/enrol").await.0, 503);
    file.execute_batch("COMMIT").unwrap();
    for waiting in waiting {
        timeout(waiting).await.unwrap();
    }
    assert_eq!(office.storage.load(), 0);
    assert!(matches!(synced(&office, address, &device, 1).await, Some(Reply::Done(_))));
}

#[tokio::test]
async fn a_device_gone_mad_is_slowed_and_its_neighbour_is_not() {
    let office = Office::open().await;
    let address = listen(&office).await;
    let mad = TestDevice::enrol(&office, SITI, 2).await;
    let neighbour = TestDevice::enrol(&office, SITI, 3).await;
    let mut counter = 0;
    let busy = loop {
        counter += 1;
        match synced(&office, address, &mad, counter).await {
            Some(Reply::Done(_)) => assert!(counter < 1000),
            refused => break refused,
        }
    };
    assert_eq!((busy, counter), (Some(Reply::Refused(Refusal::Busy(1))), 241));
    assert!(matches!(synced(&office, address, &neighbour, 1).await, Some(Reply::Done(_))));
    office.clock.pass(1000);
    assert!(matches!(synced(&office, address, &mad, counter + 1).await, Some(Reply::Done(_))));
}
