//! A server restored from an older backup, and a device whose disk was set back.

use lentera_protocol::Hash;
use lentera_protocol::receipt::{Exception, Outcome, Receipt};
use lentera_protocol::sign::{peek, sign};
use serde_json::json;

use crate::office::Office;
use crate::world::{Link, Phone};

fn work(phone: &Phone, count: usize) {
    for n in 0..count {
        phone.add(&format!("kegiatan {n}"));
        phone.sync();
    }
}

#[test]
fn a_server_restored_from_a_backup_is_given_again_what_it_had() {
    let mut phone = Phone::enrolled();
    work(&phone, 2);
    let backup = phone.world.office().devices.clone();
    work(&phone, 40);
    let whole = phone.world.office().device().log.clone();
    phone.world.office().devices = backup;
    // Its counters went back, too, and new work waits.
    phone.world.link.set(Link::Down);
    phone.restart();
    phone.add("baru");
    phone.world.link.set(Link::Up);
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    let log = phone.world.office().device().log.clone();
    assert_eq!((log.len(), &log[..42]), (43, &whole[..]), "the very bundles with the very receipts, and the new one behind");
    // And then it is over.
    phone.sync();
    assert_eq!(phone.world.office().carried.last().unwrap(), &Vec::<i64>::new());
}

#[test]
fn a_server_that_lost_everything_of_this_device_asks_for_the_login_and_gets_all() {
    let phone = Phone::enrolled();
    work(&phone, 3);
    let whole = phone.world.office().device().log.clone();
    phone.world.office().devices.clear();
    phone.add("baru");
    assert_eq!(phone.sync()["cause"], "log_in_again");
    assert_eq!(phone.number("SELECT count(*) FROM bundle"), 4);
    phone.call("log_in_again", json!({"password": "x"}));
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    let log = phone.world.office().device().log.clone();
    assert_eq!((log.len(), &log[..3]), (4, &whole[..]), "under the same key");
}

#[test]
fn amendments_after_a_restored_backup_are_taken_as_ever() {
    let phone = Phone::enrolled();
    let need = || vec![Exception { index: 0, outcome: Outcome::Need(Hash([9; 32])) }];
    phone.world.office().judge = Box::new(move |_, _| need());
    work(&phone, 2);
    let backup = phone.world.office().devices.clone();
    phone.world.office().amend(1, vec![]);
    phone.sync();
    work(&phone, 1);
    assert_eq!(phone.light(), (2, 0));
    phone.world.office().devices = backup;
    phone.world.office().time += 1_000;
    phone.sync();
    phone.world.office().amend(2, vec![]);
    phone.sync();
    assert_eq!(phone.light(), (1, 0));
}

/// The whole data folder as it is on the disk.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_disk_that_was_set_back_is_noticed_before_one_number_has_two_contents() {
    let mut phone = Phone::enrolled();
    work(&phone, 2);
    phone.close();
    let image = tempfile::tempdir().unwrap();
    copy(&phone.path().join("people"), image.path());
    phone.restart();
    work(&phone, 2);
    phone.close();
    std::fs::remove_dir_all(phone.path().join("people")).unwrap();
    copy(image.path(), &phone.path().join("people"));
    phone.restart();
    phone.world.link.set(Link::Down);
    phone.add("setelah disetel mundur");
    phone.world.link.set(Link::Up);
    assert_eq!(phone.sync()["cause"], "log_in_again");
    assert_eq!(phone.world.office().device().log.len(), 4, "nothing more came under this key");
    assert!(!phone.world.office().device().frozen, "nor did a second content of one number come to anybody");
    assert_eq!(phone.text("SELECT key_state FROM identity"), "frozen");
    // The person goes on working and logs in when it suits.
    phone.add("lagi");
    phone.call("log_in_again", json!({"password": "x"}));
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    assert_eq!(phone.world.office().devices.len(), 2);
    assert_eq!(phone.world.office().changes().len(), 6);
}

#[test]
fn counters_that_ran_ahead_are_caught_up_with_and_a_whole_log_goes_on() {
    let phone = Phone::enrolled();
    work(&phone, 1);
    // Requests of this very device that we do not remember: the counters were set back, the log was not.
    rusqlite::Connection::open(phone.database()).unwrap().execute("UPDATE identity SET request_counter = 0", []).unwrap();
    let mut phone = phone;
    phone.restart();
    phone.add("lagi");
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    assert_eq!(phone.text("SELECT key_state FROM identity"), "good");
    let carried = phone.world.office().carried.clone();
    assert_eq!(carried[carried.len() - 3..], [vec![], vec![], vec![2]], "told, asked, sent");
}

/// A phone with three entries under a first key, which was frozen, and one more under a second; and the first key's device as the office
/// had it then.
fn with_a_second_key() -> (Phone, lentera_protocol::DeviceId) {
    let phone = Phone::enrolled();
    work(&phone, 3);
    let first = *phone.world.office().devices.keys().next().unwrap();
    phone.world.office().devices.get_mut(&first).unwrap().frozen = true;
    phone.sync();
    phone.call("log_in_again", json!({"password": "x"}));
    phone.add("kunci kedua");
    assert_eq!((phone.sync()["light"]["waiting"].as_i64(), phone.world.office().devices.len()), (Some(0), 2));
    (phone, first)
}

#[test]
fn a_restored_server_is_given_again_what_an_earlier_key_had_receipts_for() {
    let (phone, first) = with_a_second_key();
    let whole = phone.world.office().devices[&first].log.clone();
    // The backup is of a time when the first key had sent one bundle, and the second was not there.
    phone.world.office().devices.retain(|id, _| *id == first);
    phone.world.office().device().log.truncate(1);
    assert_eq!(phone.sync()["cause"], "log_in_again");
    phone.call("log_in_again", json!({"password": "x"}));
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    assert_eq!(phone.world.office().devices[&first].log, whole, "the very bundles with the very receipts");
    assert_eq!(phone.world.office().changes().len(), 4);
    phone.sync();
    assert_eq!(phone.world.office().carried.last().unwrap(), &Vec::<i64>::new(), "and then it is over");
}

#[test]
fn a_restored_server_learns_an_earlier_key_again() {
    let (phone, first) = with_a_second_key();
    let whole = phone.world.office().devices[&first].log.clone();
    phone.world.office().devices.clear();
    phone.sync();
    phone.call("log_in_again", json!({"password": "x"}));
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    assert_eq!(phone.world.office().devices[&first].log, whole, "the very bundles with the very receipts");
    assert_eq!((phone.world.office().changes().len(), phone.entries().len()), (4, 4));
}

#[test]
fn what_waits_again_of_an_earlier_key_is_asked_about_at_every_start() {
    let (mut phone, first) = with_a_second_key();
    let amend = |phone: &Phone, number: u64, exceptions: Vec<Exception>| {
        let mut office = phone.world.office();
        let (_, receipt) = &mut office.devices.get_mut(&first).unwrap().log[1];
        let before: Receipt = peek(receipt).unwrap();
        *receipt = sign(&Receipt { exceptions, amendment: Some(number), ..before }, &Office::key());
    };
    let need = |index| Exception { index, outcome: Outcome::Need(Hash([1; 32])) };
    amend(&phone, 1, vec![need(0)]);
    // A second restore: whoever had a second key has a third.
    phone.world.office().devices.retain(|id, _| *id == first);
    phone.sync();
    phone.call("log_in_again", json!({"password": "x"}));
    assert_eq!(phone.sync()["light"]["waiting"], 1);
    phone.sync();
    assert_eq!(phone.world.office().carried.last().unwrap(), &Vec::<i64>::new(), "it is not asked for all the time");
    phone.restart();
    assert_eq!(phone.sync()["light"]["waiting"], 1);
    amend(&phone, 2, vec![]);
    phone.restart();
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    assert_eq!(phone.world.office().carried.last().unwrap(), &vec![-2]);
    phone.restart();
    phone.sync();
    assert_eq!(phone.world.office().carried.last().unwrap(), &Vec::<i64>::new(), "and then it is over");
}

#[test]
fn what_was_signed_by_a_key_that_nobody_knows_any_more_is_written_anew() {
    let (mut phone, _) = with_a_second_key();
    // As written by an app that did not keep public keys.
    phone.close();
    rusqlite::Connection::open(phone.database()).unwrap().execute("DELETE FROM earlier_key", []).unwrap();
    phone.restart();
    phone.world.office().devices.clear();
    phone.sync();
    phone.call("log_in_again", json!({"password": "x"}));
    // What is unsealed meanwhile is not written twice.
    phone.world.link.set(Link::Down);
    phone.add("belum disegel");
    phone.world.link.set(Link::Up);
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    all_is_on_the_server(&phone, &["kegiatan 0", "kegiatan 1", "kegiatan 2", "kunci kedua", "belum disegel"]);
}

/// What is left of a phone's database after damage to the page with this bundle, and to what was in it.
fn lose_bundle(phone: &mut Phone, device: lentera_protocol::DeviceId, number: i64) {
    phone.close();
    let database = rusqlite::Connection::open(phone.database()).unwrap();
    let row = "SELECT row FROM bundle WHERE device = ?1 AND number = ?2";
    let of = rusqlite::params![device.0, number];
    assert_eq!(database.execute(&format!("DELETE FROM change WHERE bundle = ({row})"), of).unwrap(), 1);
    database.execute("DELETE FROM bundle WHERE device = ?1 AND number = ?2", of).unwrap();
    drop(database);
    phone.restart();
}

fn all_is_on_the_server(phone: &Phone, wanted: &[&str]) {
    let changes = phone.world.office().changes();
    let written: Vec<_> = changes.iter().flat_map(|change| lentera_document::written_by(&change.bytes).unwrap()).collect();
    for wanted in wanted {
        assert!(written.iter().any(|(_, value)| value == wanted), "{wanted} is not on the server");
        assert!(phone.entries().iter().any(|entry| entry == wanted), "{wanted} is not here");
    }
    phone.sync();
    assert_eq!(phone.world.office().carried.last().unwrap(), &Vec::<i64>::new(), "and then it is over");
}

#[test]
fn a_hole_in_an_earlier_keys_log_keeps_nothing_from_a_restored_server() {
    let (mut phone, first) = with_a_second_key();
    lose_bundle(&mut phone, first, 2);
    phone.world.office().devices.retain(|id, _| *id == first);
    phone.world.office().device().log.truncate(1);
    phone.sync();
    phone.call("log_in_again", json!({"password": "x"}));
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    all_is_on_the_server(&phone, &["kegiatan 0", "kegiatan 2", "kunci kedua"]);
}

#[test]
fn a_key_that_was_frozen_while_the_server_was_set_back_is_asked_about_when_another_is_enrolled() {
    for state in ["frozen", "good"] {
        let mut phone = Phone::enrolled();
        work(&phone, 4);
        let device = *phone.world.office().devices.keys().next().unwrap();
        lose_bundle(&mut phone, device, 3);
        let set = "UPDATE identity SET key_state = ?";
        rusqlite::Connection::open(phone.database()).unwrap().execute(set, [state]).unwrap();
        phone.world.office().device().log.truncate(1);
        assert_eq!(phone.sync()["cause"], "log_in_again");
        phone.call("log_in_again", json!({"password": "x"}));
        assert_eq!(phone.sync()["light"]["waiting"], 0);
        all_is_on_the_server(&phone, &["kegiatan 0", "kegiatan 1", "kegiatan 3"]);
    }
}
