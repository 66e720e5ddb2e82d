//! Changes that build on what is not here.

use super::*;
use crate::service::testing::{NOW, change, umkm_in_turn};
use lentera_document::Document;
use lentera_domain::LogEntryId;
use uuid::Uuid;

fn need(office: &Receipt) -> bool {
    matches!(office.exceptions.as_slice(), [Exception { outcome: Outcome::Need(_), .. }])
}

#[tokio::test]
async fn what_waits_is_judged_when_the_other_comes_and_the_receipt_amended() {
    let office = Office::open().await;
    let mut siti = TestDevice::enrol(&office, SITI, 2).await;
    let mut ahmad = TestDevice::enrol(&office, AHMAD, 3).await;
    let [first, second, third] = <[Change; 3]>::try_from(umkm_in_turn(&[siti.actor(), siti.actor(), ahmad.actor()], 7)).unwrap();
    let late = ahmad.seal(&[third]);
    let before = office.receipt(&late).await;
    assert!(need(&before) && before.amendment.is_none(), "{before:?}");
    assert_eq!((office.count("umkm"), office.count("waiting_change")), (0, 1));
    office.clock.pass(60_000);
    assert_eq!(office.receipt(&siti.seal(&[first, second])).await.exceptions, []);
    assert_eq!((office.count("umkm WHERE name = 'Dapur 2'"), office.count("waiting_change")), (1, 0));
    // The bundle has another receipt now, that comes by itself; it came when it came. A retry gets the first one.
    assert_eq!(office.receipt(&late).await, before);
    let after = office.amendments(&ahmad, None).await.remove(0);
    assert_eq!((after.number, after.bundle, after.time, after.exceptions.len()), (1, before.bundle, before.time, 0));
    // Told until the device says that it has it.
    let number = after.amendment;
    for _ in 0..2 {
        assert_eq!(office.amendments(&ahmad, None).await, std::slice::from_ref(&after));
        assert_eq!(office.amendments(&ahmad, number.map(|number| number - 1)).await, std::slice::from_ref(&after));
    }
    assert_eq!(office.amendments(&ahmad, number).await, []);
    assert_eq!(office.amendments(&siti, None).await, []);
    // The other device is given what waited, behind what it builds on.
    assert_eq!(office.changes_for(&TestDevice::enrol(&office, LAILA, 4).await).await.len(), 0);
    assert_eq!(office.changes_for(&TestDevice::enrol(&office, SITI, 5).await).await.len(), 3);
}

#[tokio::test]
async fn many_amendments_are_told_in_order_and_neither_retry_nor_question_jumps_ahead() {
    let office = Office::open().await;
    let mut siti = TestDevice::enrol(&office, SITI, 2).await;
    let mut ahmad = TestDevice::enrol(&office, AHMAD, 3).await;
    let (mut firsts, mut late, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for id in 1..41 {
        let [first, second] = <[Change; 2]>::try_from(umkm_in_turn(&[siti.actor(), ahmad.actor()], id)).unwrap();
        firsts.push(first);
        late.push(ahmad.seal(&[second]));
        told.push(office.accept(&late[late.len() - 1]).await);
    }
    for first in firsts {
        assert_eq!(office.receipt(&siti.seal(&[first])).await.exceptions, []);
    }
    assert_eq!(office.count("amendment"), 40);
    for (late, told) in late.iter().zip(&told) {
        assert_eq!(office.accept(late).await, *told);
    }
    let asked = office.take(&ahmad, Handed::Other(Other::Ask(0))).await.receipts;
    assert_eq!(asked.into_iter().map(Verdict::Receipt).collect::<Vec<_>>(), told);
    let (mut mark, mut bundles) = (None, Vec::new());
    for count in [32, 8, 0] {
        let amendments = office.amendments(&ahmad, mark).await;
        assert_eq!(amendments.len(), count);
        for amendment in amendments {
            assert!(amendment.amendment > mark && amendment.exceptions.is_empty());
            mark = amendment.amendment;
            bundles.push(amendment.number);
        }
    }
    assert_eq!(bundles, (1..41).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_long_chain_that_comes_backwards_is_taken_at_once() {
    let office = Office::open().await;
    let mut devices = Vec::new();
    for seed in 10..40 {
        devices.push(TestDevice::enrol(&office, [SITI, AHMAD][usize::from(seed % 2)], seed).await);
    }
    let chain = umkm_in_turn(&devices.iter().map(TestDevice::actor).collect::<Vec<_>>(), 7);
    for (device, change) in devices.iter_mut().zip(&chain).skip(1).rev() {
        assert!(need(&office.receipt(&device.seal(std::slice::from_ref(change))).await));
    }
    assert_eq!((office.count("waiting_change"), office.count("change")), (29, 0));
    assert_eq!(office.receipt(&devices[0].seal(&chain[..1])).await.exceptions, []);
    assert_eq!((office.count("waiting_change"), office.count("change"), office.count("amendment")), (0, 30, 29));
    assert_eq!(office.count("umkm WHERE name = 'Dapur 29'"), 1);
    for device in &devices[1..] {
        assert_eq!(office.amendments(device, None).await.len(), 1);
    }
}

#[tokio::test]
async fn within_one_bundle_the_order_does_not_matter() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let mut changes = log_entry(device.actor(), 1, SITI, &["a", "b", "c"]);
    changes.reverse();
    let receipt = office.receipt(&device.seal(&changes)).await;
    assert_eq!((receipt.exceptions, office.count("amendment"), office.count("waiting_change")), (vec![], 0, 0));
}

#[tokio::test]
async fn what_builds_on_a_refused_change_is_told_so_whenever_it_comes() {
    let office = Office::open().await;
    let mut one = TestDevice::enrol(&office, SITI, 2).await;
    let mut two = TestDevice::enrol(&office, SITI, 3).await;
    // Somebody else's log: the first is refused, and with it what is built on it.
    let actor = one.actor();
    let entry = |id| log_entry(actor, id, AHMAD, &["a", "b", "c"]);
    let [first, second, third] = <[Change; 3]>::try_from(entry(1)).unwrap();
    assert_eq!(office.receipt(&one.seal(&[first])).await.exceptions, [refused(0, "wrong_owner")]);
    let receipt = office.receipt(&one.seal(&[second, third])).await;
    assert_eq!(receipt.exceptions, [refused(0, "dep_not_accepted"), refused(1, "dep_not_accepted")]);
    // Or it waits, and then it comes to nothing.
    let [first, second, _] = <[Change; 3]>::try_from(entry(4)).unwrap();
    let mut third = TestDevice::enrol(&office, SITI, 4).await;
    let id = LogEntryId(Uuid::from_u128(4)).record();
    let mut document = Document::load(id, [first.bytes.as_slice(), second.bytes.as_slice()]).unwrap();
    let on_it = change(id, document.rewrite(third.actor(), NOW, &document.heads(), &first.bytes).unwrap().unwrap().bytes);
    let waiting = third.seal(&[on_it]);
    assert!(need(&office.receipt(&waiting).await));
    assert!(need(&office.receipt(&one.seal(&[second])).await));
    // `two` cannot make it refused for them: it is not its own.
    assert_eq!(office.receipt(&two.seal(std::slice::from_ref(&first))).await.exceptions, [refused(0, "wrong_actor")]);
    assert_eq!(office.count("waiting_change"), 2);
    assert_eq!(office.receipt(&one.seal(&[first])).await.exceptions, [refused(0, "wrong_owner")]);
    assert_eq!(office.count("waiting_change"), 0);
    assert_eq!(office.amendments(&third, None).await[0].exceptions, [refused(0, "dep_not_accepted")]);
    assert_eq!(office.amendments(&one, None).await[0].exceptions, [refused(0, "dep_not_accepted")]);
}

#[tokio::test]
async fn one_document_does_not_hold_any_number_of_waiting_changes() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let first = log_entry(device.actor(), 1, SITI, &["a"]).remove(0);
    // The second change of the document, in ever different words: all lack the first.
    let orphan = |n: usize| log_entry(device.actor(), 1, SITI, &["a", &format!("b{n}")]).remove(1);
    let orphans: Vec<_> = (0..crate::storage::WAITING_MAX + 1).map(orphan).collect();
    assert!(orphans.iter().map(|orphan| orphan.bytes.len()).sum::<usize>() < crate::storage::WAITING_BYTES_MAX);
    let mut told = Vec::new();
    for some in orphans.chunks(20) {
        told.extend(office.receipt(&device.seal(some)).await.exceptions);
    }
    let (wait, not): (Vec<_>, Vec<_>) = told.into_iter().partition(|exception| matches!(exception.outcome, Outcome::Need(_)));
    assert_eq!((wait.len(), not.len()), (crate::storage::WAITING_MAX, 1));
    assert_eq!(not[0].outcome, Outcome::Refused("dep_not_accepted".into()));
    // Handed over once more, the first of them is told to wait, and kept once.
    assert!(need(&office.receipt(&device.seal(&orphans[..1])).await));
    assert_eq!(office.count("waiting_change"), crate::storage::WAITING_MAX as i64);
    assert_eq!(office.receipt(&device.seal(&[first])).await.exceptions, []);
    // One of them is the writer's second change.
    assert_eq!((office.count("change"), office.count("waiting_change")), (2, 0));
}
