//! What others wrote, and what the server alone writes.

use lentera_document::{Actor, Document, Fields, fields_of};
use lentera_domain::umkm::UmkmForm;
use lentera_domain::{Timestamp, Umkm, UmkmId};
use lentera_protocol::bundle::Stamp;
use lentera_protocol::encode;
use lentera_protocol::limits::{PAGE_INFLATED_MAX, PAGE_ROWS_MAX};
use lentera_protocol::stream::{Cursor, Origin, Page, Row};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{NOW, Phone};

/// A colleague registers an enterprise and edits it so often; gives the rows.
fn colleagues_rows(edits: i32) -> Vec<Row> {
    let id = UmkmId(Uuid::from_u128(77));
    let mut document = Document::new(id.record()).unwrap();
    let actor = Actor::derive(&[5; 32], 0);
    let form = |founded: i32| {
        let founded = if founded == 0 { String::new() } else { (1990 + founded).to_string() };
        let (name, owner_name, village) = ("Dapur Melati".into(), "Aluh".into(), "63.11.01.2001".into());
        fields_of(
            &UmkmForm { name, owner_name, village, founded, ..UmkmForm::default() }.parse(Timestamp::from_millis(NOW)).unwrap().0,
        )
        .unwrap()
    };
    let mut before = Fields::default();
    let mut rows = vec![];
    for edit in 0..=edits {
        let after = form(edit);
        let change = document.write(actor, Timestamp::from_millis(NOW), &before, &after).unwrap().unwrap();
        rows.push(row(2, *id.0.as_bytes(), change.bytes));
        before = after;
    }
    rows
}

fn row(kind: u16, id: [u8; 16], bytes: Vec<u8>) -> Row {
    let saved = Stamp { wall: NOW - 60_000, boot: None, anchor: Some(NOW - 120_000), since_anchor: Some(60_000) };
    let origin = Some(Origin { author: "198001012005011001".into(), saved, arrived: NOW - 1_000 });
    Row::Change { kind, id, bytes, origin }
}

fn give(phone: &Phone, rows: Vec<Row>, position: u64, below: Option<u64>) {
    let cursor = Cursor { stream: 1, position, hash: [1; 8], below };
    phone.world.office().pages = vec![Page { rows, cursor }];
    assert_eq!(phone.sync()["attempts"][0]["failed"], Value::Null);
}

fn founded(phone: &Phone) -> Option<i64> {
    let list = phone.call("list_umkm", json!({"limit": 10}));
    let umkm: Option<Umkm> = list["rows"].get(0).map(|row| serde_json::from_value(row["umkm"].clone()).unwrap());
    umkm.map(|umkm| umkm.founded.map_or(0, i64::from))
}

#[test]
fn rows_that_cannot_be_taken_are_kept_and_hold_nothing_up() {
    let phone = Phone::enrolled();
    let region = json!({"kind": "region", "code": "63.11.01.2001", "name": "Muara Ninian"}).to_string();
    let rows = vec![
        row(1, [7; 16], b"no change at all".to_vec()),
        row(900, [8; 16], b"of a newer version".to_vec()),
        Row::Record("{\"kind\":\"of a newer version\"}".into()),
        Row::Record(region),
    ];
    give(&phone, rows, 4, None);
    assert_eq!(phone.call("list_villages", json!({"search": "muara"}))[0]["name"], "Muara Ninian");
    assert_eq!(phone.number("SELECT count(*) FROM quarantine"), 2);
    // What was never examined is not among the changes that documents are built from.
    assert_eq!(phone.number("SELECT count(*) FROM change"), 0);
    assert_eq!(phone.number("SELECT count(*) FROM pending WHERE kind = 900"), 1);
    assert_eq!(phone.number("SELECT position FROM stream"), 4);
}

#[test]
fn records_that_an_older_app_did_not_know_are_taken_by_a_newer_one() {
    let mut phone = Phone::enrolled();
    let region = |name: &str| json!({"kind": "region", "code": "63.11.01.2001", "name": name}).to_string();
    // As an older app has put them aside, two of one key.
    let database = rusqlite::Connection::open(phone.database()).unwrap();
    for name in ["Lama", "Muara Ninian"] {
        let row = rusqlite::params![region(name).into_bytes()];
        database.execute("INSERT INTO quarantine (received_at, code, bytes) VALUES (1, 'record', ?)", row).unwrap();
    }
    drop(database);
    phone.restart();
    assert_eq!(phone.call("list_villages", json!({}))[0]["name"], "Muara Ninian");
    assert_eq!(phone.number("SELECT count(*) FROM quarantine"), 0);
}

#[test]
fn rows_in_any_order_wait_for_what_they_build_on() {
    let mut phone = Phone::enrolled();
    let rows = colleagues_rows(3);
    give(&phone, vec![rows[3].clone(), rows[1].clone()], 1, None);
    assert_eq!((founded(&phone), phone.number("SELECT count(*) FROM pending")), (None, 2));
    phone.restart();
    give(&phone, vec![rows[0].clone()], 2, None);
    assert_eq!((founded(&phone), phone.number("SELECT count(*) FROM pending")), (Some(1991), 1));
    give(&phone, vec![rows[2].clone()], 3, None);
    assert_eq!((founded(&phone), phone.number("SELECT count(*) FROM pending")), (Some(1993), 0));
    assert_eq!(phone.number("SELECT count(*) FROM quarantine"), 0);
    // All again: nothing changes.
    give(&phone, rows, 3, None);
    assert_eq!((founded(&phone), phone.number("SELECT count(*) FROM change")), (Some(1993), 4));
}

#[test]
fn pages_over_a_limit_are_refused_whole_and_asked_for_again() {
    let page = |rows: Vec<Row>| Page { rows, cursor: Cursor { stream: 1, position: 9, hash: [1; 8], below: None } };
    let many = |count: usize| page((0..count).map(|n| Row::Record(format!("{n}"))).collect());
    let large = |size: usize| {
        let of = |length| page(vec![Row::Record("x".repeat(length))]);
        of(size - (encode(&vec![of(100_000)]).len() - 100_000))
    };
    for (over, most) in [(many(PAGE_ROWS_MAX + 1), many(PAGE_ROWS_MAX)), (large(PAGE_INFLATED_MAX + 1), large(PAGE_INFLATED_MAX))]
    {
        let phone = Phone::enrolled();
        let give = |page: &Page| {
            phone.world.office().pages = vec![page.clone()];
            let failed = phone.sync()["attempts"][0]["failed"].clone();
            (failed, phone.number("SELECT count(*) FROM quarantine"), phone.number("SELECT count(*) FROM stream"))
        };
        assert_eq!(give(&over), (json!("bad_answer"), 0, 0));
        assert_eq!(give(&most), (Value::Null, most.rows.len() as i64, 1));
    }
}

#[test]
fn who_wrote_and_when_comes_with_the_row() {
    let phone = Phone::enrolled();
    give(&phone, colleagues_rows(0), 1, None);
    assert_eq!(phone.text("SELECT author FROM change"), "198001012005011001");
    assert_eq!(phone.number("SELECT arrived_at FROM change"), NOW - 1_000);
    assert_eq!(phone.light(), (0, 0), "others' work is not ours to send");
}

#[test]
fn a_new_device_tells_how_far_the_older_rows_are_and_goes_on_where_it_was() {
    let mut phone = Phone::enrolled();
    assert_eq!(phone.call("home", json!({}))["backfill"], Value::Null);
    give(&phone, colleagues_rows(0), 100, Some(101));
    assert_eq!(phone.call("home", json!({}))["backfill"], json!({"done": 0, "total": 100}));
    give(&phone, vec![], 100, Some(40));
    phone.restart();
    assert_eq!(phone.call("home", json!({}))["backfill"], json!({"done": 60, "total": 100}));
    phone.sync();
    let header = phone.world.office().headers.last().unwrap().clone();
    assert_eq!((header.cursors[0].position, header.cursors[0].below), (100, Some(40)));
    give(&phone, vec![], 100, None);
    assert_eq!(phone.call("delivery", json!({}))["backfill"], Value::Null);
}

#[test]
fn bytes_that_end_the_process_twice_are_not_looked_at_again() {
    let mut phone = Phone::enrolled();
    let rows = colleagues_rows(1);
    let Row::Change { bytes, .. } = &rows[0] else { panic!("no change") };
    // What the watch leaves behind when the process dies while it examines these bytes.
    let die_while_examining = |phone: &mut Phone| {
        phone.close();
        let (watch, _) = lentera_document::guard::FileWatch::open(&phone.path().join("watch")).unwrap();
        lentera_document::guard::Watch::begin(&watch, lentera_document::guard::watch_hash(bytes));
        drop(watch);
        phone.restart();
    };
    die_while_examining(&mut phone);
    phone.restart();
    assert_eq!(phone.number("SELECT crashes FROM suspect"), 1, "told once, counted once");
    die_while_examining(&mut phone);
    give(&phone, rows.clone(), 2, None);
    assert_eq!(phone.text("SELECT code FROM quarantine"), "poisoned");
    assert_eq!((founded(&phone), phone.number("SELECT count(*) FROM pending")), (None, 1), "what builds on it waits");
    // One end of the process may be an empty battery: such bytes are taken.
    let mut phone = Phone::enrolled();
    die_while_examining(&mut phone);
    give(&phone, rows.clone(), 2, None);
    assert_eq!(founded(&phone), Some(1991));
}

#[test]
fn the_same_bytes_of_two_records_of_an_unknown_kind_are_two_that_wait() {
    let phone = Phone::enrolled();
    let row = |id: u8| Row::Change { kind: 77, id: [id; 16], bytes: vec![1, 2, 3], origin: None };
    let cursor = Cursor { stream: 1, position: 2, hash: [1; 8], below: None };
    phone.world.office().pages = vec![Page { rows: vec![row(1), row(2), row(2)], cursor }];
    phone.sync();
    assert_eq!(phone.number("SELECT count(*) FROM pending"), 2);
}
