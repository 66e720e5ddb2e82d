//! What every storage must do. One suite, run by each.

use lentera_domain::rules::LogRules;
use lentera_domain::server_record::Employee;
use lentera_domain::{Day, Nip, Timestamp};
use lentera_protocol::stream::{Cursor, Row};
use lentera_protocol::{DeviceId, Hash};

use super::*;

const T0: Timestamp = Timestamp::from_millis(1_795_399_200_000);
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Runs the suite on an empty storage. `open_again` opens what was kept, as a second process would.
pub async fn run<S: Storage>(storage: S, open_again: impl Fn() -> S) {
    makes_one_office(&storage).await;
    imports_what_differs(&storage).await;
    counts_tries(&storage).await;
    sets_secrets_only_as_seen(&storage).await;
    enrols_and_revokes(&storage).await;
    commits_only_what_still_holds(&storage, &open_again()).await;
    pages_streams(&storage).await;
    let again = open_again();
    assert_eq!(again.office().await.unwrap().as_deref(), Some("Kantor"));
    assert_eq!(again.device(device(1)).await.unwrap(), storage.device(device(1)).await.unwrap());
}

fn rules(minutes_per_day: u32) -> LogRules {
    LogRules { effective_from: Day::parse("2020-01-01").unwrap(), late_after_days: 2, entries_per_day: 7, minutes_per_day }
}

fn nip(number: u32) -> Nip {
    Nip::parse(&format!("198001012006041{number:03}")).unwrap()
}

fn employee(number: u32, unit: &str) -> Employee {
    let text = format!(r#"{{"nip":"{}","name":"Contoh","position":"Penyuluh","unit":"{unit}"}}"#, nip(number));
    serde_json::from_str(&text).unwrap()
}

fn device(seed: u8) -> DeviceId {
    DeviceId::of_key(&[seed; 32])
}

fn query(name: &str, cursors: &[Cursor], rows: usize) -> StreamQuery {
    StreamQuery { name: name.into(), cursors: cursors.to_vec(), rows, bytes: 100_000, asking: device(99) }
}

async fn rows<S: Storage>(storage: &S, name: &str) -> usize {
    storage.stream_page(query(name, &[], 1000)).await.unwrap().map_or(0, |page| page.rows.len())
}

async fn makes_one_office<S: Storage>(storage: &S) {
    assert_eq!(storage.office().await.unwrap(), None);
    assert!(storage.create_office("Kantor".into(), rules(450)).await.unwrap());
    assert!(!storage.create_office("Lain".into(), rules(1)).await.unwrap());
    assert_eq!(storage.office().await.unwrap().as_deref(), Some("Kantor"));
    assert!(!storage.put_log_rules(rules(450)).await.unwrap());
    assert!(storage.put_log_rules(rules(390)).await.unwrap());
    assert_eq!(rows(storage, "kabupaten").await, 2);
}

async fn imports_what_differs<S: Storage>(storage: &S) {
    let staff = vec![employee(1, "A"), employee(2, "A")];
    assert_eq!(storage.import_staff(staff).await.unwrap(), Imported { new: 2, ..Imported::default() });
    let staff = vec![employee(1, "A"), employee(2, "B"), employee(3, "B")];
    assert_eq!(storage.import_staff(staff).await.unwrap(), Imported { new: 1, changed: 1, same: 1 });
    assert_eq!(rows(storage, "kabupaten").await, 6);
    assert_eq!(storage.person(nip(1)).await.unwrap().unwrap().scope_epoch, 1);
    assert_eq!(storage.person(nip(2)).await.unwrap().unwrap().scope_epoch, 2);
    assert_eq!(storage.known_people(vec![nip(1), nip(9)]).await.unwrap(), [nip(1)]);
}

async fn counts_tries<S: Storage>(storage: &S) {
    let pause = |tries: u32| if tries < 2 { 0 } else { 1000 };
    for nobody_or_not in [nip(1), nip(9)] {
        let person = storage.person(nobody_or_not.clone()).await.unwrap();
        let begin = async |at| storage.begin_try(nobody_or_not.clone(), at, pause).await.unwrap();
        assert_eq!(begin(T0).await, Try::Begun { tries: 1, person: person.clone() });
        assert_eq!(begin(T0).await, Try::Begun { tries: 2, person: person.clone() });
        assert_eq!(begin(T0.plus_millis(999)).await, Try::Paused(T0.plus_millis(1000)));
        assert_eq!(begin(T0.plus_millis(1000)).await, Try::Begun { tries: 3, person: person.clone() });
        storage.clear_tries(nobody_or_not.clone()).await.unwrap();
        assert_eq!(begin(T0.plus_millis(1000)).await, Try::Begun { tries: 1, person: person.clone() });
        assert_eq!(begin(T0.plus_millis(1001 + DAY)).await, Try::Begun { tries: 1, person });
        storage.clear_tries(nobody_or_not.clone()).await.unwrap();
    }
}

async fn sets_secrets_only_as_seen<S: Storage>(storage: &S) {
    let code = OneTimeCode { hash: "code".into(), until: T0.plus_millis(5) };
    assert!(!storage.set_one_time_code(nip(9), code.clone()).await.unwrap());
    assert!(storage.set_one_time_code(nip(1), code.clone()).await.unwrap());
    let with_code = Secrets { password: None, code: Some(code) };
    assert_eq!(storage.person(nip(1)).await.unwrap().unwrap().secrets, with_code);
    assert!(!storage.set_password(nip(1), Secrets::default(), "other".into()).await.unwrap());
    assert!(storage.set_password(nip(1), with_code.clone(), "first".into()).await.unwrap());
    assert!(!storage.set_password(nip(1), with_code, "second".into()).await.unwrap());
    let kept = Secrets { password: Some("first".into()), code: None };
    assert_eq!(storage.person(nip(1)).await.unwrap().unwrap().secrets, kept);
}

async fn enrols_and_revokes<S: Storage>(storage: &S) {
    let enrol = async |seed: u8, person: u32, new_password| {
        storage.enrol_device(Enrolment { nip: nip(person), key: [seed; 32], at: T0, new_password }).await.unwrap()
    };
    assert_eq!(enrol(1, 1, Some((Secrets::default(), "x".into()))).await, Enrolled::Conflict);
    assert_eq!(storage.device(device(1)).await.unwrap(), None);
    assert_eq!(enrol(1, 1, None).await, Enrolled::Done);
    assert_eq!(enrol(1, 1, None).await, Enrolled::Done);
    assert_eq!(enrol(1, 2, None).await, Enrolled::Taken);
    assert_eq!(enrol(2, 2, Some((Secrets::default(), "x".into()))).await, Enrolled::Done);
    assert_eq!(storage.person(nip(2)).await.unwrap().unwrap().secrets.password.as_deref(), Some("x"));
    assert!(storage.revoke_device(device(2), T0).await.unwrap());
    assert!(!storage.revoke_device(device(7), T0).await.unwrap());
    assert_eq!(enrol(2, 2, None).await, Enrolled::Revoked);
    let kept = storage.device(device(1)).await.unwrap().unwrap();
    assert_eq!((kept.employee, kept.is_revoked, kept.last), (employee(1, "A"), false, (0, Hash::default())));
    assert!(storage.device(device(2)).await.unwrap().unwrap().is_revoked);
}

const KEY: DocumentKey = DocumentKey { kind: 900, id: [3; 16] };

/// A bundle with one change of its number's byte.
fn commit(number: u64, previous: Hash, version: u64) -> Commit {
    let byte = number.to_le_bytes()[0];
    Commit {
        device: device(1),
        number,
        previous,
        hash: Hash([byte; 32]),
        bytes: vec![byte; 10],
        receipt: vec![byte],
        received_at: T0,
        documents: vec![DocumentCommit { key: KEY, version, owner: Some(nip(1)), home: "person:1".into(), record: None }],
        changes: vec![AcceptedChange { key: KEY, hash: [byte; 32], bytes: vec![byte; 40] }],
        quarantined: vec![Quarantined { device: device(1), code: "x".into(), key: Some(KEY), bytes: vec![byte], at: T0 }],
    }
}

async fn commits_only_what_still_holds<S: Storage>(storage: &S, other: &S) {
    let nothing = Hash::default();
    for stale in [commit(2, nothing, 0), commit(1, Hash([8; 32]), 0), commit(1, nothing, 1)] {
        assert_eq!(storage.commit_bundle(stale).await.unwrap(), Committed::Conflict);
    }
    let mut broken = commit(1, nothing, 0);
    broken.documents.clear();
    assert!(storage.commit_bundle(broken).await.is_err());
    assert_eq!(storage.documents(vec![KEY]).await.unwrap(), [KeptDocument::default()]);
    assert_eq!((storage.receipt(Hash([1; 32])).await.unwrap(), rows(storage, "person:1").await), (None, 0));
    // The same bundle at the same moment from two processes is kept once.
    let both = futures::join!(storage.commit_bundle(commit(1, nothing, 0)), other.commit_bundle(commit(1, nothing, 0)));
    let both = [both.0.unwrap(), both.1.unwrap()];
    assert!(both.contains(&Committed::Done) && both.contains(&Committed::Conflict), "{both:?}");
    assert_eq!(storage.commit_bundle(commit(2, Hash([1; 32]), 0)).await.unwrap(), Committed::Conflict);
    assert_eq!(storage.commit_bundle(commit(2, Hash([1; 32]), 1)).await.unwrap(), Committed::Done);
    assert_eq!(storage.receipt(Hash([2; 32])).await.unwrap(), Some(vec![2]));
    assert_eq!(storage.device(device(1)).await.unwrap().unwrap().last, (2, Hash([2; 32])));
    let kept =
        KeptDocument { version: 2, owner: Some(nip(1)), home: Some("person:1".into()), changes: vec![vec![1; 40], vec![2; 40]] };
    let elsewhere = DocumentKey { kind: 1, ..KEY };
    assert_eq!(storage.documents(vec![elsewhere, KEY]).await.unwrap(), [KeptDocument::default(), kept]);
    let refused = Quarantined { device: device(1), code: "fork".into(), key: None, bytes: vec![1], at: T0 };
    storage.quarantine(refused.clone()).await.unwrap();
    storage.quarantine(refused).await.unwrap();
}

async fn pages_streams<S: Storage>(storage: &S) {
    assert_eq!(storage.stream_page(query("none", &[], 10)).await.unwrap(), None);
    let first = storage.stream_page(query("person:1", &[], 1)).await.unwrap().unwrap();
    let change = |byte: u8| Row::Change { kind: 900, id: [3; 16], bytes: vec![byte; 40], origin: None };
    assert_eq!((first.rows.as_slice(), first.cursor.position, first.more), ([change(1)].as_slice(), 1, true));
    assert_eq!(first.cursor.hash, change(1).chained_hash(&[0; 8]));
    let second = storage.stream_page(query("person:1", &[first.cursor], 1)).await.unwrap().unwrap();
    assert_eq!((second.rows, second.cursor.position, second.more), (vec![change(2)], 2, false));
    assert_eq!(second.cursor.hash, change(2).chained_hash(&first.cursor.hash));
    // A byte budget too small for any row still gives one; no row budget gives none, and says that there are more.
    let page = async |rows, bytes, asking| {
        let query = StreamQuery { bytes, asking, ..query("person:1", &[], rows) };
        let page = storage.stream_page(query).await.unwrap().unwrap();
        (page.rows.len(), page.cursor.position, page.more)
    };
    assert_eq!(page(10, 1, device(99)).await, (1, 1, true));
    assert_eq!(page(0, 1000, device(99)).await, (0, 0, true));
    assert_eq!(page(10, 1000, device(1)).await, (0, 2, false));
    // A cursor that stands on no row of this history starts over.
    for wrong in [Cursor { hash: [7; 8], ..first.cursor }, Cursor { position: 77, ..first.cursor }] {
        let page = storage.stream_page(query("person:1", &[wrong], 10)).await.unwrap().unwrap();
        assert_eq!(page.rows.len(), 2);
    }
}
