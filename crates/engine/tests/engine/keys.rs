//! A key that the server does not take any more: nothing is lost, the person logs in again.

use lentera_api::Error;
use lentera_protocol::limits::BUNDLE_TARGET;
use lentera_protocol::stream::{Cursor, Page, Row};
use lentera_protocol::sync::{Refusal, Reply, Unreadable};
use lentera_protocol::{bundle::Bundle, sign};
use serde_json::json;

use crate::office::Office;
use crate::world::{Link, NIP, Phone, invite};

fn refuse(phone: &Phone, refusal: Refusal) {
    let body = sign::sign(&Reply::<lentera_protocol::sync::Answer>::Refused(refusal), &Office::key());
    *phone.world.impostor.borrow_mut() = Box::new(move |url, _| {
        let sync = url.ends_with("/sync");
        sync.then(|| lentera_engine::Response { status: 200, body: body.clone(), retry_after: None })
    });
}

fn honest(phone: &Phone) {
    *phone.world.impostor.borrow_mut() = Box::new(|_, _| None);
}

#[test]
fn a_frozen_key_seals_no_more_and_a_new_one_carries_what_had_no_receipt() {
    let phone = Phone::enrolled();
    let id = phone.add("Sudah sampai")["id"].clone();
    phone.sync();
    phone.edit(&id, "obstacle", "listrik padam");
    phone.world.link.set(Link::Down);
    phone.sync();
    phone.world.link.set(Link::Up);
    refuse(&phone, Refusal::KeyFrozen);
    assert_eq!(phone.sync()["cause"], "log_in_again");
    phone.add("Belum disegel");
    phone.sync();
    assert_eq!(phone.number("SELECT count(*) FROM bundle"), 2);
    assert_eq!(phone.try_call("log_in_again", json!({"password": "salah"})), Err(Error::WrongLogin { tries_left: 4 }));
    let saved = phone.text("SELECT group_concat(hex(saved)) FROM change WHERE outcome IS NULL");
    honest(&phone);
    phone.call("log_in_again", json!({"password": "x"}));
    assert_eq!(phone.light(), (2, 0));
    assert_eq!(phone.text("SELECT group_concat(hex(saved)) FROM change WHERE outcome IS NULL"), saved);
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    let entry = phone.call("log_entry", json!({"id": id}))["entry"].clone();
    assert_eq!(entry["obstacle"], "listrik padam");
    assert_eq!(phone.entries().len(), 2);
    // What had arrived stays where it arrived; the rest is in the new key's log, from number 1.
    let office = phone.world.office();
    let mut logs: Vec<usize> = office.devices.values().map(|device| device.log.len()).collect();
    logs.sort_unstable();
    assert_eq!((office.devices.len(), logs), (2, vec![1, 1]));
    assert_eq!(office.changes().len(), 3);
}

#[test]
fn a_fork_seen_by_the_server_freezes_the_key_and_not_the_person() {
    let phone = Phone::enrolled();
    phone.world.office().tamper = Box::new(|answer| {
        answer.receipts.clear();
        answer.unreadable = vec![Unreadable { index: 0, code: "fork".into() }];
    });
    phone.add("Rapat");
    let cursor = lentera_protocol::stream::Cursor { stream: 1, position: 7, hash: [1; 8], below: None };
    phone.world.office().pages = vec![lentera_protocol::stream::Page { rows: vec![], cursor }];
    assert_eq!(phone.sync()["cause"], "log_in_again");
    assert_eq!(phone.number("SELECT count(*) FROM stream"), 0, "rows of its own were left out: the next key asks for them");
    phone.world.office().tamper = Box::new(|_| {});
    phone.add("Lagi");
    assert_eq!(phone.entries().len(), 2);
    phone.call("log_in_again", json!({"password": "x"}));
    assert_eq!((phone.sync()["light"]["waiting"].clone(), phone.entries().len()), (json!(0), 2));
}

#[test]
fn a_frozen_key_that_the_server_forgets_is_not_enrolled_again() {
    let phone = Phone::enrolled();
    refuse(&phone, Refusal::KeyFrozen);
    phone.sync();
    refuse(&phone, Refusal::UnknownDevice);
    phone.sync();
    honest(&phone);
    phone.call("log_in_again", json!({"password": "x"}));
    assert_eq!(phone.world.office().devices.len(), 2);
}

#[test]
fn a_good_key_needs_no_login_and_a_signed_refusal_of_an_earlier_request_none_either() {
    let phone = Phone::enrolled();
    assert_eq!(phone.try_call("log_in_again", json!({"password": "x"})), Err(Error::AlreadyEnrolled));
    phone.sync();
    phone.sync();
    // Somebody plays an old answer again: the counter in it is behind us.
    refuse(&phone, Refusal::Replayed(1));
    phone.add("Rapat");
    assert_eq!(phone.sync()["cause"], "bad_answer");
    honest(&phone);
    assert_eq!(phone.sync()["light"]["waiting"], 0);
}

#[test]
fn a_bundle_that_the_disk_changed_is_never_sent() {
    let phone = Phone::enrolled();
    phone.add("Rapat");
    phone.world.link.set(Link::Down);
    phone.sync();
    let database = rusqlite::Connection::open(phone.database()).unwrap();
    let sealed: Vec<u8> = database.query_row("SELECT sealed FROM bundle", [], |row| row.get(0)).unwrap();
    let mut changed = sealed;
    changed[100] ^= 1;
    database.execute("UPDATE bundle SET sealed = ?", [changed]).unwrap();
    phone.world.link.set(Link::Up);
    assert_eq!(phone.sync()["cause"], "log_in_again");
    phone.call("log_in_again", json!({"password": "x"}));
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    let office = phone.world.office();
    let logs: Vec<_> = office.devices.values().flat_map(|device| &device.log).collect();
    assert_eq!(logs.len(), 1);
    assert!(logs[0].0.len() <= BUNDLE_TARGET && sign::peek::<Bundle>(&logs[0].0).unwrap().number == 1);
}

/// A phone whose bundle arrived without its receipt, whose colleague built on what was in it, and whose key was then frozen.
fn built_on_without_a_receipt() -> Phone {
    use lentera_document::{Actor, Document, fields_of};
    use lentera_domain::{Timestamp, Umkm, UmkmId};
    let phone = Phone::enrolled();
    let form = json!({"form": {"name": "Dapur", "owner_name": "Aluh", "village": "63.11.01.2001"}});
    let registered = phone.call("register_umkm", form);
    phone.world.link.set(Link::AnswersLost);
    phone.sync();
    phone.world.link.set(Link::Up);
    // The colleague got it from the server and filled in the year.
    let id = UmkmId(serde_json::from_value(registered["id"].clone()).unwrap());
    let umkm: Umkm = serde_json::from_value(registered["umkm"].clone()).unwrap();
    let change = phone.world.office().changes().into_iter().find(|change| change.kind == 2).unwrap();
    let mut document = Document::load(id.record(), [change.bytes.as_slice()]).unwrap();
    let after = Umkm { founded: Some(1999), ..umkm.clone() };
    let (before, after) = (fields_of(&umkm).unwrap(), fields_of(&after).unwrap());
    let edit = document.write(Actor::derive(&[5; 32], 0), Timestamp::from_millis(0), &before, &after).unwrap().unwrap();
    let row = Row::Change { kind: 2, id: *id.0.as_bytes(), bytes: edit.bytes, origin: None };
    phone.world.office().pages =
        vec![Page { rows: vec![row], cursor: Cursor { stream: 1, position: 2, hash: [1; 8], below: None } }];
    phone.world.office().tamper = Box::new(|answer| answer.receipts.clear());
    phone.sync();
    refuse(&phone, Refusal::KeyFrozen);
    phone.sync();
    honest(&phone);
    phone.world.office().tamper = Box::new(|_| {});
    phone
}

#[test]
fn work_that_a_colleague_built_on_has_arrived_though_its_receipt_was_lost() {
    let phone = built_on_without_a_receipt();
    let first = *phone.world.office().devices.keys().next().unwrap();
    phone.call("log_in_again", json!({"password": "x"}));
    phone.sync();
    let list = phone.call("list_umkm", json!({"limit": 9}));
    assert_eq!((list["total"].as_i64(), list["rows"][0]["umkm"]["founded"].as_i64()), (Some(1), Some(1999)));
    assert_eq!(phone.light(), (0, 0));
    // It asks for that receipt: without it a restored server could not be given the bundle again.
    assert_eq!(phone.number("SELECT count(*) FROM bundle WHERE receipt IS NULL"), 0);
    phone.world.office().devices.retain(|id, _| *id == first);
    phone.world.office().device().log.clear();
    phone.sync();
    phone.call("log_in_again", json!({"password": "x"}));
    phone.sync();
    assert_eq!((phone.light(), phone.world.office().devices[&first].log.len()), ((0, 0), 1));
    phone.sync();
    assert_eq!(phone.world.office().carried.last().unwrap(), &Vec::<i64>::new(), "and then it is over");
}

#[test]
fn what_has_no_receipt_and_the_server_holds_back_waits() {
    let phone = built_on_without_a_receipt();
    let first = *phone.world.office().devices.keys().next().unwrap();
    phone.call("log_in_again", json!({"password": "x"}));
    // Restored to before it came, and its key is frozen there.
    let log = std::mem::take(&mut phone.world.office().devices.get_mut(&first).unwrap().log);
    phone.world.office().devices.get_mut(&first).unwrap().frozen = true;
    phone.sync();
    assert_eq!(phone.light(), (1, 0));
    phone.sync();
    assert_eq!(phone.world.office().carried.last().unwrap(), &Vec::<i64>::new(), "it is not asked for all the time");
    // The operator confirms it, and it comes to all who may see it.
    let changes: Vec<_> =
        log.iter().flat_map(|(sealed, _)| sign::peek::<Bundle>(sealed).unwrap().read_changes().unwrap()).collect();
    let rows =
        changes.into_iter().map(|change| Row::Change { kind: change.kind, id: change.id, bytes: change.bytes, origin: None });
    let cursor = Cursor { stream: 1, position: 9, hash: [2; 8], below: None };
    phone.world.office().pages = vec![Page { rows: rows.collect(), cursor }];
    phone.sync();
    assert_eq!(phone.light(), (0, 0));
}

#[test]
fn new_keys_again_and_again_lose_nothing() {
    let phone = Phone::enrolled();
    let id = phone.add("Rapat")["id"].clone();
    phone.edit(&id, "obstacle", "listrik padam");
    for _ in 0..6 {
        phone.world.link.set(Link::Down);
        phone.sync();
        phone.world.link.set(Link::Up);
        refuse(&phone, Refusal::KeyFrozen);
        phone.sync();
        honest(&phone);
        phone.call("log_in_again", json!({"password": "x"}));
    }
    assert_eq!(phone.light(), (1, 0));
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    assert_eq!(phone.call("log_entry", json!({"id": id}))["entry"]["obstacle"], "listrik padam");
    assert_eq!((phone.light(), phone.world.office().changes().len()), ((0, 0), 2));
}

#[test]
fn two_people_share_a_device_and_one_comes_back_to_a_key_that_the_office_froze_meanwhile() {
    for knows in [false, true] {
        let phone = Phone::enrolled();
        phone.add("Rapat");
        phone.sync();
        let first = *phone.world.office().devices.keys().next().unwrap();
        phone.add("Belum terkirim");
        phone.world.office().device().frozen = true;
        if knows {
            phone.sync();
        }
        let enrol = |nip: &str| phone.call("enrol", json!({"invite": invite(), "nip": nip, "password": "x"}));
        enrol("198506152010011000");
        assert_eq!(phone.entries(), Vec::<String>::new());
        enrol(NIP);
        assert_eq!((phone.entries().len(), phone.light()), (2, (1, 0)));
        assert_eq!(phone.sync()["light"]["waiting"], 0);
        let office = phone.world.office();
        assert_eq!((office.devices.len(), office.changes().len()), (3, 2));
        assert_eq!(office.devices[&first].log.len(), 1, "nothing more came under that key");
    }
}
