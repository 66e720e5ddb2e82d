use super::*;
use crate::service::testing::{AHMAD, LAILA, Office, SITI, STAMP, TestDevice, log_entry, umkm};
use lentera_document::Actor;
use lentera_protocol::receipt::{Exception, Outcome};

async fn accept(office: &Office, sealed: &[u8]) -> Verdict {
    office.service.accept_bundle(sealed).await.unwrap()
}

async fn receipt(office: &Office, sealed: &[u8]) -> Receipt {
    match accept(office, sealed).await {
        Verdict::Receipt(receipt) => {
            sign::verify::<Receipt>(&receipt, &office.service.key().verifying_key()).unwrap().into_inner()
        }
        Verdict::Unreadable(code) => panic!("{code}"),
    }
}

fn refused(index: u32, code: &str) -> Exception {
    Exception { index, outcome: Outcome::Refused(code.into()) }
}

#[tokio::test]
async fn a_retry_gets_the_same_receipt_and_stores_nothing() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let sealed = device.seal(&log_entry(device.actor(), 1, SITI, &["Rapat", "Rapat staf"]));
    let first = accept(&office, &sealed).await;
    office.clock.pass(60_000);
    assert_eq!(accept(&office, &sealed).await, first);
    assert_eq!((office.count("bundle"), office.count("change"), office.count("log_entry")), (1, 2, 1));
    assert_eq!(office.count("stream_row WHERE change IS NOT NULL"), 2);
    assert_eq!(office.count("log_entry WHERE body LIKE '%Rapat staf%' AND status = 'noted'"), 1);
    let receipt = receipt(&office, &sealed).await;
    assert_eq!((receipt.number, receipt.bundle, receipt.exceptions), (1, Hash::of(&sealed), vec![]));
}

#[tokio::test]
async fn a_gap_waits_and_a_fork_is_kept_as_evidence() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let first = device.seal(&log_entry(device.actor(), 1, SITI, &["a"]));
    let second = device.seal(&log_entry(device.actor(), 2, SITI, &["b"]));
    assert_eq!(accept(&office, &second).await, Verdict::Unreadable("gap"));
    assert_eq!(receipt(&office, &first).await.number, 1);
    assert_eq!(receipt(&office, &second).await.number, 2);
    let mut image = TestDevice { key: device.key.clone(), number: 0, previous: Hash::default() };
    let other_first = image.seal(&log_entry(device.actor(), 3, SITI, &["c"]));
    let other_third = TestDevice { number: 2, ..image }.seal(&log_entry(device.actor(), 3, SITI, &["c"]));
    assert_eq!(accept(&office, &other_first).await, Verdict::Unreadable("fork"));
    assert_eq!(accept(&office, &other_third).await, Verdict::Unreadable("held"));
    assert_eq!(receipt(&office, &second).await.number, 2);
    assert_eq!(office.codes(), ["fork"]);
    assert_eq!(office.count("log_entry"), 2);
}

#[tokio::test]
async fn what_is_no_bundle_of_a_known_device_changes_nothing() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let mut stranger = TestDevice { key: ed25519_dalek::SigningKey::from_bytes(&[9; 32]), number: 0, previous: Hash::default() };
    let changes = log_entry(device.actor(), 1, SITI, &["a"]);
    assert_eq!(accept(&office, &stranger.seal(&changes)).await, Verdict::Unreadable("unknown_device"));
    let mut damaged = device.seal(&changes);
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(accept(&office, &damaged).await, Verdict::Unreadable("bad_signature"));
    assert_eq!(accept(&office, b"halo").await, Verdict::Unreadable("malformed"));
    assert_eq!(accept(&office, &vec![0; BUNDLE_MAX + 1]).await, Verdict::Unreadable("too_large"));
    assert!(office.storage.revoke_device(device.id(), office.service.now()).await.unwrap());
    let mut again = TestDevice { number: 0, previous: Hash::default(), ..device };
    assert_eq!(accept(&office, &again.seal(&changes)).await, Verdict::Unreadable("held"));
    assert_eq!((office.count("bundle"), office.count("change"), office.count("quarantine")), (0, 0, 0));
}

#[tokio::test]
async fn a_refused_change_strands_only_what_builds_on_it() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let other = Actor::derive(&[5; 32], 0);
    let mut changes = log_entry(other, 1, SITI, &["x", "y"]);
    changes.extend(log_entry(device.actor(), 2, SITI, &["z"]));
    // Honest bytes that build on the refused change, under the right actor: the second of two, without the first.
    changes.push(log_entry(device.actor(), 3, SITI, &["p", "q"]).remove(1));
    let receipt = receipt(&office, &device.seal(&changes)).await;
    assert_eq!(receipt.exceptions.len(), 3);
    assert_eq!(receipt.exceptions[..2], [refused(0, "wrong_actor"), refused(1, "wrong_actor")]);
    assert!(matches!(receipt.exceptions[2], Exception { index: 3, outcome: Outcome::Need(_) }));
    assert_eq!(office.codes(), ["wrong_actor", "wrong_actor"]);
    assert_eq!((office.count("log_entry"), office.count("change"), office.count("waiting_change")), (1, 1, 1));
}

#[tokio::test]
async fn nobody_writes_anothers_log_but_everybody_the_registry() {
    let office = Office::open().await;
    let mut siti = TestDevice::enrol(&office, SITI, 2).await;
    let mut ahmad = TestDevice::enrol(&office, AHMAD, 3).await;
    let mut laila = TestDevice::enrol(&office, LAILA, 4).await;
    let mut own = log_entry(siti.actor(), 1, SITI, &["a"]);
    own.extend(umkm(siti.actor(), 7, &["Dapur"]));
    assert_eq!(receipt(&office, &siti.seal(&own)).await.exceptions, []);
    let mut foreign = log_entry(ahmad.actor(), 1, AHMAD, &["mine now"]);
    foreign.extend(log_entry(ahmad.actor(), 2, SITI, &["on her behalf"]));
    let exceptions = receipt(&office, &ahmad.seal(&foreign)).await.exceptions;
    assert_eq!(exceptions, [refused(0, "wrong_owner"), refused(1, "wrong_owner")]);
    assert_eq!(receipt(&office, &laila.seal(&umkm(laila.actor(), 7, &["Dapur Melati"]))).await.exceptions, []);
    assert_eq!((office.count("umkm"), office.count("log_entry WHERE owner = '197203151998032000'")), (1, 1));
    // The edit from another unit goes where the enterprise is at home.
    assert_eq!(office.count("umkm WHERE unit = 'Bidang Perindustrian'"), 1);
    assert_eq!(office.count("stream_row JOIN stream ON stream = stream.id WHERE name = 'unit:Bidang Perindustrian'"), 2);
}

#[tokio::test]
async fn a_kind_not_known_is_kept_and_passed_on_to_its_owner_only() {
    let office = Office::open().await;
    let mut siti = TestDevice::enrol(&office, SITI, 2).await;
    let mut ahmad = TestDevice::enrol(&office, AHMAD, 3).await;
    let unknown = Change { kind: 900, id: [4; 16], bytes: b"from the future".to_vec(), saved: STAMP, part: None };
    let sealed = siti.seal(&[unknown.clone(), unknown.clone()]);
    assert_eq!(receipt(&office, &sealed).await.exceptions, [Exception { index: 0, outcome: Outcome::Unknown }]);
    assert_eq!(receipt(&office, &ahmad.seal(&[unknown])).await.exceptions, [refused(0, "wrong_owner")]);
    assert_eq!(office.count("change"), 1);
    assert_eq!(office.count("stream_row JOIN stream ON stream = stream.id WHERE name = 'person:197203151998032000'"), 1);
}

#[tokio::test]
async fn two_devices_of_one_person_write_one_document_at_once() {
    let office = Office::open().await;
    let mut devices = Vec::new();
    for seed in 10..16 {
        devices.push(TestDevice::enrol(&office, SITI, seed).await);
    }
    let sent = devices.iter_mut().map(|device| {
        let sealed = device.seal(&log_entry(device.actor(), 1, SITI, &["a", "b", "c"]));
        let service = std::sync::Arc::clone(&office.service);
        tokio::spawn(async move { service.accept_bundle(&sealed).await.unwrap() })
    });
    for sent in sent.collect::<Vec<_>>() {
        assert!(matches!(sent.await.unwrap(), Verdict::Receipt(_)));
    }
    assert_eq!((office.count("change"), office.count("document"), office.count("log_entry")), (18, 1, 1));
}
