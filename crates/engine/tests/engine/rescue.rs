//! A damaged database: set aside whole, what can be read goes on.

use std::path::PathBuf;

use lentera_protocol::stream::{Cursor, Page};
use serde_json::{Value, json};

use crate::world::{Link, NIP, Phone, invite};

/// A phone with work of every kind: arrived, sealed, unsealed, drafts.
fn phone() -> Phone {
    let phone = Phone::enrolled();
    for n in 0..40 {
        phone.add(&format!("kegiatan {n}"));
    }
    let cursor = Cursor { stream: 1, position: 7, hash: [1; 8], below: None };
    phone.world.office().pages = vec![Page { rows: vec![], cursor }];
    phone.sync();
    phone.world.link.set(Link::Down);
    for n in 40..60 {
        phone.add(&format!("kegiatan {n}"));
    }
    phone.sync();
    phone.add("belum disegel");
    phone.call("save_draft", json!({"name": "log_entry/new", "content": {"activity": "Lapo"}}));
    phone.world.link.set(Link::Up);
    phone
}

fn damaged(phone: &Phone) -> Vec<PathBuf> {
    let folder = phone.database().parent().unwrap().to_owned();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_string_lossy().contains(".damaged-"));
    files.sort();
    files
}

/// Ends the app, does this to the file, and starts it; gives what was set aside.
fn damage(phone: &mut Phone, harm: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    phone.close();
    let database = phone.database();
    let mut bytes = std::fs::read(&database).unwrap();
    harm(&mut bytes);
    std::fs::write(&database, &bytes).unwrap();
    phone.restart();
    bytes
}

#[test]
fn damaged_pages_cost_what_was_on_them_and_nothing_else() {
    let mut phone = phone();
    let most = phone.entries().len();
    let bytes = damage(&mut phone, |bytes| {
        // Whatever holds one of the entries.
        for page in bytes.chunks_exact_mut(4096) {
            if page.windows(11).any(|words| words == b"kegiatan 30") {
                page.fill(0xA5);
            }
        }
    });
    let aside = damaged(&phone);
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(std::fs::read(&aside[0]).unwrap(), bytes, "byte for byte");
    assert!(aside[0].to_string_lossy().ends_with("lentera.sqlite.damaged-20261123T0200Z"), "{aside:?}");
    let entries = phone.entries();
    assert!((most - 20..most).contains(&entries.len()) && !entries.contains(&"kegiatan 30".to_owned()), "{entries:?}");
    assert_eq!(phone.number("SELECT complete FROM rescue"), 0);
    assert_eq!(phone.number("SELECT count(*) FROM stream"), 0, "all is fetched again");
    // Whatever the damage took, what is here now gets to the server.
    let cause = phone.sync()["cause"].clone();
    if cause == "log_in_again" {
        phone.call("log_in_again", json!({"password": "x"}));
        phone.sync();
    }
    assert_eq!(phone.light(), (0, 0));
}

/// Every page in turn: the app always starts, keeps the file, and shows what it could read.
#[test]
fn no_damaged_page_keeps_the_app_from_starting() {
    let mut first = phone();
    first.close();
    let whole = std::fs::read(first.database()).unwrap();
    let most = {
        first.restart();
        first.entries().len()
    };
    let (pages, mut drafts) = (whole.len() / 4096, 0);
    for page in 0..pages {
        first.close();
        for file in damaged(&first) {
            std::fs::remove_file(file).unwrap();
        }
        std::fs::write(first.database(), &whole).unwrap();
        damage(&mut first, |bytes| bytes[page * 4096..(page + 1) * 4096].fill(0x5A));
        let enrolled = !first.call("status", json!({}))["person"].is_null();
        if !enrolled {
            first.call("enrol", json!({"invite": invite(), "nip": NIP, "password": "x"}));
        }
        let entries = first.entries().len();
        assert!(entries + 20 >= most, "page {page}: {entries} of {most}");
        let draft = first.call("draft", json!({"name": "log_entry/new"}));
        drafts += usize::from(draft != Value::Null);
        first.add("sesudahnya");
    }
    assert_eq!(drafts, pages - 1, "the draft is on one page");
}

#[test]
fn a_truncated_file_gives_what_is_left() {
    let mut phone = phone();
    let bytes = damage(&mut phone, |bytes| bytes.truncate(bytes.len() * 3 / 4 / 4096 * 4096 + 1000));
    assert_eq!(std::fs::read(&damaged(&phone)[0]).unwrap(), bytes);
    let person = phone.call("status", json!({}))["person"].clone();
    if person == Value::Null {
        phone.call("enrol", json!({"invite": invite(), "nip": NIP, "password": "x"}));
    }
    phone.add("sesudahnya");
    assert!(phone.entries().contains(&"sesudahnya".to_owned()));
}

#[test]
fn a_file_that_is_no_database_is_kept_and_the_person_enrols_again() {
    let mut phone = phone();
    damage(&mut phone, |bytes| *bytes = b"bukan basis data".repeat(1000));
    assert_eq!(std::fs::read(&damaged(&phone)[0]).unwrap(), b"bukan basis data".repeat(1000));
    assert_eq!(phone.call("status", json!({}))["person"], Value::Null);
    phone.call("enrol", json!({"invite": invite(), "nip": NIP, "password": "x"}));
    phone.add("sesudahnya");
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    assert!(phone.call("home", json!({}))["rescue"]["kept_at"].as_str().unwrap().contains(".damaged-"));
    phone.call("acknowledge_rescue", json!({}));
    assert_eq!(phone.call("home", json!({}))["rescue"], Value::Null);
}

#[test]
fn a_lost_identity_is_enrolled_anew_into_the_same_work() {
    let mut phone = phone();
    let entries = phone.entries().len();
    phone.close();
    // A damaged row, in pages that are whole.
    rusqlite::Connection::open(phone.database()).unwrap().execute("UPDATE identity SET employee = 'x'", []).unwrap();
    phone.restart();
    assert_eq!(phone.call("status", json!({}))["person"], Value::Null);
    phone.call("enrol", json!({"invite": invite(), "nip": NIP, "password": "x"}));
    assert_eq!(phone.entries().len(), entries);
    assert_eq!(phone.call("draft", json!({"name": "log_entry/new"}))["content"]["activity"], "Lapo");
    assert_eq!(phone.light().0, 21, "what had arrived has arrived, the rest waits");
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    assert_eq!(phone.entries().len(), entries);
}

#[test]
fn a_rescued_log_goes_on_only_once_the_server_has_shown_that_it_is_whole() {
    let mut phone = phone();
    phone.close();
    // A projection is damaged: nothing is lost, but nobody can know.
    let database = rusqlite::Connection::open(phone.database()).unwrap();
    let root: u32 =
        database.query_row("SELECT rootpage FROM sqlite_master WHERE name = 'umkm_owner'", [], |row| row.get(0)).unwrap();
    let root = root as usize;
    drop(database);
    damage(&mut phone, |bytes| bytes[(root - 1) * 4096..root * 4096].fill(0xA5));
    assert_eq!(phone.text("SELECT key_state FROM identity"), "rescued");
    assert_eq!(phone.number("SELECT complete FROM rescue"), 1);
    assert_eq!(phone.number("SELECT count(*) FROM stream"), 1, "nothing is fetched again");
    assert_eq!((phone.entries().len(), phone.light().0), (61, 21));
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    let carried = phone.world.office().carried.clone();
    let after = carried.iter().skip_while(|bundles| !bundles.is_empty()).collect::<Vec<_>>();
    assert!(carried.iter().any(Vec::is_empty), "{after:?}");
    assert_eq!(phone.text("SELECT key_state FROM identity"), "good");
}

#[test]
fn a_rescue_that_was_cut_short_is_finished() {
    let mut phone = phone();
    damage(&mut phone, |bytes| bytes[..4096].fill(0));
    phone.close();
    // As if the power had failed after the damaged file got its new name, and before the new one got its own.
    let database = phone.database();
    let rescued = PathBuf::from(format!("{}.rescued-20261123T0300Z", database.display()));
    std::fs::rename(&database, &rescued).unwrap();
    phone.restart();
    assert!(database.exists() && !rescued.exists());
    // And as if it had failed before that: both are there.
    phone.close();
    std::fs::copy(&database, &rescued).unwrap();
    let before = std::fs::read(&database).unwrap();
    phone.restart();
    assert!(damaged(&phone).iter().any(|path| std::fs::read(path).unwrap() == before));
    phone.call("status", json!({}));
}
