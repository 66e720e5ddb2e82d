//! What becomes of a bundle.

mod barred;
mod parts;
mod returned;
mod unjudged;
mod waiting;

use super::*;
use crate::service::testing::{AHMAD, LAILA, Office, SITI, STAMP, TestDevice, log_entry, umkm};
use lentera_document::Actor;
use lentera_protocol::handed::{Handed, Other};
use lentera_protocol::receipt::{Exception, Outcome};

pub fn refused(index: u32, code: &str) -> Exception {
    Exception { index, outcome: Outcome::Refused(code.into()) }
}

#[tokio::test]
async fn a_retry_gets_the_same_receipt_and_stores_nothing() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let sealed = device.seal(&log_entry(device.actor(), 1, SITI, &["Rapat", "Rapat staf"]));
    let first = office.accept(&sealed).await;
    office.clock.pass(60_000);
    assert_eq!(office.accept(&sealed).await, first);
    assert_eq!((office.count("bundle"), office.count("change"), office.count("log_entry")), (1, 2, 1));
    assert_eq!(office.count("stream_row WHERE change IS NOT NULL"), 2);
    assert_eq!(office.count("log_entry WHERE body LIKE '%Rapat staf%' AND status = 'noted'"), 1);
    let receipt = office.receipt(&sealed).await;
    assert_eq!((receipt.number, receipt.bundle, receipt.exceptions), (1, Hash::of(&sealed), vec![]));
}

#[tokio::test]
async fn a_device_that_was_cut_is_told_what_came_through() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let other = TestDevice::enrol(&office, SITI, 3).await;
    let mut receipts = Vec::new();
    for id in 1..4 {
        match office.accept(&device.seal(&log_entry(device.actor(), id, SITI, &["a"]))).await {
            Verdict::Receipt(receipt) => receipts.push(receipt),
            Verdict::Unreadable(code) => panic!("{code}"),
        }
    }
    let ask = async |device: &TestDevice, after| office.take(device, Handed::Other(Other::Ask(after))).await.receipts;
    assert_eq!(ask(&device, 1).await, receipts[1..]);
    assert_eq!(ask(&device, 3).await, Vec::<Vec<u8>>::new());
    assert_eq!(ask(&other, 0).await, Vec::<Vec<u8>>::new(), "another's are another's");
    assert_eq!(office.count("bundle"), 3);
}

#[tokio::test]
async fn a_gap_waits_and_a_fork_is_kept_as_evidence() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let first = device.seal(&log_entry(device.actor(), 1, SITI, &["a"]));
    let second = device.seal(&log_entry(device.actor(), 2, SITI, &["b"]));
    assert_eq!(office.accept(&second).await, Verdict::Unreadable("gap"));
    assert_eq!(office.receipt(&first).await.number, 1);
    assert_eq!(office.receipt(&second).await.number, 2);
    let mut image = TestDevice { key: device.key.clone(), number: 0, previous: Hash::default() };
    let other_first = image.seal(&log_entry(device.actor(), 3, SITI, &["c"]));
    let other_third = TestDevice { number: 2, ..image }.seal(&log_entry(device.actor(), 3, SITI, &["c"]));
    assert_eq!(office.accept(&other_first).await, Verdict::Unreadable("fork"));
    assert_eq!(office.accept(&other_third).await, Verdict::Unreadable("held"));
    assert_eq!(office.receipt(&second).await.number, 2);
    assert_eq!(office.codes(), ["fork"]);
    assert_eq!(office.count("log_entry"), 2);
}

#[tokio::test]
async fn what_is_no_bundle_of_a_known_device_changes_nothing() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let mut stranger = TestDevice { key: ed25519_dalek::SigningKey::from_bytes(&[9; 32]), number: 0, previous: Hash::default() };
    let changes = log_entry(device.actor(), 1, SITI, &["a"]);
    assert_eq!(office.accept(&stranger.seal(&changes)).await, Verdict::Unreadable("unknown_device"));
    let mut damaged = device.seal(&changes);
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(office.accept(&damaged).await, Verdict::Unreadable("bad_signature"));
    assert_eq!(office.accept(b"halo").await, Verdict::Unreadable("malformed"));
    assert_eq!(office.accept(&vec![0; BUNDLE_MAX + 1]).await, Verdict::Unreadable("too_large"));
    assert!(office.storage.revoke_device(device.id(), office.service.now()).await.unwrap());
    let mut again = TestDevice { number: 0, previous: Hash::default(), ..device };
    assert_eq!(office.accept(&again.seal(&changes)).await, Verdict::Unreadable("held"));
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
    let receipt = office.receipt(&device.seal(&changes)).await;
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
    assert_eq!(office.receipt(&siti.seal(&own)).await.exceptions, []);
    let mut foreign = log_entry(ahmad.actor(), 1, AHMAD, &["mine now"]);
    foreign.extend(log_entry(ahmad.actor(), 2, SITI, &["on her behalf"]));
    let exceptions = office.receipt(&ahmad.seal(&foreign)).await.exceptions;
    assert_eq!(exceptions, [refused(0, "wrong_owner"), refused(1, "wrong_owner")]);
    assert_eq!(office.receipt(&laila.seal(&umkm(laila.actor(), 7, &["Dapur Melati"]))).await.exceptions, []);
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
    assert_eq!(office.receipt(&sealed).await.exceptions, [Exception { index: 0, outcome: Outcome::Unknown }]);
    assert_eq!(office.receipt(&ahmad.seal(&[unknown])).await.exceptions, [refused(0, "wrong_owner")]);
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

#[tokio::test]
async fn an_authentic_bundle_that_cannot_be_unpacked_is_refused_whole_and_the_next_one_follows() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let nonsense = device.seal_frame(vec![1, 2, 3], 1);
    let receipt = office.receipt(&nonsense).await;
    assert_eq!((receipt.number, receipt.exceptions), (1, vec![refused(WHOLE_BUNDLE, "malformed")]));
    let next = device.seal(&log_entry(device.actor(), 1, SITI, &["a"]));
    assert_eq!(office.receipt(&next).await.exceptions, []);
    assert_eq!((office.count("bundle"), office.count("log_entry")), (2, 1));
    assert_eq!(office.codes(), ["malformed"]);
}

#[tokio::test]
async fn a_bundle_is_judged_as_of_the_scope_epoch_it_names() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let moved = "nip,nama,jabatan,unit,atasan_nip\n197203151998032000,Siti Contoh,Penyuluh,Bidang Perdagangan,\n";
    let framed = |changes: &[Change]| match lentera_protocol::bundle::pack(changes).unwrap() {
        lentera_protocol::bundle::Packed::Whole(frame, _) => frame,
        lentera_protocol::bundle::Packed::Parts(_) => panic!("parts"),
    };
    let actor = device.actor();
    let sealed = [1, 2, 9].map(|epoch| device.seal_frame(framed(&umkm(actor, u128::from(epoch), &["Dapur"])), epoch));
    office.service.import_staff(moved.as_bytes()).await.unwrap();
    for sealed in &sealed {
        assert_eq!(office.receipt(sealed).await.exceptions, []);
    }
    assert_eq!(office.count("umkm WHERE unit = 'Bidang Perindustrian'"), 1);
    assert_eq!(office.count("umkm WHERE unit = 'Bidang Perdagangan'"), 2);
    // What was made in the old unit belongs there; its author's other devices are given it all the same.
    let colleague = TestDevice::enrol(&office, AHMAD, 3).await;
    let second = TestDevice::enrol(&office, SITI, 4).await;
    let new_colleague = TestDevice::enrol(&office, LAILA, 5).await;
    let given = [&colleague, &second, &new_colleague].map(|device| office.changes_for(device));
    let given: Vec<_> = futures::future::join_all(given).await.iter().map(Vec::len).collect();
    assert_eq!(given, [1, 3, 2]);
}

#[tokio::test]
async fn a_full_disk_costs_nothing_that_was_acknowledged_and_the_same_bundle_is_taken_later() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let pages: i64 =
        office.storage.with_writer(|db| Ok(db.pragma_query_value(None, "page_count", |row| row.get(0))?)).await.unwrap();
    let limit = async |pages: i64| {
        let set = move |db: &rusqlite::Connection| Ok(db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?);
        office.storage.with_writer(set).await.unwrap();
    };
    limit(pages + 3).await;
    let mut acknowledged = Vec::new();
    let (mut sealed, mut failure) = (Vec::new(), None);
    for id in 1..200 {
        sealed = device.seal(&log_entry(device.actor(), id, SITI, &["a", "b"]));
        match office.service.accept_bundle(&sealed).await {
            Ok(verdict) => acknowledged.push((sealed.clone(), verdict)),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    assert_eq!(failure.unwrap().into_refusal(), Refusal::Busy(crate::service::FULL_SECONDS));
    assert_eq!(office.count("bundle"), acknowledged.len() as i64);
    // What waited in the same transaction is told so, too, and what can be read is still answered.
    let mut others = Vec::new();
    for seed in 20..24 {
        others.push(TestDevice::enrol(&office, AHMAD, seed).await);
    }
    assert!(office.service.accept_bundle(&sealed).await.is_err());
    for (sealed, verdict) in &acknowledged {
        assert_eq!(office.accept(sealed).await, *verdict);
    }
    limit(1_000_000).await;
    assert_eq!(office.receipt(&sealed).await.number, acknowledged.len() as u64 + 1);
    assert_eq!(
        (office.count("bundle"), office.count("change")),
        (acknowledged.len() as i64 + 1, acknowledged.len() as i64 * 2 + 2)
    );
}

#[tokio::test]
async fn while_an_operator_writes_the_device_is_asked_to_come_later() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let sealed = device.seal(&log_entry(device.actor(), 1, SITI, &["a"]));
    office.storage.with_writer(|db| Ok(db.busy_timeout(std::time::Duration::from_millis(20))?)).await.unwrap();
    let operator = rusqlite::Connection::open(office.folder.path().join("db.sqlite")).unwrap();
    operator.execute_batch("BEGIN IMMEDIATE").unwrap();
    let failure = office.service.accept_bundle(&sealed).await.unwrap_err();
    assert_eq!(failure.into_refusal(), Refusal::Busy(BUSY_SECONDS));
    operator.execute_batch("COMMIT").unwrap();
    assert_eq!(office.receipt(&sealed).await.exceptions, []);
}

#[tokio::test]
async fn bytes_that_ended_the_process_twice_are_refused_unseen() {
    use lentera_document::guard::{FileWatch, Watch, watch_hash};
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let changes = [log_entry(device.actor(), 1, SITI, &["a"]), log_entry(device.actor(), 2, SITI, &["b"])].concat();
    let sealed = device.seal(&changes);
    let file = office.folder.path().join("watch");
    let start = async || {
        let service = Service::new(office.storage.clone(), office.service.key().clone(), office.clock.clone());
        service.watching(&file).await.unwrap()
    };
    for died in [1, 2] {
        drop(start().await);
        // As a process leaves it that dies within the guard.
        let (watch, found) = FileWatch::open(&file).unwrap();
        assert_eq!(found, Vec::<[u8; 32]>::new(), "{died}");
        watch.begin(watch_hash(&changes[0].bytes));
    }
    let verdict = start().await.accept_bundle(&sealed).await.unwrap();
    assert_eq!(office.read(verdict).exceptions, [refused(0, "poisoned")]);
    assert_eq!((office.codes(), office.count("log_entry")), (vec!["poisoned".to_owned()], 1));
}
