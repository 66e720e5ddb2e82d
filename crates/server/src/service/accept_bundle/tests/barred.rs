//! Frozen and withdrawn devices.

use super::*;
use lentera_protocol::sync::Header;

#[tokio::test]
async fn a_fork_freezes_the_key_and_not_the_person() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let first = device.seal(&log_entry(device.actor(), 1, SITI, &["a"]));
    let kept = office.accept(&first).await;
    // Right number, wrong history.
    let mut image = TestDevice { key: device.key.clone(), number: 1, previous: Hash([3; 32]) };
    let fork = image.seal(&log_entry(device.actor(), 2, SITI, &["b"]));
    assert_eq!(office.accept(&fork).await, Verdict::Unreadable("fork"));
    let header = Header {
        version: 2,
        device: device.id(),
        counter: 5,
        scope_epoch: 1,
        cursors: vec![],
        page_bytes: None,
        amendment: None,
    };
    let asked = office.service.identify(&sign::sign(&header, &device.key)).await.map_err(Failure::into_refusal);
    assert_eq!(asked.unwrap_err(), Refusal::KeyFrozen);
    // What had its receipt keeps it. Under a new key the work goes on.
    assert_eq!(office.accept(&first).await, kept);
    let mut anew = TestDevice::enrol(&office, SITI, 3).await;
    let again = anew.seal(&log_entry(anew.actor(), 2, SITI, &["b"]));
    assert_eq!(office.receipt(&again).await.exceptions, []);
    assert_eq!((office.codes(), office.count("log_entry")), (vec!["fork".to_owned()], 2));
}

#[tokio::test]
async fn what_a_withdrawn_device_sent_counts_when_its_owner_confirms_it() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let sealed: Vec<_> = (1..5).map(|id| device.seal(&log_entry(device.actor(), id, SITI, &["a"]))).collect();
    assert_eq!(office.receipt(&sealed[0]).await.number, 1);
    assert!(office.service.revoke_device(device.id()).await.unwrap());
    for late in [&sealed[3], &sealed[1], &sealed[1]] {
        assert_eq!(office.accept(late).await, Verdict::Unreadable("held"));
    }
    assert_eq!((office.count("log_entry"), office.count("held")), (1, 2));
    // In order, as far as they follow on each other.
    let confirmed = office.service.confirm_held(device.id()).await.unwrap();
    assert_eq!((confirmed.receipts.len(), confirmed.unreadable), (1, Some("gap")));
    assert_eq!(office.verify(&confirmed.receipts[0]).number, 2);
    assert_eq!((office.count("log_entry"), office.count("held")), (2, 1));
    // Whoever carried it gets the receipt like any other.
    assert_eq!(office.accept(&sealed[1]).await, Verdict::Receipt(confirmed.receipts[0].clone()));
    assert_eq!(office.accept(&sealed[2]).await, Verdict::Unreadable("held"));
    let confirmed = office.service.confirm_held(device.id()).await.unwrap();
    assert_eq!((confirmed.receipts.len(), confirmed.unreadable), (2, None));
    assert_eq!((office.count("log_entry"), office.count("held")), (4, 0));
}

#[tokio::test]
async fn of_a_frozen_device_only_what_follows_can_be_confirmed() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let mut image = TestDevice { key: device.key.clone(), number: 0, previous: Hash::default() };
    let first = device.seal(&log_entry(device.actor(), 1, SITI, &["a"]));
    let second = device.seal(&log_entry(device.actor(), 2, SITI, &["b"]));
    let forked = image.seal(&log_entry(device.actor(), 3, SITI, &["c"]));
    let after = image.seal(&log_entry(device.actor(), 4, SITI, &["d"]));
    office.receipt(&first).await;
    assert_eq!(office.accept(&forked).await, Verdict::Unreadable("fork"));
    assert_eq!(office.accept(&second).await, Verdict::Unreadable("held"));
    assert_eq!(office.accept(&after).await, Verdict::Unreadable("held"));
    let confirmed = office.service.confirm_held(device.id()).await.unwrap();
    assert_eq!((confirmed.receipts.len(), confirmed.unreadable), (1, Some("fork")));
    assert_eq!((office.count("log_entry"), office.count("held"), office.codes().len()), (2, 1, 1));
}

#[tokio::test]
async fn a_number_that_no_device_reaches_is_malformed_and_nothing_is_held() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let mut parcels = Vec::new();
    for number in [1 << 63, u64::MAX, i64::MAX.unsigned_abs()] {
        device.number = number - 1;
        parcels.push(device.seal(&log_entry(device.actor(), 1, SITI, &["a"])));
    }
    for sealed in &parcels[..2] {
        assert_eq!(office.accept(sealed).await, Verdict::Unreadable("malformed"));
    }
    let none = Bundle { number: 0, ..sign::peek(&parcels[2]).unwrap() }.seal(&device.key);
    assert_eq!(office.accept(&none).await, Verdict::Unreadable("malformed"));
    assert_eq!(office.accept(&parcels[2]).await, Verdict::Unreadable("gap"));
    assert!(office.service.revoke_device(device.id()).await.unwrap());
    for sealed in &parcels[..2] {
        assert_eq!(office.accept(sealed).await, Verdict::Unreadable("malformed"));
        let receipt = Receipt {
            device: device.id(),
            number: sign::peek::<Bundle>(sealed).unwrap().number,
            bundle: Hash::of(sealed),
            exceptions: vec![],
            time: 0,
            amendment: None,
        };
        let receipt = sign::sign(&receipt, office.service.key());
        let returned = Handed::Other(Other::Returned { sealed: sealed.clone(), receipt, key: None });
        assert_eq!(office.take(&device, returned).await.unreadable, Some("malformed"));
    }
    assert_eq!(office.count("held"), 0);
    assert_eq!(office.accept(&parcels[2]).await, Verdict::Unreadable("held"));
}
