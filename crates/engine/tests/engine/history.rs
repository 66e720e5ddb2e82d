//! What was ever written to a record is shown, whoever wrote it and whatever became of it.

use serde_json::{Value, json};

use crate::office::refused;
use crate::world::Phone;

/// As "field=text|field=text", newest first, with where each stands.
fn shown(phone: &Phone, record: &Value) -> Vec<(String, String)> {
    let history = phone.call("history", json!({"record": record}));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let fields = |entry: &Value| {
        let fields = entry["fields"].as_array().unwrap().iter();
        fields.map(|field| format!("{}={}", text(&field["field"]), text(&field["text"]))).collect::<Vec<_>>().join("|")
    };
    history.as_array().unwrap().iter().map(|entry| (text(&entry["delivered"]), fields(entry))).collect()
}

#[test]
fn what_was_written_over_and_what_was_refused_are_still_read() {
    let phone = Phone::enrolled();
    let id = phone.add("Rapat")["id"].clone();
    let record = json!({"kind": "log_entry", "id": id});
    phone.sync();
    phone.world.pass(60_000);
    phone.edit(&id, "activity", "Rapat harga");
    phone.sync();
    phone.world.office().judge = Box::new(|_, _| vec![refused(0, "bad_record")]);
    phone.edit(&id, "activity", "Rapat pasar murah");
    phone.sync();
    phone.world.office().judge = Box::new(|_, _| vec![]);
    phone.edit(&id, "obstacle", "listrik padam");
    let seen = shown(&phone, &record);
    let newest: Vec<_> = seen.iter().take(3).map(|(state, text)| (state.as_str(), text.as_str())).collect();
    assert_eq!(
        newest,
        [("waiting", "obstacle=listrik padam"), ("refused", "activity=Rapat pasar murah"), ("arrived", "activity=Rapat harga")]
    );
    assert!(seen[3].1.contains("activity=Rapat|") && !seen[3].1.contains("noted_at"), "{}", seen[3].1);
    let history = phone.call("history", json!({"record": record}));
    assert_eq!((&history[0]["own"], history[2]["at"].as_i64()), (&json!(true), Some(crate::world::NOW + 60_000)));
}

#[test]
fn an_enterprise_is_told_with_its_owner_and_the_nik_is_masked() {
    let phone = Phone::enrolled();
    let form = json!({
        "name": "Dapur", "owner_name": "Aluh", "village": "63.11.01.2001", "nik": "6311015203720001", "phone": "0812"
    });
    let id = phone.call("register_umkm", json!({"form": form}))["id"].clone();
    let seen = shown(&phone, &json!({"kind": "umkm", "id": id}));
    assert_eq!(seen.len(), 1, "one form was saved: {seen:?}");
    assert!(seen[0].1.contains("nik=6311**********01") && seen[0].1.contains("phone=0812"), "{}", seen[0].1);
    assert!(!seen[0].1.contains("registered_at"));
    assert_eq!(shown(&phone, &json!({"kind": "visit", "id": id})), [], "there is none");
}
