//! What is saved is there, and input is judged.

use lentera_api::Error;
use lentera_domain::{FieldError, Reason};
use serde_json::{Value, json};

use crate::world::{Link, NOW, Phone, activity};

/// Bytes of a draft at most, as the command says.
const DRAFT_MAX: usize = 64 * 1024;

#[test]
fn saved_work_is_there_after_opening_again_and_arrives_once_the_network_is_back() {
    let mut phone = Phone::enrolled();
    phone.world.link.set(Link::Down);
    phone.call("add_log_entry", activity("Rekap harga", "7.30", "9"));
    let umkm = json!({"form": {"name": "Dapur Melati", "owner_name": "Aluh", "village": "63.11.01.2001", "phone": "0812"}});
    let umkm = phone.call("register_umkm", umkm);
    let visit =
        json!({"form": {"umkm": umkm["id"], "day": "2026-11-23", "start": "9.15", "end": "11.15", "purposes": "pembinaan"}});
    phone.call("record_visit", visit);
    phone.call("save_draft", json!({"name": "log_entry/new", "content": {"activity": "Lapo"}}));
    assert_eq!(phone.sync()["cause"], "unreachable");

    phone.restart();
    let home = phone.call("home", json!({}));
    assert_eq!(home["today"]["entries"].as_array().unwrap().len(), 2);
    assert_eq!(home["light"]["waiting"], 4, "an activity, an enterprise, a visit and its activity");
    assert_eq!(home["drafts"][0]["content"]["activity"], "Lapo");
    assert_eq!(home["month"]["waiting"], 1);
    let delivery = phone.call("delivery", json!({}));
    let titles: Vec<_> = delivery["waiting"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Rekap harga", "Dapur Melati", "Dapur Melati", "Kunjungan: Dapur Melati"]);

    phone.world.link.set(Link::Up);
    let delivery = phone.sync();
    assert_eq!(delivery["light"]["waiting"], 0);
    assert_eq!(delivery["light"]["arrived_at"], NOW);
    assert_eq!(phone.call("home", json!({}))["month"]["counted"], 1);
}

#[test]
fn bad_input_is_refused_and_changes_nothing() {
    let phone = Phone::enrolled();
    let refused = |arguments: Value| match phone.try_call("add_log_entry", arguments) {
        Err(Error::Field(error)) => error.field.into_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(activity("x", "9", "8")), "end");
    assert_eq!(refused(activity("x", "25:00", "26")), "start");
    assert_eq!(refused(activity("\u{0}", "8", "9")), "activity");
    let mut future = activity("x", "8", "9");
    future["form"]["day"] = "2026-11-24".into();
    assert_eq!(refused(future), "day");
    let unknown = json!({"form": {"umkm": uuid::Uuid::from_u128(1), "day": "2026-11-23", "start": "8", "end": "9", "purposes": "pembinaan"}});
    assert!(matches!(phone.try_call("record_visit", unknown), Err(Error::NotFound { .. })));
    assert_eq!(phone.light(), (0, 0));
}

#[test]
fn what_is_odd_is_kept_and_told() {
    let phone = Phone::enrolled();
    for text in ["👩🏽‍🌾 panen", "שלום עולם", "a\u{200b}b\u{202e}c"] {
        let added = phone.add(text);
        assert_eq!(phone.call("log_entry", json!({"id": added["id"]}))["entry"]["activity"], text);
    }
    let mut earlier = activity("lama", "8", "9");
    earlier["form"]["day"] = "2026-10-30".into();
    let effects = phone.call("add_log_entry", earlier)["effects"].clone();
    assert_eq!(effects, json!([{"effect": "earlier_month"}]));
    let overlap = phone.call("add_log_entry", activity("lagi", "8.30", "9.30"));
    assert_eq!(overlap["effects"].as_array().unwrap().len(), 3);
}

#[test]
fn a_draft_about_another_enterprise_stays() {
    let phone = Phone::enrolled();
    let register = |name: &str| {
        let form = json!({"form": {"name": name, "owner_name": "Aluh", "village": "63.11.01.2001"}});
        phone.call("register_umkm", form)["id"].clone()
    };
    let (dapur, bengkel) = (register("Dapur"), register("Bengkel"));
    phone.call("save_draft", json!({"name": "visit/new", "content": {"umkm": bengkel, "problem": "modal"}}));
    let visit =
        |umkm: &Value| json!({"form": {"umkm": umkm, "day": "2026-11-23", "start": "8", "end": "9", "purposes": "pembinaan"}});
    phone.call("record_visit", visit(&dapur));
    assert_eq!(phone.call("draft", json!({"name": "visit/new"}))["content"]["problem"], "modal");
    phone.call("record_visit", visit(&bengkel));
    assert_eq!(phone.call("draft", json!({"name": "visit/new"})), Value::Null);
}

#[test]
fn a_draft_is_kept_up_to_its_limit_and_a_larger_one_leaves_it_as_it_was() {
    let phone = Phone::enrolled();
    let beside = json!({"activity": ""}).to_string().len();
    let save = |size: usize| {
        let content = json!({"activity": "x".repeat(size - beside)});
        phone.try_call("save_draft", json!({"name": "log_entry/new", "content": content}))
    };
    let kept = save(DRAFT_MAX).unwrap();
    let reason = Reason::TooLong { length: DRAFT_MAX + 1, max: DRAFT_MAX };
    assert_eq!(save(DRAFT_MAX + 1), Err(FieldError::new("draft", reason).into()));
    assert_eq!(phone.call("draft", json!({"name": "log_entry/new"})), kept);
}

#[test]
fn cancelling_keeps_and_restoring_brings_back() {
    let phone = Phone::enrolled();
    let id = phone.add("Rapat")["id"].clone();
    assert_eq!(phone.call("cancel_log_entry", json!({"id": id}))["entry"]["status"], "cancelled");
    assert_eq!(phone.call("log_day", json!({}))["minutes"], 0);
    assert_eq!(phone.call("restore_log_entry", json!({"id": id}))["entry"]["status"], "noted");
    assert_eq!(phone.call("log_day", json!({}))["minutes"], 60);
}

#[test]
fn edits_write_what_the_person_changed_and_nothing_else() {
    let phone = Phone::enrolled();
    let added = phone.add("Rapat");
    let mut form = added["form"].clone();
    form["obstacle"] = "listrik padam".into();
    phone.call("edit_log_entry", json!({"id": added["id"], "opened": added["form"], "form": form}));
    // A second window, opened before the first edit: its untouched fields do not undo it.
    let mut other = added["form"].clone();
    other["end"] = "10.00".into();
    let edited = phone.call("edit_log_entry", json!({"id": added["id"], "opened": added["form"], "form": other}));
    assert_eq!(
        (edited["entry"]["obstacle"].as_str(), edited["entry"]["time"].as_str()),
        (Some("listrik padam"), Some("08:00-10:00"))
    );
}

#[test]
fn rebuilding_gives_the_same_rows() {
    let phone = Phone::enrolled();
    for n in 8..15 {
        phone.call("add_log_entry", activity(&format!("kegiatan {n}"), &n.to_string(), &(n + 1).to_string()));
    }
    let before = phone.call("log_day", json!({}));
    phone.call("rebuild", json!({}));
    assert_eq!(phone.call("log_day", json!({})), before);
}

#[test]
fn a_clock_years_behind_hinders_nobody_from_noting_the_day_it_is() {
    let mut phone = Phone::enrolled();
    let id = phone.add("Rapat")["id"].clone();
    phone.sync();
    // The battery was empty: the clock begins in 2020, and the boot clock anew. The true day is two days later.
    phone.close();
    phone.world.now.set(1_577_836_800_000);
    phone.world.boot.set(Some(lentera_protocol::bundle::Boot { id: 9, millis: 0 }));
    phone.restart();
    let mut form = activity("Setelah baterai habis", "9", "10");
    form["form"]["day"] = "2026-11-25".into();
    let added = phone.call("add_log_entry", form);
    assert!(added["entry"]["noted_at"].as_i64().unwrap() >= NOW, "the server told a later time than the clock");
    phone.edit(&id, "obstacle", "listrik padam");
    assert_eq!(phone.call("status", json!({}))["today"], "2026-11-23", "no earlier than what the server told");
    // Once the server has answered, the boot clock tells.
    phone.world.office().time = NOW + 2 * 86_400_000;
    phone.sync();
    phone.world.pass(3_600_000);
    assert_eq!(phone.call("status", json!({}))["today"], "2026-11-25");
    let mut form = activity("Besok", "9", "10");
    form["form"]["day"] = "2026-11-26".into();
    assert!(phone.try_call("add_log_entry", form).is_err(), "tomorrow has not come");
    assert_eq!(phone.sync()["light"]["waiting"], 0);
}
