//! What goes over the link: sealed once, in parts where it is large, within the budget.

use std::cell::RefCell;
use std::rc::Rc;

use lentera_engine::Response;
use lentera_protocol::frame::Frames;
use lentera_protocol::limits::{BUNDLE_MAX, BUNDLE_TARGET, REQUEST_BUNDLES_MAX, REQUEST_MAX};
use lentera_protocol::sign::peek;
use lentera_protocol::{Hash, bundle::Bundle};
use serde_json::json;

use crate::world::{Link, Phone};

/// Tries that are kept at most, as the engine has it.
const TRIES_KEPT: usize = 50;

/// The next request's size, and how much it hands over; it is not answered.
fn next_request(phone: &Phone) -> (usize, usize) {
    let posted = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&posted);
    *phone.world.impostor.borrow_mut() = Box::new(move |_, body| {
        *seen.borrow_mut() = body.to_vec();
        Some(Response { status: 503, body: vec![], retry_after: None })
    });
    phone.sync();
    let body = posted.take();
    let mut frames = Frames::default();
    frames.push(&body);
    let count = std::iter::from_fn(|| frames.next(REQUEST_MAX).unwrap()).count();
    assert!(frames.is_empty());
    (body.len(), count - 1)
}

#[test]
fn sealed_bytes_stay_the_same_however_often_they_are_sent() {
    let mut phone = Phone::enrolled();
    phone.add("Rekap");
    phone.world.link.set(Link::AnswersLost);
    phone.sync();
    let sealed = phone.world.office().device().log[0].0.clone();
    phone.world.pass(5_000);
    phone.restart();
    phone.add("Lain");
    phone.sync();
    phone.world.link.set(Link::Up);
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    let mut office = phone.world.office();
    assert_eq!((office.device().log.len(), &office.device().log[0].0), (2, &sealed));
    // The last request only asked.
    assert_eq!(office.carried, [vec![1], vec![1, 2], vec![]]);
    drop(office);
    assert_eq!(phone.number("SELECT count(*) FROM bundle WHERE receipt IS NOT NULL"), 2);
}

#[test]
fn after_a_cut_the_office_is_asked_what_came_through_before_anything_goes_twice() {
    let phone = Phone::enrolled();
    (0..60).for_each(|n| drop(phone.add(&format!("Rekap harga {} di Pasar Paringin", Hash::of(&[n])))));
    phone.world.link.set(Link::AnswersLost);
    phone.sync();
    let first = phone.world.office().carried[0].clone();
    assert!(first.len() > 1, "{first:?}");
    phone.add("Lain");
    // The question's answer is lost, too, and asked for again.
    phone.sync();
    phone.world.link.set(Link::Up);
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    let next = first.len() as i64 + 1;
    assert_eq!(phone.world.office().carried, [first, vec![], vec![], vec![next]]);
    // Where nothing was on its way, there is nothing to ask.
    phone.world.link.set(Link::AnswersLost);
    phone.sync();
    phone.add("Esok");
    phone.world.link.set(Link::Up);
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    assert_eq!(phone.world.office().carried[4..], [vec![], vec![next + 1]]);
}

#[test]
fn a_question_that_found_nothing_is_not_asked_again_at_once() {
    let phone = Phone::enrolled();
    phone.add("Rekap");
    // Nothing larger than a question gets through; then a bundle would, if it is not asked for once more first.
    phone.world.link.set(Link::Narrow(300));
    phone.sync();
    phone.sync();
    let asked = phone.world.office().carried.clone();
    assert!(asked.iter().all(Vec::is_empty) && !asked.is_empty(), "{asked:?}");
    phone.world.link.set(Link::Up);
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    assert_eq!(phone.world.office().carried[asked.len()..], [vec![1]], "handed over at once");
}

#[test]
fn a_link_that_carries_one_bundle_at_a_time_is_enough() {
    let phone = Phone::enrolled();
    (0..200).for_each(|n| drop(phone.add(&format!("Rekap harga {} di Pasar Paringin", Hash::of(&[n])))));
    phone.world.link.set(Link::Narrow(2_500));
    for _ in 0..40 {
        phone.sync();
    }
    assert_eq!(phone.light(), (0, 0));
    assert!(phone.world.office().device().log.len() > 5);
}

#[test]
fn a_large_visit_goes_in_parts_that_the_last_receipt_decides() {
    let phone = Phone::enrolled();
    let umkm = json!({"form": {"name": "Dapur", "owner_name": "Aluh", "village": "63.11.01.2001"}});
    let umkm = phone.call("register_umkm", umkm)["id"].clone();
    // Characters that do not compress, four bytes each.
    let text = |seed: u8, max: usize| -> String {
        let bytes = (0..125_u8).flat_map(|n| Hash::of(&[seed, n]).0);
        bytes.map(|byte| char::from_u32(0x1F300 + u32::from(byte)).unwrap()).take(max).collect()
    };
    let visit = json!({"form": {
        "umkm": umkm, "day": "2026-11-23", "start": "8", "end": "9", "purposes": "pembinaan",
        "problem": text(1, 1_000), "advice": text(2, 1_000), "agreement": text(3, 1_000),
        "companions": text(4, 300), "vehicle": text(5, 300),
    }});
    phone.call("record_visit", visit);
    phone.world.link.set(Link::AnswersLost);
    phone.sync();
    phone.world.link.set(Link::Up);
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    let mut office = phone.world.office();
    let log = office.device().log.clone();
    assert!(log.iter().all(|(sealed, _)| sealed.len() <= BUNDLE_TARGET));
    let mut whole: Vec<u8> = vec![];
    let mut parts = 0;
    for (sealed, _) in &log {
        for change in peek::<Bundle>(sealed).unwrap().read_changes().unwrap() {
            if let Some(part) = change.part {
                assert_eq!(part.offset as usize, whole.len());
                whole.extend(&change.bytes);
                parts += 1;
                if whole.len() == part.length as usize {
                    assert_eq!(Hash::of(&whole), part.whole);
                }
            }
        }
    }
    assert!(parts > 3 && whole.len() > 12_000, "{parts} parts, {} bytes", whole.len());
    assert!(log.len() > parts, "the rest of the work goes in bundles of its own");
}

#[test]
fn a_good_link_carries_more_each_time_and_a_bad_one_less() {
    let phone = Phone::enrolled();
    let page_bytes = || phone.world.office().headers.last().unwrap().page_bytes.unwrap();
    phone.sync();
    assert_eq!(page_bytes(), 16 * 1024);
    phone.sync();
    assert_eq!(page_bytes(), 32 * 1024);
    phone.world.link.set(Link::AnswersLost);
    for _ in 0..10 {
        phone.sync();
    }
    assert_eq!(page_bytes(), 2 * 1024, "never less than the protocol allows");
    phone.world.link.set(Link::Up);
    for _ in 0..10 {
        phone.sync();
    }
    assert_eq!(page_bytes(), 128 * 1024, "nor more");
    phone.world.link.set(Link::Down);
    for _ in 0..10 {
        assert_eq!(phone.sync()["attempts"][0]["sent"], 0);
    }
    phone.world.link.set(Link::Up);
    phone.sync();
    assert_eq!(page_bytes(), 128 * 1024, "a blackout says nothing about the link");
}

#[test]
fn a_request_hands_over_up_to_its_number_of_bundles() {
    let phone = Phone::enrolled();
    // The link has proved good.
    for _ in 0..3 {
        phone.sync();
    }
    phone.world.link.set(Link::Down);
    for _ in 0..=REQUEST_BUNDLES_MAX {
        phone.add("Rapat");
        phone.sync();
    }
    phone.world.link.set(Link::Up);
    phone.world.office().carried.clear();
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    let counts: Vec<_> = phone.world.office().carried.iter().map(Vec::len).take(2).collect();
    assert_eq!(counts, [REQUEST_BUNDLES_MAX, 1]);
}

#[test]
fn a_request_is_filled_to_its_limit_and_what_is_over_waits_for_the_next() {
    let request = |last: usize| {
        let phone = Phone::enrolled();
        phone.seal_with([BUNDLE_MAX; 7].into_iter().chain([last]));
        next_request(&phone)
    };
    let (size, count) = request(1);
    let most = REQUEST_MAX - (size - 1);
    assert_eq!((count, request(most)), (9, (REQUEST_MAX, 9)));
    assert_eq!(request(most + 1), (REQUEST_MAX - most - 4, 8));
}

#[test]
fn colleagues_parcels_take_half_of_a_request_and_no_more() {
    let handed = |last: usize| {
        let phone = Phone::enrolled();
        let database = rusqlite::Connection::open(phone.database()).unwrap();
        for (number, size) in (0_u8..).zip([60_000, 60_000, 60_000, 60_000, last]) {
            let parcel = vec![number; size];
            let sql = "INSERT INTO courier (hash, parcel, taken_at) VALUES (?, ?, 0)";
            database.execute(sql, (Hash::of(&parcel).0, parcel)).unwrap();
        }
        next_request(&phone).1
    };
    let most = REQUEST_MAX / 2 - 240_000;
    assert_eq!((handed(most), handed(most + 1)), (5, 4));
}

#[test]
fn the_last_tries_are_kept_up_to_their_number() {
    let phone = Phone::enrolled();
    for tries in 1..=TRIES_KEPT + 1 {
        let told = phone.sync()["attempts"].as_array().unwrap().len();
        let kept = phone.number("SELECT count(*) FROM attempt");
        assert_eq!((told, kept), (tries.min(TRIES_KEPT), tries.min(TRIES_KEPT) as i64));
    }
}

#[test]
fn request_counters_only_rise_and_cost_no_write_each() {
    let mut phone = Phone::enrolled();
    phone.world.link.set(Link::AnswersLost);
    for _ in 0..3 {
        phone.sync();
        phone.sync();
        phone.restart();
    }
    let counters: Vec<_> = phone.world.office().headers.iter().map(|header| header.counter).collect();
    assert!(counters.is_sorted_by(|a, b| a < b), "{counters:?}");
    assert_eq!(counters[1], counters[0] + 1);
    assert!(counters[2] > counters[1] + 1, "a start takes new ones: {counters:?}");
}

#[test]
fn a_clock_years_off_holds_nothing_up_and_the_stamp_tells() {
    let phone = Phone::enrolled();
    phone.sync();
    phone.world.pass(120_000);
    let told = phone.world.office().time;
    // Set by hand to 1999; the boot clock goes on.
    phone.world.now.set(915_148_800_000);
    let mut entry = crate::world::activity("Rapat", "8", "9");
    entry["form"]["day"] = "1998-12-31".into();
    phone.call("add_log_entry", entry);
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    let stamp = phone.world.office().changes()[0].saved;
    assert_eq!((stamp.wall, stamp.anchor, stamp.since_anchor), (915_148_800_000, Some(told), Some(120_000)));
    // Another boot says nothing about the time since.
    phone.world.boot.set(Some(lentera_protocol::bundle::Boot { id: 2, millis: 10 }));
    phone.world.now.set(4_102_444_800_000);
    phone.add("Rapat");
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    let stamp = phone.world.office().changes()[1].saved;
    assert_eq!((stamp.anchor, stamp.since_anchor), (Some(told), None));
}
