//! What every storage must do. One suite, run by each.

use lentera_domain::rules::LogRules;
use lentera_domain::server_record::Employee;
use lentera_domain::{Day, Nip, Timestamp};
use lentera_protocol::bundle::{Part, Stamp};
use lentera_protocol::stream::{Cursor, Page, Row};
use lentera_protocol::{DeviceId, Hash};

use super::*;

mod news;

const T0: Timestamp = Timestamp::from_millis(1_795_399_200_000);
const DAY: i64 = 24 * 60 * 60 * 1000;

/// Runs the suite on an empty storage. `open_again` opens what was kept, as a second process would.
pub async fn run<S: Storage>(storage: S, open_again: impl Fn() -> S) {
    makes_one_office(&storage).await;
    imports_what_differs(&storage).await;
    counts_tries(&storage).await;
    sets_secrets_only_as_seen(&storage).await;
    enrols_and_revokes(&storage).await;
    counts_requests_upwards(&storage).await;
    commits_only_what_still_holds(&storage, &open_again()).await;
    keeps_what_waits_until_it_is_settled(&storage).await;
    remembers_the_newest_refused_changes(&storage).await;
    keeps_parts_of_one_change(&storage).await;
    holds_what_barred_devices_send(&storage).await;
    news::run(&storage).await;
    suspects_what_was_found_twice(&storage).await;
    keeps_what_nobody_could_judge_until_it_is_judged(&storage).await;
    let again = open_again();
    assert_eq!(again.office().await.unwrap().as_deref(), Some("Kantor"));
    assert_eq!(again.device(device(1)).await.unwrap(), storage.device(device(1)).await.unwrap());
}

fn rules(minutes_per_day: u32) -> LogRules {
    LogRules {
        effective_from: Day::parse("2020-01-01").unwrap(),
        late_after_days: 2,
        entries_per_day: 7,
        minutes_per_day,
        benefit_of_doubt: true,
    }
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

/// Asks for all, oldest first, for a device that has sent nothing.
fn query(seed: u8) -> NewsQuery {
    NewsQuery { device: device(seed), cursors: vec![], rows: 1000, bytes: 1_000_000, newest_first: false, amendments: None }
}

async fn news<S: Storage>(storage: &S, query: NewsQuery) -> News {
    storage.news(query).await.unwrap().unwrap()
}

/// The rows of all pages.
fn all(news: News) -> Vec<Row> {
    news.pages.into_iter().flat_map(|page| page.rows).collect()
}

/// The bytes that stand for changes in what a device is given, in order.
async fn changes_for<S: Storage>(storage: &S, seed: u8) -> Vec<u8> {
    let rows = all(news(storage, query(seed)).await);
    rows.into_iter().filter_map(|row| if let Row::Change { bytes, .. } = row { bytes.first().copied() } else { None }).collect()
}

async fn makes_one_office<S: Storage>(storage: &S) {
    assert_eq!(storage.office().await.unwrap(), None);
    assert!(storage.create_office("Kantor".into(), rules(450)).await.unwrap());
    assert!(!storage.create_office("Lain".into(), rules(1)).await.unwrap());
    assert_eq!(storage.office().await.unwrap().as_deref(), Some("Kantor"));
    assert!(!storage.put_log_rules(rules(450)).await.unwrap());
    assert!(storage.put_log_rules(rules(390)).await.unwrap());
}

async fn imports_what_differs<S: Storage>(storage: &S) {
    let staff = vec![employee(1, "A"), employee(2, "A")];
    assert_eq!(storage.import_staff(staff).await.unwrap(), Imported { new: 2, ..Imported::default() });
    let staff = vec![employee(1, "A"), employee(2, "B"), employee(3, "B")];
    assert_eq!(storage.import_staff(staff).await.unwrap(), Imported { new: 1, changed: 1, same: 1 });
    assert_eq!(storage.person(nip(1)).await.unwrap().unwrap().scope_epoch, 1);
    assert_eq!(storage.person(nip(2)).await.unwrap().unwrap().scope_epoch, 2);
    assert_eq!(storage.known_people(vec![nip(1), nip(9)]).await.unwrap(), [nip(1)]);
    for (epoch, unit) in [(0, "A"), (1, "A"), (2, "B"), (9, "B")] {
        assert_eq!(storage.unit_at(nip(2), epoch).await.unwrap().as_deref(), Some(unit), "{epoch}");
    }
    assert_eq!(storage.unit_at(nip(9), 1).await.unwrap(), None);
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
    assert_eq!((kept.employee.clone(), kept.is_barred(), kept.last), (employee(1, "A"), false, (0, Hash::default())));
    assert_eq!(storage.device(device(2)).await.unwrap().unwrap().revoked_at, Some(T0));
    assert_eq!(storage.devices(nip(1)).await.unwrap(), [kept]);
    for (seed, person) in [(11, 1), (12, 1), (13, 2), (14, 3)] {
        assert_eq!(enrol(seed, person, None).await, Enrolled::Done);
    }
    // An earlier key is known again and frozen; one that is known stays as it is.
    for (seed, frozen_at) in [(200, Some(T0)), (11, None)] {
        let earlier = Enrolment { nip: nip(1), key: [seed; 32], at: T0, new_password: None };
        storage.know_earlier_key(earlier).await.unwrap();
        let known = storage.device(device(seed)).await.unwrap().unwrap();
        assert_eq!((known.employee.nip, known.frozen_at), (nip(1), frozen_at));
    }
    assert_eq!(storage.devices(nip(1)).await.unwrap().len(), 4);
}

async fn counts_requests_upwards<S: Storage>(storage: &S) {
    for (counter, counted) in [(5, Ok(())), (5, Err(5)), (4, Err(5)), (6, Ok(()))] {
        assert_eq!(storage.count_request(device(1), counter).await.unwrap(), counted);
    }
    assert_eq!(storage.count_request(device(77), 1).await.unwrap(), Err(0));
    assert_eq!(storage.device(device(1)).await.unwrap().unwrap().counter, 6);
}

const KEY: DocumentKey = DocumentKey { kind: 900, id: [3; 16] };
const SAVED: Stamp = Stamp { wall: 7, boot: None, anchor: Some(5), since_anchor: Some(2) };

fn person_stream(number: u32) -> String {
    format!("person:{}", nip(number))
}

/// Hash of the bundle of a device with this number.
fn hash(seed: u8, number: u64) -> Hash {
    if number == 0 { Hash::default() } else { Hash::of(&[seed, number.to_le_bytes()[0]]) }
}

/// A bundle with nothing in it.
fn empty(seed: u8, number: u64) -> Commit {
    Commit {
        device: device(seed),
        number,
        after: (number - 1, hash(seed, number - 1)),
        hash: hash(seed, number),
        bytes: vec![1; 10],
        receipt: vec![number.to_le_bytes()[0]],
        arrived: T0,
        from_barred: false,
        documents: vec![],
        changes: vec![],
        judged: vec![],
        waiting: vec![],
        settled: vec![],
        amendments: vec![],
        quarantined: vec![],
        parts: Parts::Drop,
    }
}

/// One change, which `byte` stands for, of the first device's person.
fn change(key: DocumentKey, byte: u8, seed: u8, author: u32, number: u64) -> AcceptedChange {
    let bytes = vec![byte; 40];
    let hash = [byte; 32];
    AcceptedChange {
        key,
        hash,
        bytes,
        unjudged: None,
        device: device(seed),
        number,
        author: nip(author),
        saved: SAVED,
        arrived: T0,
    }
}

fn document(key: DocumentKey, version: u64, home: &str) -> DocumentCommit {
    DocumentCommit { key, version, owner: Some(nip(1)), home: Some(home.into()), record: None }
}

/// A bundle with one change of its number's byte.
fn commit(number: u64, version: u64) -> Commit {
    let byte = number.to_le_bytes()[0];
    let refused =
        Quarantined { device: device(1), code: "x".into(), key: Some(KEY), change: Some([99; 32]), bytes: vec![byte], at: T0 };
    Commit {
        documents: vec![document(KEY, version, &person_stream(1))],
        changes: vec![change(KEY, byte, 1, 1, number)],
        quarantined: vec![refused],
        ..empty(1, number)
    }
}

async fn word<S: Storage>(storage: &S, seed: u8, number: u64) -> Option<Vec<u8>> {
    storage.sender(device(seed), hash(seed, number)).await.unwrap().unwrap().receipt
}

async fn commits_only_what_still_holds<S: Storage>(storage: &S, other: &S) {
    let misplaced = Commit { after: (0, Hash([8; 32])), ..commit(1, 0) };
    for stale in [commit(2, 0), misplaced, commit(1, 1)] {
        assert_eq!(storage.commit_bundle(stale).await.unwrap(), Committed::Conflict);
    }
    let homeless = DocumentCommit { home: None, ..document(KEY, 0, "") };
    for broken in [vec![], vec![homeless]] {
        assert!(storage.commit_bundle(Commit { documents: broken, ..commit(1, 0) }).await.is_err());
    }
    assert_eq!(storage.documents(vec![KEY]).await.unwrap(), [KeptDocument::default()]);
    assert_eq!((word(storage, 1, 1).await, changes_for(storage, 11).await), (None, vec![]));
    // The same bundle at the same moment from two processes is kept once.
    let both = futures::join!(storage.commit_bundle(commit(1, 0)), other.commit_bundle(commit(1, 0)));
    let both = [both.0.unwrap(), both.1.unwrap()];
    assert!(both.contains(&Committed::Done) && both.contains(&Committed::Conflict), "{both:?}");
    assert_eq!(storage.commit_bundle(commit(2, 0)).await.unwrap(), Committed::Conflict);
    assert_eq!(storage.commit_bundle(commit(2, 1)).await.unwrap(), Committed::Done);
    assert_eq!(word(storage, 1, 2).await, Some(vec![2]));
    for (after, limit, expected) in
        [(0, 9, vec![vec![1], vec![2]]), (0, 1, vec![vec![1]]), (1, 9, vec![vec![2]]), (u64::MAX, 9, vec![])]
    {
        assert_eq!(storage.receipts(device(1), after, limit).await.unwrap(), expected);
    }
    for (seed, after, limit, expected) in [
        (1, 0, 10, &[vec![1], vec![2]][..]),
        (1, 0, 1, &[vec![1]]),
        (1, 1, 10, &[vec![2]]),
        (1, u64::MAX, 10, &[]),
        (11, 0, 10, &[]),
    ] {
        assert_eq!(storage.receipts(device(seed), after, limit).await.unwrap(), expected);
    }
    assert_eq!(storage.sender(device(77), hash(1, 2)).await.unwrap(), None);
    assert_eq!(storage.sender(device(11), hash(1, 2)).await.unwrap().unwrap().receipt, None);
    assert_eq!(storage.device(device(1)).await.unwrap().unwrap().last, (2, hash(1, 2)));
    assert_eq!(news(storage, query(1)).await.last, (2, hash(1, 2)));
    let refused = RefusedChange { hash: [99; 32], device: device(1), code: "x".into() };
    let kept = KeptDocument {
        version: 2,
        owner: Some(nip(1)),
        home: Some(person_stream(1)),
        changes: [1, 2].map(|byte| KeptChange { bytes: vec![byte; 40], unjudged: None }).to_vec(),
        waiting: vec![],
        refused: vec![refused.clone(), refused],
    };
    let elsewhere = DocumentKey { kind: 1, ..KEY };
    assert_eq!(storage.documents(vec![elsewhere, KEY]).await.unwrap(), [KeptDocument::default(), kept]);
    // The same bytes are another change in another document.
    let elsewhere = DocumentKey { kind: 901, ..KEY };
    let twice = Commit {
        documents: vec![DocumentCommit { home: None, owner: None, ..document(elsewhere, 0, "") }],
        quarantined: vec![Quarantined {
            device: device(1),
            code: "x".into(),
            key: Some(elsewhere),
            change: Some([99; 32]),
            bytes: vec![1],
            at: T0,
        }],
        ..empty(11, 1)
    };
    assert_eq!(storage.commit_bundle(twice).await.unwrap(), Committed::Done);
    assert_eq!(storage.documents(vec![elsewhere]).await.unwrap()[0].refused.len(), 1);
    let refused = Quarantined { device: device(1), code: "y".into(), key: None, change: None, bytes: vec![1], at: T0 };
    storage.quarantine(refused.clone()).await.unwrap();
    storage.quarantine(refused).await.unwrap();
}

async fn keeps_what_waits_until_it_is_settled<S: Storage>(storage: &S) {
    let place = Place { device: device(14), number: 1, index: 3 };
    let waiting = WaitingChange {
        place,
        key: KEY,
        needs: [50; 32],
        bytes: vec![51; 40],
        saved: SAVED,
        generation: 2,
        home: "unit:B".into(),
    };
    let same = || document(KEY, 2, &person_stream(1));
    let waits = Commit { documents: vec![same()], waiting: vec![waiting.clone()], ..empty(14, 1) };
    assert_eq!(storage.commit_bundle(waits).await.unwrap(), Committed::Done);
    // Who judged before it waited has to judge again.
    assert_eq!(storage.commit_bundle(commit(3, 2)).await.unwrap(), Committed::Conflict);
    let kept = storage.documents(vec![KEY]).await.unwrap().remove(0);
    let expected =
        Waiting { change: waiting.clone(), key: [14; 32], author: nip(3), arrived: T0, receipt: vec![1], amendment: 0 };
    assert_eq!((kept.version, kept.waiting), (3, vec![expected]));
    // It waits for another one now, and then no more.
    let amendment =
        |previous, number| Amendment { device: device(14), bundle: 1, previous, number, receipt: vec![number.to_le_bytes()[0]] };
    let moved = WaitingChange { needs: [52; 32], ..waiting };
    let on = Commit { waiting: vec![moved], amendments: vec![amendment(0, 20)], ..commit(3, 3) };
    assert_eq!(storage.commit_bundle(on).await.unwrap(), Committed::Done);
    let kept = storage.documents(vec![KEY]).await.unwrap().remove(0);
    assert_eq!(
        (kept.waiting[0].change.needs, kept.waiting[0].amendment, kept.waiting[0].receipt.as_slice()),
        ([52; 32], 20, &[20_u8][..])
    );
    let settled = |previous| Commit {
        changes: vec![change(KEY, 4, 1, 1, 4), change(KEY, 51, 14, 3, 1)],
        settled: vec![place],
        amendments: vec![amendment(previous, 21), amendment(21, 22)],
        ..commit(4, 4)
    };
    assert_eq!(storage.commit_bundle(settled(0)).await.unwrap(), Committed::Conflict);
    assert_eq!(storage.commit_bundle(settled(20)).await.unwrap(), Committed::Done);
    assert_eq!((word(storage, 14, 1).await, storage.last_amendment(device(14)).await.unwrap()), (Some(vec![1]), 22));
    assert_eq!(storage.receipts(device(14), 0, 9).await.unwrap(), [vec![1]]);
    assert_eq!(storage.bundle(device(14), 1).await.unwrap(), Some(empty(14, 1).bytes));
    assert_eq!((storage.bundle(device(14), 2).await.unwrap(), storage.bundle(device(13), 1).await.unwrap()), (None, None));
    for (of, number, last) in [(14, 1, Some(vec![22])), (14, 2, None), (1, 4, Some(vec![4])), (14, u64::MAX >> 1, None)] {
        assert_eq!(storage.last_word(device(of), number).await.unwrap(), last);
    }
    assert!(storage.documents(vec![KEY]).await.unwrap().remove(0).waiting.is_empty());
    // The home's people get it, its author's other devices too; those get nothing that others wrote.
    assert_eq!(changes_for(storage, 11).await, [1, 2, 3, 4, 51]);
    storage.enrol_device(Enrolment { nip: nip(3), key: [15; 32], at: T0, new_password: None }).await.unwrap();
    assert_eq!(changes_for(storage, 15).await, [51]);
    let told = async |above, max| {
        let news = news(storage, NewsQuery { amendments: Some((above, max)), rows: 0, ..query(14) }).await;
        (news.amendments, news.more)
    };
    assert_eq!(told(0, 3).await.0, [vec![20], vec![21], vec![22]]);
    assert_eq!(told(20, 1).await, (vec![vec![21]], true));
    assert_eq!(told(22, 1).await.0, Vec::<Vec<u8>>::new());
    assert_eq!(told(u64::MAX, 1).await.0, Vec::<Vec<u8>>::new());
}

async fn keeps_what_nobody_could_judge_until_it_is_judged<S: Storage>(storage: &S) {
    let key = DocumentKey { kind: 900, id: [91; 16] };
    let unseen = |byte| AcceptedChange { unjudged: Some(3), ..change(key, byte, 11, 1, 4) };
    let first =
        Commit { documents: vec![document(key, 0, &person_stream(1))], changes: vec![unseen(92), unseen(93)], ..empty(11, 4) };
    assert_eq!(storage.commit_bundle(first).await.unwrap(), Committed::Done);
    let unjudged = Unjudged { device: device(11), key: [11; 32], generation: 3, author: nip(1), arrived: T0 };
    let kept = |byte, unjudged| KeptChange { bytes: vec![byte; 40], unjudged };
    let expected = [kept(92, Some(unjudged.clone())), kept(93, Some(unjudged.clone()))];
    assert_eq!(storage.documents(vec![key]).await.unwrap()[0].changes, expected);
    let judged = JudgedChange { key, before: [92; 32], hash: [192; 32] };
    let next = Commit { documents: vec![document(key, 1, &person_stream(1))], judged: vec![judged], ..empty(11, 5) };
    assert_eq!(storage.commit_bundle(next).await.unwrap(), Committed::Done);
    assert_eq!(storage.documents(vec![key]).await.unwrap()[0].changes, [kept(92, None), kept(93, Some(unjudged))]);
}

async fn remembers_the_newest_refused_changes<S: Storage>(storage: &S) {
    let key = DocumentKey { kind: 900, id: [90; 16] };
    let refused = |n: usize| {
        let mut hash = [0; 32];
        hash.iter_mut().zip(n.to_le_bytes()).for_each(|(byte, of)| *byte = of);
        let bytes = n.to_le_bytes().to_vec();
        Quarantined { device: device(11), code: "x".into(), key: Some(key), change: Some(hash), bytes, at: T0 }
    };
    let refuse = |number, version, range: std::ops::Range<usize>| Commit {
        documents: vec![DocumentCommit { home: None, owner: None, ..document(key, version, "") }],
        quarantined: range.map(refused).collect(),
        ..empty(11, number)
    };
    let kept = async || storage.documents(vec![key]).await.unwrap().remove(0).refused;
    assert_eq!(storage.commit_bundle(refuse(2, 0, 0..REFUSED_MAX)).await.unwrap(), Committed::Done);
    assert_eq!(kept().await.len(), REFUSED_MAX);
    assert_eq!(storage.commit_bundle(refuse(3, 1, REFUSED_MAX..REFUSED_MAX + 1)).await.unwrap(), Committed::Done);
    let kept = kept().await;
    assert_eq!((kept.len(), Some(kept[0].hash)), (REFUSED_MAX, refused(REFUSED_MAX).change));
    assert!(!kept.iter().any(|kept| Some(kept.hash) == refused(0).change));
}

async fn keeps_parts_of_one_change<S: Storage>(storage: &S) {
    let piece = |number: u64, offset| KeptPart {
        number,
        key: KEY,
        part: Part { whole: Hash([5; 32]), offset, length: 30 },
        bytes: vec![number.to_le_bytes()[0]; 10],
    };
    let keep = async |number, offset| {
        let commit = Commit { parts: Parts::Keep(piece(number, offset)), ..empty(12, number) };
        assert_eq!(storage.commit_bundle(commit).await.unwrap(), Committed::Done);
        storage.parts(device(12)).await.unwrap()
    };
    assert_eq!(keep(1, 0).await, [piece(1, 0)]);
    assert_eq!(keep(2, 10).await, [piece(1, 0), piece(2, 10)]);
    assert_eq!(keep(3, 0).await, [piece(3, 0)]);
    assert_eq!(storage.parts(device(1)).await.unwrap(), []);
    assert_eq!(storage.commit_bundle(empty(12, 4)).await.unwrap(), Committed::Done);
    assert_eq!(storage.parts(device(12)).await.unwrap(), []);
}

async fn holds_what_barred_devices_send<S: Storage>(storage: &S) {
    let fork = Quarantined { device: device(12), code: "fork".into(), key: None, change: None, bytes: vec![9], at: T0 };
    storage.freeze_device(fork.clone()).await.unwrap();
    storage.freeze_device(Quarantined { at: T0.plus_millis(1), ..fork }).await.unwrap();
    assert_eq!(storage.device(device(12)).await.unwrap().unwrap().frozen_at, Some(T0));
    let enrolment = Enrolment { nip: nip(1), key: [12; 32], at: T0, new_password: None };
    assert_eq!(storage.enrol_device(enrolment).await.unwrap(), Enrolled::Frozen);
    assert_eq!(storage.commit_bundle(empty(12, 5)).await.unwrap(), Committed::Conflict);
    let held = |number| HeldBundle { device: device(12), number, hash: hash(12, number), bytes: vec![1], at: T0 };
    for number in [6, 5, 6] {
        storage.hold(held(number)).await.unwrap();
    }
    assert_eq!(storage.held(device(12)).await.unwrap(), [held(5), held(6)]);
    let confirmed = Commit { from_barred: true, ..empty(12, 5) };
    assert_eq!(storage.commit_bundle(confirmed).await.unwrap(), Committed::Done);
    assert_eq!(storage.held(device(12)).await.unwrap(), [held(6)]);
}

async fn suspects_what_was_found_twice<S: Storage>(storage: &S) {
    assert_eq!(storage.suspect(vec![[1; 32], [2; 32]]).await.unwrap(), Vec::<[u8; 32]>::new());
    assert_eq!(storage.suspect(vec![[2; 32]]).await.unwrap(), [[2; 32]]);
    assert_eq!(storage.suspect(vec![]).await.unwrap(), [[2; 32]]);
}
