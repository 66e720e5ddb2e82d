//! What was taken while its kind was not known, by a server that knows it now.

use super::*;
use crate::service::testing::{change, log_entry};
use lentera_document::Document;
use lentera_domain::LogEntryId;
use uuid::Uuid;

/// Kind of the changes while nobody knows it.
const UNKNOWN: u16 = 900;

/// The server comes to know the kind: it is that of log entries.
async fn learn(office: &Office) {
    let learn = |db: &rusqlite::Connection| {
        db.execute_batch("PRAGMA defer_foreign_keys = ON")?;
        for table in ["document", "change", "stream_item"] {
            db.execute(&format!("UPDATE {table} SET kind = 1 WHERE kind = ?"), [UNKNOWN])?;
        }
        Ok(())
    };
    office.storage.with_writer(learn).await.unwrap();
}

#[tokio::test]
async fn what_nobody_could_judge_is_judged_before_it_counts() {
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let stranger = Actor::derive(&[9; 32], 0);
    let [first, second] = <[Change; 2]>::try_from(log_entry(device.actor(), 1, SITI, &["a", "b"])).unwrap();
    let forged = log_entry(stranger, 1, SITI, &["forged"]).remove(0);
    let mut damaged = second.clone();
    damaged.bytes[40] ^= 1;
    let garbage = Change { bytes: b"from the future".to_vec(), ..first.clone() };
    let foreign = log_entry(device.actor(), 2, AHMAD, &["not hers"]).remove(0);
    // The second before the first: nobody looked.
    let sent = [&second, &forged, &garbage, &damaged, &first, &foreign].map(|change| Change { kind: UNKNOWN, ..change.clone() });
    let receipt = office.receipt(&device.seal(&sent)).await;
    assert!(receipt.exceptions.iter().all(|exception| exception.outcome == Outcome::Unknown), "{receipt:?}");
    assert_eq!(office.count("change WHERE generation = 0"), 6);
    learn(&office).await;
    // The next change builds on what is sound of it.
    let id = LogEntryId(Uuid::from_u128(1)).record();
    let mut document = Document::load(id, [first.bytes.as_slice(), second.bytes.as_slice()]).unwrap();
    let third = change(
        id,
        document.rewrite(device.actor(), crate::service::testing::NOW, &document.heads(), &first.bytes).unwrap().unwrap().bytes,
    );
    let on_forged = {
        let mut document = Document::load(id, [forged.bytes.as_slice()]).unwrap();
        change(
            id,
            document
                .rewrite(device.actor(), crate::service::testing::NOW, &document.heads(), &second.bytes)
                .unwrap()
                .unwrap()
                .bytes,
        )
    };
    let receipt = office.receipt(&device.seal(&[third.clone(), on_forged])).await;
    assert_eq!(receipt.exceptions, [refused(1, "dep_not_accepted")]);
    assert_eq!(office.count("log_entry WHERE body LIKE '%\"a\"%'"), 1);
    let mut codes = office.codes();
    codes.sort();
    assert_eq!(codes, ["dep_not_accepted", "malformed", "malformed", "wrong_actor"]);
    // What passed is one of them from now on, under its name; what did not is not.
    assert_eq!(
        (office.count("change WHERE id LIKE '%1' AND generation IS NULL"), office.count("change WHERE id LIKE '%1'")),
        (3, 6)
    );
    let sealed = device.seal(&[first.clone(), second, third]);
    assert_eq!(office.receipt(&sealed).await.exceptions, []);
    assert_eq!(office.count("change WHERE id LIKE '%1'"), 6);
    // A record in another's name.
    let mine = log_entry(device.actor(), 2, SITI, &["hers"]);
    assert_eq!(office.receipt(&device.seal(&mine)).await.exceptions, []);
    assert_eq!(office.codes().iter().filter(|code| *code == "wrong_owner").count(), 1);
    assert_eq!(office.count("log_entry WHERE owner = '197203151998032000'"), 2);
}

#[tokio::test]
async fn what_ended_the_process_is_not_examined_late_either() {
    use lentera_document::guard::{FileWatch, Watch, watch_hash};
    let office = Office::open().await;
    let mut device = TestDevice::enrol(&office, SITI, 2).await;
    let first = log_entry(device.actor(), 1, SITI, &["a"]).remove(0);
    office.receipt(&device.seal(&[Change { kind: UNKNOWN, ..first.clone() }])).await;
    learn(&office).await;
    let file = office.folder.path().join("watch");
    for _ in 0..2 {
        let service = Service::new(office.storage.clone(), office.service.key().clone(), office.clock.clone());
        drop(service.watching(&file).await.unwrap());
        FileWatch::open(&file).unwrap().0.begin(watch_hash(&first.bytes));
    }
    let service = Service::new(office.storage.clone(), office.service.key().clone(), office.clock.clone());
    let service = service.watching(&file).await.unwrap();
    let other = log_entry(Actor::derive(device.key.verifying_key().as_bytes(), 0), 1, SITI, &["b"]).remove(0);
    let verdict = service.accept_bundle(&device.seal(&[other])).await.unwrap();
    assert_eq!(office.read(verdict).exceptions, []);
    assert_eq!(office.codes(), ["poisoned"]);
}
