//! A server that was restored from a backup.

use super::*;
use crate::service::testing::umkm_in_turn;
use crate::service::{Request, Taken};
use lentera_protocol::DeviceId;
use lentera_protocol::handed::{Handed, Other};

async fn hand_back(office: &Office, sealed: &[u8], receipt: &[u8]) -> Taken {
    let returned = Other::Returned { sealed: sealed.to_vec(), receipt: receipt.to_vec() };
    office.service.take(Handed::Other(returned).into_frame(), &mut Request::of(DeviceId([0; 16]))).await.unwrap()
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
    // His receipt said accepted, and will be right again.
    assert_eq!(hand_back(&office, &his, &his_receipt).await.receipts, std::slice::from_ref(&his_receipt));
    assert_eq!((office.count("waiting_change"), office.amendments(&ahmad, None).await.len()), (1, 0));
    assert_eq!(hand_back(&office, &hers, &her_receipt).await.receipts, [her_receipt]);
    assert_eq!((office.count("waiting_change"), office.count("umkm WHERE name = 'Dapur 1'")), (0, 1));
    assert_eq!((office.amendments(&ahmad, None).await.len(), office.accept(&his).await), (0, Verdict::Receipt(his_receipt)));
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
    // Of a device withdrawn since, what had come before is still what it was; what had not, is held.
    office.clock.pass(1000);
    assert!(office.service.revoke_device(device.id()).await.unwrap());
    assert_eq!(hand_back(&office, &sealed[0], &receipts[0]).await.receipts, [receipts[0].clone()]);
    office.clock.pass(1000);
    let later = Receipt { time: office.service.now().millis(), ..office.verify(&receipts[1]) };
    let later = sign::sign(&later, office.service.key());
    assert_eq!(hand_back(&office, &sealed[1], &later).await, Taken::unreadable("held"));
    assert_eq!(office.count("bundle"), 1);
}
