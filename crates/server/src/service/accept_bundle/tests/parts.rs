//! Changes larger than a bundle.

use super::*;
use lentera_protocol::bundle::{Packed, Part, pack};
use lentera_protocol::compress;
use lentera_protocol::encode;
use lentera_protocol::limits::CHANGE_MAX;

/// Text that does not compress.
fn long(length: usize) -> String {
    (0..).flat_map(|n: u32| Hash::of(&n.to_le_bytes()).to_string().into_bytes()).map(char::from).take(length).collect()
}

/// A change that needs several bundles, and the frames of its parts.
fn large(device: &TestDevice, id: u128) -> (Change, Vec<Vec<u8>>) {
    let change = log_entry(device.actor(), id, SITI, &[&long(1000)]).remove(0);
    (change.clone(), in_parts(&change, 300))
}

fn in_parts(change: &Change, size: usize) -> Vec<Vec<u8>> {
    let (whole, length) = (Hash::of(&change.bytes), change.bytes.len() as u32);
    let piece = |(n, bytes): (usize, &[u8])| Change {
        bytes: bytes.to_vec(),
        part: Some(Part { whole, offset: (n * size) as u32, length }),
        ..change.clone()
    };
    change.bytes.chunks(size).enumerate().map(piece).map(|piece| frame(&[piece])).collect()
}

fn frame(changes: &[Change]) -> Vec<u8> {
    compress::deflate(&encode(&changes.to_vec())).unwrap()
}

async fn told(office: &Office, device: &mut TestDevice, frame: &[u8]) -> Vec<Exception> {
    office.receipt(&device.seal_frame(frame.to_vec(), 1)).await.exceptions
}

#[tokio::test]
async fn parts_make_the_change_again_and_the_last_receipt_tells() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let (change, parts) = large(&device, 1);
    assert!(parts.len() >= 3);
    for (left, part) in parts.iter().enumerate().rev().map(|(left, _)| left).zip(&parts) {
        assert_eq!(office.count("change"), 0, "{left}");
        assert_eq!(told(&office, &mut device, part).await, []);
    }
    assert_eq!((office.count("change"), office.count("log_entry"), office.count("part")), (1, 1, 0));
    assert_eq!(office.changes_for(&TestDevice::enrol(&office, SITI, 3).await).await, [change.bytes]);
    // As the other side packs them.
    let large = umkm(device.actor(), 5, &["Dapur"]).remove(0);
    let large = Change { bytes: [large.bytes.clone(), long(30_000).into_bytes()].concat(), ..large };
    let Packed::Parts(frames) = pack(&[large]).unwrap() else { panic!("whole") };
    let mut last = Vec::new();
    for frame in &frames {
        assert_eq!(last, []);
        last = told(&office, &mut device, frame).await;
    }
    assert!(matches!(last.as_slice(), [Exception { index: 0, outcome: Outcome::Refused(_) }]), "{last:?}");
}

#[tokio::test]
async fn parts_that_do_not_fit_together_make_nothing() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let mut other = TestDevice::enrol(&office, SITI, 3).await;
    let bad = vec![refused(0, "bad_part")];
    let (_, parts) = large(&device, 1);
    let (_, others) = large(&device, 2);
    // Without its first; with one left out; with one of another change; with something in between.
    assert_eq!(told(&office, &mut device, &parts[1]).await, bad);
    assert_eq!(told(&office, &mut device, &parts[0]).await, []);
    assert_eq!(told(&office, &mut device, &parts[2]).await, bad);
    assert_eq!(told(&office, &mut device, &parts[0]).await, []);
    assert_eq!(told(&office, &mut device, &others[1]).await, bad);
    assert_eq!(told(&office, &mut device, &parts[0]).await, []);
    let between = frame(&log_entry(device.actor(), 9, SITI, &["a"]));
    assert_eq!(told(&office, &mut device, &between).await, []);
    assert_eq!(told(&office, &mut device, &parts[1]).await, bad);
    // Another device's parts are its own.
    assert_eq!(told(&office, &mut device, &parts[0]).await, []);
    assert_eq!(told(&office, &mut other, &parts[1]).await, bad);
    assert_eq!(told(&office, &mut device, &parts[1]).await, []);
    assert_eq!((office.count("change"), office.count("part")), (1, 2));
    for part in &parts[2..] {
        assert_eq!(told(&office, &mut device, part).await, []);
    }
    assert_eq!((office.count("change"), office.count("part")), (2, 0));
}

#[tokio::test]
async fn parts_that_lie_are_refused() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let base = log_entry(device.actor(), 1, SITI, &["a"]).remove(0);
    let piece = |offset, length: usize, bytes: &[u8], whole| {
        let part = Some(Part { whole, offset, length: length as u32 });
        frame(&[Change { bytes: bytes.to_vec(), part, ..base.clone() }])
    };
    let whole = Hash::of(&base.bytes);
    let bad = vec![refused(0, "bad_part")];
    for lie in [
        piece(0, base.bytes.len(), &base.bytes, Hash([1; 32])),
        piece(0, CHANGE_MAX + 1, &[1; 10], whole),
        piece(0, 5, &[1; 10], whole),
        piece(0, 5, &[], whole),
        piece(u32::MAX, 5, &[1], whole),
        piece(0, u32::MAX as usize, &[1], whole),
    ] {
        assert_eq!(told(&office, &mut device, &lie).await, bad);
    }
    // Beside others a part has no place; the others have.
    let part = Change { part: Some(Part { whole, offset: 0, length: 900 }), ..base.clone() };
    let beside = frame(&[part, base.clone()]);
    assert_eq!(told(&office, &mut device, &beside).await, bad);
    // One part that is all of it is the change.
    let entire = log_entry(device.actor(), 2, SITI, &["b"]).remove(0);
    assert_eq!(told(&office, &mut device, &in_parts(&entire, CHANGE_MAX)[0]).await, []);
    assert_eq!(office.count("log_entry"), 2);
}
