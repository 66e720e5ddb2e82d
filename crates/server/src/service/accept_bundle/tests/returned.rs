//! A server that was restored from a backup.

use super::*;
use crate::service::testing::umkm_in_turn;
use crate::service::{Request, Taken};
use lentera_protocol::DeviceId;
use lentera_protocol::handed::{Handed, Other};

async fn hand_back(office: &Office, sealed: &[u8], receipt: &[u8]) -> Taken {
    hand_back_of(office, sealed, receipt, None, DeviceId([0; 16])).await
}

/// Of an earlier key of the person whose device asks.
async fn hand_back_of(office: &Office, sealed: &[u8], receipt: &[u8], key: Option<[u8; 32]>, asking: DeviceId) -> Taken {
    let returned = Other::Returned { sealed: sealed.to_vec(), receipt: receipt.to_vec(), key: key.map(Into::into) };
    office.service.take(Handed::Other(returned).into_frame(), &mut Request::of(asking)).await.unwrap()
}

fn bytes(verdict: Verdict) -> Vec<u8> {
    match verdict {
        Verdict::Receipt(receipt) => receipt,
        Verdict::Unreadable(code) => panic!("{code}"),
    }
}

#[tokio::test]
async fn what_was_receipted_before_comes_back_with_that_very_receipt() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let mut sealed = Vec::new();
    let mut receipts = Vec::new();
    let mut backup = None;
    for id in 1..6 {
        let foreign = log_entry(device.actor(), 100 + id, AHMAD, &["not hers"]);
        let bundle = device.seal(&[log_entry(device.actor(), id, SITI, &["a"]), foreign].concat());
        receipts.push(bytes(office.accept(&bundle).await));
        sealed.push(bundle);
        office.clock.pass(60_000);
        if id == 2 {
            backup = Some(office.back_up());
        }
    }
    let seen = office.answer(&device, None).await.last.unwrap();
    assert_eq!((seen.number, seen.hash), (5, Hash::of(&sealed[4])));
    let office = office.restored_from(&backup.unwrap());
    let last = office.answer(&device, None).await.last.unwrap();
    assert_eq!((last.number, last.hash), (2, Hash::of(&sealed[1])));
    // New work does not fit yet, which is no fork.
    let new = device.seal(&log_entry(device.actor(), 6, SITI, &["a"]));
    assert_eq!(office.accept(&new).await, Verdict::Unreadable("gap"));
    assert_eq!(hand_back(&office, &sealed[4], &receipts[4]).await, Taken::unreadable("gap"));
    for (sealed, receipt) in sealed.iter().zip(&receipts) {
        assert_eq!(hand_back(&office, sealed, receipt).await.receipts, std::slice::from_ref(receipt));
        assert_eq!(office.accept(sealed).await, Verdict::Receipt(receipt.clone()));
    }
    assert_eq!(office.receipt(&new).await.exceptions, []);
    assert_eq!((office.count("log_entry"), office.count("bundle"), office.count("amendment")), (6, 6, 0));
    // Arrived is when it first arrived.
    let time = office.verify(&receipts[4]).time;
    assert_eq!(office.count(&format!("bundle WHERE number = 5 AND received_at = {time}")), 1);
    assert_eq!(office.codes(), ["wrong_owner"; 5]);
}

#[tokio::test]
async fn what_one_device_brings_back_waits_for_what_another_does() {
    let office = Office::open().await;
    let mut siti = TestDevice::enrol(&office, SITI, 2).await;
    let mut ahmad = TestDevice::enrol(&office, AHMAD, 3).await;
    let backup = office.back_up();
    let [first, second] = <[Change; 2]>::try_from(umkm_in_turn(&[siti.actor(), ahmad.actor()], 7)).unwrap();
    let (hers, his) = (siti.seal(&[first]), ahmad.seal(&[second]));
    let (her_receipt, his_receipt) = (bytes(office.accept(&hers).await), bytes(office.accept(&his).await));
    let office = office.restored_from(&backup);
    // His receipt said accepted. That is not so until hers is here again, and he is told.
    assert_eq!(hand_back(&office, &his, &his_receipt).await.receipts, std::slice::from_ref(&his_receipt));
    let waits = office.amendments(&ahmad, None).await.remove(0);
    assert_eq!(office.count("waiting_change"), 1);
    assert!(matches!(waits.exceptions.as_slice(), [Exception { index: 0, outcome: Outcome::Need(_) }]));
    assert_eq!(hand_back(&office, &hers, &her_receipt).await.receipts, [her_receipt]);
    assert_eq!((office.count("waiting_change"), office.count("umkm WHERE name = 'Dapur 1'")), (0, 1));
    assert_eq!(office.amendments(&ahmad, waits.amendment).await.remove(0).exceptions, []);
    assert_eq!(office.accept(&his).await, Verdict::Receipt(his_receipt));
}

#[tokio::test]
async fn a_waiting_change_that_comes_back_to_what_it_waited_for_is_amended_at_once() {
    let office = Office::open().await;
    let mut siti = TestDevice::enrol(&office, SITI, 2).await;
    let mut ahmad = TestDevice::enrol(&office, AHMAD, 3).await;
    let [first, second] = <[Change; 2]>::try_from(umkm_in_turn(&[siti.actor(), ahmad.actor()], 7)).unwrap();
    let backup = office.back_up();
    let (hers, his) = (siti.seal(&[first]), ahmad.seal(&[second]));
    let need = bytes(office.accept(&his).await);
    office.accept(&hers).await;
    let amended = office.amendments(&ahmad, None).await.remove(0);
    office.clock.pass(1000);
    let office = office.restored_from(&backup);
    office.accept(&hers).await;
    // He had not heard of the amendment. The new one has a number that was not given before.
    let taken = hand_back(&office, &his, &need).await;
    assert_eq!(taken.receipts, [need]);
    let again = office.amendments(&ahmad, amended.amendment).await.remove(0);
    assert_eq!((again.exceptions.len(), again.bundle, again.amendment > amended.amendment), (0, Hash::of(&his), true));
    // With the amended one he brings back all at once.
    let office = office.restored_from(&backup);
    let amended = sign::sign(&amended, office.service.key());
    assert_eq!(hand_back(&office, &his, &amended).await.receipts, std::slice::from_ref(&amended));
    office.accept(&hers).await;
    assert_eq!((office.accept(&his).await, office.count("umkm WHERE name = 'Dapur 1'")), (Verdict::Receipt(amended), 1));
}

#[tokio::test]
async fn nothing_comes_back_on_a_receipt_that_is_not_ours_or_not_of_it() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let backup = office.back_up();
    let sealed = [1, 2].map(|id| device.seal(&log_entry(device.actor(), id, SITI, &["a"])));
    let mut receipts = Vec::new();
    for sealed in &sealed {
        receipts.push(bytes(office.accept(sealed).await));
    }
    let office = office.restored_from(&backup);
    let forged = sign::sign(&office.verify(&receipts[0]), &device.key);
    for receipt in [&receipts[1], &forged, &vec![1, 2, 3], &vec![]] {
        assert_eq!(hand_back(&office, &sealed[0], receipt).await, Taken::unreadable("bad_receipt"));
    }
    let mut damaged = sealed[0].clone();
    damaged[30] ^= 1;
    assert_eq!(hand_back(&office, &damaged, &receipts[0]).await, Taken::unreadable("bad_receipt"));
    assert_eq!(office.count("bundle"), 0);
    // Of a device withdrawn since, what we had taken is still what it was; anything else is held.
    office.clock.pass(1000);
    assert!(office.service.revoke_device(device.id()).await.unwrap());
    assert_eq!(hand_back(&office, &sealed[0], &receipts[0]).await.receipts, [receipts[0].clone()]);
    assert_eq!(office.accept(&sealed[1]).await, Verdict::Unreadable("held"));
    assert_eq!(hand_back(&office, &sealed[1], &receipts[1]).await.receipts, [receipts[1].clone()]);
    assert_eq!((office.count("bundle"), office.count("held")), (2, 0));
}

#[tokio::test]
async fn an_earlier_key_that_was_enrolled_after_the_backup_is_known_again_and_frozen() {
    let office = Office::open().await;
    let mut asking = TestDevice::enrol(&office, SITI, 2).await;
    let backup = office.back_up();
    let mut earlier = TestDevice::enrol(&office, SITI, 3).await;
    let sealed = [1, 2].map(|id| earlier.seal(&log_entry(earlier.actor(), id, SITI, &["a"])));
    let receipts = [bytes(office.accept(&sealed[0]).await), bytes(office.accept(&sealed[1]).await)];
    let key = earlier.key.verifying_key().to_bytes();
    let office = office.restored_from(&backup);
    // Not without the key, nor with another, nor for a stranger, nor without a receipt of ours.
    let forged = sign::sign(&office.verify(&receipts[0]), &earlier.key);
    for (receipt, key, whose, code) in [
        (&receipts[0], None, asking.id(), "unknown_device"),
        (&receipts[0], Some([7; 32]), asking.id(), "unknown_device"),
        (&receipts[0], Some(key), earlier.id(), "unknown_device"),
        (&forged, Some(key), asking.id(), "bad_receipt"),
    ] {
        assert_eq!(hand_back_of(&office, &sealed[0], receipt, key, whose).await, Taken::unreadable(code));
    }
    assert_eq!(office.count("device"), 1);
    for (sealed, receipt) in sealed.iter().zip(&receipts) {
        let taken = hand_back_of(&office, sealed, receipt, Some(key), asking.id()).await;
        assert_eq!(taken.receipts, std::slice::from_ref(receipt));
    }
    assert_eq!((office.count("log_entry"), office.count("device WHERE frozen_at IS NOT NULL")), (2, 1));
    // What its twin sends now is not simply taken.
    let twins = earlier.seal(&log_entry(earlier.actor(), 3, SITI, &["a"]));
    assert_eq!(office.accept(&twins).await, Verdict::Unreadable("held"));
    assert_eq!(office.receipt(&asking.seal(&log_entry(asking.actor(), 4, SITI, &["a"]))).await.exceptions, []);
}

#[tokio::test]
async fn whoever_brings_back_what_an_earlier_key_sealed_is_told_the_last_word() {
    let office = Office::open().await;
    let mut siti = TestDevice::enrol(&office, SITI, 2).await;
    let mut earlier = TestDevice::enrol(&office, AHMAD, 3).await;
    let asking = TestDevice::enrol(&office, AHMAD, 4).await.id();
    let backup = office.back_up();
    let [first, second] = <[Change; 2]>::try_from(umkm_in_turn(&[siti.actor(), earlier.actor()], 7)).unwrap();
    let (hers, his) = (siti.seal(&[first]), earlier.seal(&[second]));
    let (her_receipt, his_receipt) = (bytes(office.accept(&hers).await), bytes(office.accept(&his).await));
    let office = office.restored_from(&backup);
    let key = Some(earlier.key.verifying_key().to_bytes());
    let told = async |receipt: &[u8]| hand_back_of(&office, &his, receipt, key, asking).await.receipts.remove(0);
    let waits = told(&his_receipt).await;
    assert!(matches!(office.verify(&waits).exceptions.as_slice(), [Exception { outcome: Outcome::Need(_), .. }]));
    assert_eq!(told(&his_receipt).await, waits);
    hand_back(&office, &hers, &her_receipt).await;
    let stands = office.verify(&told(&waits).await);
    assert!(stands.exceptions.is_empty() && stands.amendment > office.verify(&waits).amendment);
}

#[tokio::test]
async fn another_content_of_a_number_is_a_fork_however_it_comes() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let backup = office.back_up();
    let sealed = [1, 2].map(|id| device.seal(&log_entry(device.actor(), id, SITI, &["a"])));
    let receipts = [bytes(office.accept(&sealed[0]).await), bytes(office.accept(&sealed[1]).await)];
    let mut office = office;
    for (before, returned) in [(0, 0), (1, 1)] {
        office = office.restored_from(&backup);
        // After the restore the key's twin sealed the same numbers.
        let mut twin = TestDevice { key: device.key.clone(), number: 0, previous: Hash::default() };
        for id in 0..=before {
            office.receipt(&twin.seal(&log_entry(twin.actor(), 10 + id, SITI, &["b"]))).await;
        }
        assert_eq!(hand_back(&office, &sealed[returned], &receipts[returned]).await, Taken::unreadable("fork"));
        assert_eq!(office.count("device WHERE frozen_at IS NOT NULL"), 1);
    }
    // What merely comes late, from a colleague's file, fills its hole.
    office = office.restored_from(&backup);
    let key = device.key.verifying_key().to_bytes();
    let taken = hand_back_of(&office, &sealed[1], &receipts[1], Some(key), device.id()).await;
    assert_eq!(taken.receipts, [receipts[1].clone()]);
    assert!(matches!(office.accept(&sealed[0]).await, Verdict::Receipt(_)));
    assert_eq!((office.count("bundle"), office.count("device WHERE frozen_at IS NOT NULL")), (2, 0));
    // Not what a twin sealed: the one behind the hole names the one before it.
    office = office.restored_from(&backup);
    assert_eq!(hand_back_of(&office, &sealed[1], &receipts[1], Some(key), device.id()).await, taken);
    let mut twin = TestDevice { key: device.key.clone(), number: 0, previous: Hash::default() };
    let twins = twin.seal(&log_entry(twin.actor(), 10, SITI, &["b"]));
    assert_eq!(office.accept(&twins).await, Verdict::Unreadable("fork"));
    assert_eq!((office.count("bundle"), office.count("device WHERE frozen_at IS NOT NULL")), (1, 1));
}
