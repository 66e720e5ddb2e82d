//! A database that the first version wrote goes on.

use lentera_document::{Actor, Document, Fields, fields_of};
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::{LogEntryId, Nip, Timestamp};
use lentera_protocol::bundle::{Bundle, Change, Packed, Stamp, pack};
use lentera_protocol::receipt::Receipt;
use lentera_protocol::sign::sign;
use lentera_protocol::{DeviceId, Hash};
use rusqlite::{Connection, params};
use serde_json::json;
use uuid::Uuid;

use crate::office::Office;
use crate::world::{NIP, NOW, Phone};

/// Writes a change of an entry as the first version did.
fn write(database: &Connection, seed: &[u8; 32], text: &str, bundle: Option<i64>, outcome: Option<&str>) -> Change {
    let id = LogEntryId(Uuid::from_u128(u128::from(text.len() as u64)));
    let form = LogEntryForm {
        day: "2026-11-23".into(),
        start: "8".into(),
        end: "9".into(),
        category: "Administrasi".into(),
        activity: text.into(),
        ..LogEntryForm::default()
    };
    let entry = form.parse(Nip::parse(NIP).unwrap(), Timestamp::from_millis(NOW)).unwrap();
    let key = ed25519_dalek::SigningKey::from_bytes(seed);
    let mut document = Document::new(id.record()).unwrap();
    let actor = Actor::derive(key.verifying_key().as_bytes(), 0);
    let fields = fields_of(&entry).unwrap();
    let change = document.write(actor, Timestamp::from_millis(NOW), &Fields::default(), &fields).unwrap().unwrap();
    let saved = Stamp { wall: NOW, boot: None, anchor: Some(NOW), since_anchor: None };
    database
        .execute(
            "INSERT INTO change (kind, id, hash, bytes, intent, saved, bundle, outcome) VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
            params![
                id.0.as_bytes(),
                change.hash,
                change.bytes,
                json!({"command": "add_log_entry"}).to_string(),
                lentera_protocol::encode(&saved),
                bundle,
                outcome
            ],
        )
        .unwrap();
    Change { kind: 1, id: *id.0.as_bytes(), bytes: change.bytes, saved, part: None }
}

fn seal(seed: &[u8; 32], number: u64, previous: Hash, change: Change) -> Vec<u8> {
    let key = ed25519_dalek::SigningKey::from_bytes(seed);
    let Packed::Whole(changes, 1) = pack(&[change]).unwrap() else { panic!("one fits") };
    let device = DeviceId::of_key(key.verifying_key().as_bytes());
    let sealed = Stamp { wall: NOW, boot: None, anchor: None, since_anchor: None };
    Bundle { device, number, previous, generation: 0, last_receipt: 0, scope_epoch: 1, sealed, changes }.seal(&key)
}

#[test]
fn a_database_of_the_first_version_goes_on_and_keeps_its_log() {
    let mut phone = Phone::enrolled();
    let database = phone.database();
    let connection = Connection::open(&database).unwrap();
    // The identity that the office knows, in a file that the first version made.
    let seed: [u8; 32] = connection.query_row("SELECT device_seed FROM identity", [], |row| row.get(0)).unwrap();
    let (employee, server): (String, String) =
        connection.query_row("SELECT employee, server FROM identity", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    drop(connection);
    phone.close();
    std::fs::remove_file(&database).unwrap();
    let old = Connection::open(&database).unwrap();
    old.execute_batch(include_str!("../../src/store/migrations/2026-11-22-first.sql")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    old.execute(
        "INSERT INTO identity (only, employee, office, server, server_key, device_seed, scope_epoch) VALUES (1, ?, 'Dinas', ?, ?, ?, 1)",
        params![employee, server, Office::key().verifying_key().as_bytes(), seed],
    )
    .unwrap();
    // One arrived, one sealed, one unsealed; a row of a kind of the future; a draft.
    let insert_bundle = |number: i64, sealed: &[u8], receipt: Option<Vec<u8>>| {
        old.execute(
            "INSERT INTO bundle (number, hash, sealed, sealed_at, receipt) VALUES (?, ?, ?, ?, ?)",
            params![number, Hash::of(sealed).0, sealed, NOW, receipt],
        )
        .unwrap();
    };
    old.pragma_update(None, "foreign_keys", false).unwrap();
    let first = seal(&seed, 1, Hash::default(), write(&old, &seed, "a", Some(1), Some("accepted")));
    let device = DeviceId::of_key(ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().as_bytes());
    let receipt = Receipt { device, number: 1, bundle: Hash::of(&first), exceptions: vec![], time: NOW, amendment: None };
    let receipt = sign(&receipt, &Office::key());
    insert_bundle(1, &first, Some(receipt.clone()));
    let second = seal(&seed, 2, Hash::of(&first), write(&old, &seed, "bb", Some(2), None));
    insert_bundle(2, &second, None);
    write(&old, &seed, "ccc", None, None);
    let future = b"of a newer version".to_vec();
    old.execute(
        "INSERT INTO change (kind, id, hash, bytes) VALUES (900, ?, ?, ?)",
        params![[8_u8; 16], Hash::of(&future).0, future],
    )
    .unwrap();
    old.execute("INSERT INTO draft (name, content, saved_at) VALUES ('log_entry/new', '{\"activity\":\"Lapo\"}', 1)", [])
        .unwrap();
    old.execute("INSERT INTO stream (stream, position, hash) VALUES (1, 5, x'0101010101010101')", []).unwrap();
    drop(old);
    phone.world.office().device().log.push((first.clone(), receipt));

    phone.restart();
    assert_eq!((phone.light(), phone.number("PRAGMA user_version")), ((2, 0), 4));
    assert_eq!(phone.call("draft", json!({"name": "log_entry/new"}))["content"]["activity"], "Lapo");
    assert_eq!(phone.number("SELECT count(*) FROM pending WHERE kind = 900"), 1);
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    let log = phone.world.office().device().log.clone();
    assert_eq!((log.len(), &log[1].0), (3, &second), "the log goes on where it was, with the same bytes");
    phone.call("rebuild", json!({}));
    assert_eq!(phone.entries(), ["a", "bb", "ccc"]);
    assert_eq!(phone.number("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}
