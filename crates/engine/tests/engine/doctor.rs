//! The light's page: why nothing was sent, and what was refused.

use lentera_api::Error;
use lentera_api::view::{Cause, Finding};
use lentera_domain::Timestamp;
use lentera_engine::Response;
use lentera_protocol::stream::{Cursor, Page, Row};
use serde_json::{Value, json};

use crate::office::refused;
use crate::world::{Link, NOW, Phone, activity};

fn findings(phone: &Phone) -> Vec<Finding> {
    serde_json::from_value(phone.call("delivery", json!({}))["findings"].clone()).unwrap()
}

#[test]
fn it_tells_what_is_in_the_way_and_nothing_when_all_is_well() {
    let phone = Phone::enrolled();
    phone.world.free_space.set(Some(2_000_000_000));
    phone.world.network.set(Some(true));
    phone.add("Rekap");
    phone.sync();
    assert_eq!(findings(&phone), []);

    phone.world.pass(60_000);
    phone.world.link.set(Link::Down);
    phone.world.network.set(Some(false));
    phone.call("cancel_log_entry", json!({"id": phone.call("log_day", json!({}))["entries"][0]["id"]}));
    phone.sync();
    assert_eq!(findings(&phone), [Finding::NoNetwork]);
    phone.world.network.set(Some(true));
    let since = Some(Timestamp::from_millis(NOW));
    assert_eq!(findings(&phone), [Finding::ServerUnreachable { since }]);

    phone.world.link.set(Link::Up);
    *phone.world.impostor.borrow_mut() =
        Box::new(|_, _| Some(Response { status: 200, body: b"<html>hotspot</html>".to_vec(), retry_after: None }));
    phone.sync();
    assert_eq!(findings(&phone), [Finding::WrongAddress { address: "http://office.test".into() }]);
    *phone.world.impostor.borrow_mut() = Box::new(|_, _| Some(Response { status: 503, body: vec![], retry_after: Some(30) }));
    phone.sync();
    assert_eq!(findings(&phone), [Finding::Busy { until: None }]);

    *phone.world.impostor.borrow_mut() = Box::new(|_, _| None);
    phone.world.free_space.set(Some(12_345_678));
    // The person sets the clock of the phone two days ahead.
    phone.world.now.set(phone.world.now.get() + 2 * 86_400_000);
    phone.sync();
    let minutes = 2 * 24 * 60;
    phone.world.office().time = NOW;
    assert_eq!(findings(&phone), [Finding::DiskLow { free_mb: 12 }, Finding::ClockWrong { minutes: minutes + 1 }]);
}

#[test]
fn what_was_refused_comes_with_its_form_and_the_draft_that_opens_it_again() {
    let phone = Phone::enrolled();
    let kept = phone.add("Rapat lama");
    phone.sync();
    phone.world.office().judge =
        Box::new(|_, changes| (0..).zip(changes).map(|(index, _)| refused(index, "bad_record")).collect());
    let umkm = json!({"name": "Dapur", "owner_name": "Aluh", "village": "63.11.01.2001", "phone": "0812"});
    phone.call("register_umkm", json!({"form": umkm}));
    let added = phone.call("add_log_entry", activity("Rekap harga", "9", "10"));
    phone.edit(&kept["id"], "obstacle", "listrik padam");
    let delivery = phone.sync();
    assert_eq!(phone.light(), (0, 3), "an enterprise with its owner, an activity, an edit");
    assert_eq!(phone.entries(), ["Rapat lama"], "what the server refused leaves the lists");
    let refused: Vec<Value> = delivery["refused"].as_array().unwrap().clone();
    assert_eq!(refused.len(), 3, "what was typed into one form is told once");
    let of = |record: &Value| refused.iter().find(|refused| refused["record"]["id"] == *record).unwrap();
    let entry = of(&added["id"]);
    assert_eq!(entry["form"]["activity"], "Rekap harga");
    assert_eq!((&entry["draft"], &entry["title"]), (&json!("log_entry/new"), &json!("Rekap harga")));
    assert_eq!((entry["reason"].as_str(), entry["at"].as_i64()), (Some("bad_record"), Some(NOW)));
    let edit = of(&kept["id"]);
    assert_eq!(edit["draft"], format!("log_entry/{}", kept["id"].as_str().unwrap()));
    assert_eq!(edit["form"]["obstacle"], "listrik padam");
    let enterprise = refused.iter().find(|refused| refused["record"]["kind"] == "umkm").unwrap();
    assert_eq!((&enterprise["draft"], &enterprise["form"]["phone"]), (&json!("umkm/new"), &json!("0812")));
    assert_eq!(findings(&phone), [Finding::Refused { records: 3 }]);

    // Dealt with, one by one: they leave the list and are kept.
    for refused in &refused {
        phone.call("dismiss_refused", json!({"change": refused["change"]}));
        let again = phone.try_call("dismiss_refused", json!({"change": refused["change"]}));
        assert_eq!(again.unwrap_err().code(), "not_found");
    }
    assert_eq!(phone.light(), (0, 0));
    assert_eq!(findings(&phone), []);
    assert_eq!(phone.number("SELECT count(*) FROM change WHERE dismissed_at IS NOT NULL"), 4);
    assert!(matches!(phone.try_call("dismiss_refused", json!({"change": 1})), Err(Error::NotFound { .. })), "it was accepted");
}

#[test]
fn backfill_and_what_is_kept_aside_are_counted() {
    let phone = Phone::enrolled();
    let rows = vec![Row::Record("{\"kind\":\"of a newer version\"}".into())];
    let cursor = Cursor { stream: 1, position: 200, hash: [1; 8], below: Some(151) };
    phone.world.office().pages.push(Page { rows, cursor });
    let delivery = phone.sync();
    assert_eq!(delivery["kept_aside"], 1);
    assert_eq!(delivery["backfill"], json!({"done": 49, "total": 200}));
    assert_eq!(phone.call("home", json!({}))["backfill"], delivery["backfill"]);
    assert_eq!(findings(&phone), [Finding::KeptAside { count: 1 }]);
    phone.world.office().pages.push(Page { rows: vec![], cursor: Cursor { below: None, ..cursor } });
    assert_eq!(phone.sync()["backfill"], Value::Null);
}

#[test]
fn evidence_comes_from_the_clocks_of_the_save() {
    let phone = Phone::enrolled();
    phone.sync();
    phone.world.pass(3_600_000);
    // The wall clock is wrong by a year; the clock since the boot is not.
    phone.world.now.set(NOW - 365 * 86_400_000);
    let form = json!({"form": {"day": "2025-11-20", "start": "8", "end": "9", "category": "Rapat", "activity": "Rekap"}});
    let id = phone.call("add_log_entry", form)["id"].clone();
    let evidence = |id: &Value| phone.call("log_entry", json!({"id": id}))["evidence"].clone();
    // A clock that counts up drifts a little, and telling the time takes a little.
    let drift = 300;
    let stated = json!({"kind": "stated", "from": NOW + 3_600_000 - drift, "until": NOW + 3_720_000 + drift});
    assert_eq!(evidence(&id), stated);
    phone.world.office().time = NOW + 3_650_000;
    phone.sync();
    assert_eq!(evidence(&id), json!({"kind": "stated", "from": NOW + 3_600_000 - drift, "until": NOW + 3_650_000}));
}

#[test]
fn home_tells_why_nothing_is_sent_only_while_something_waits() {
    let phone = Phone::enrolled();
    phone.world.link.set(Link::Down);
    phone.sync();
    assert_eq!(phone.call("home", json!({}))["cause"], Value::Null);
    phone.add("Rekap");
    assert_eq!(phone.call("home", json!({}))["cause"], json!(Cause::Unreachable));
}
