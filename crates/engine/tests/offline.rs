//! The engine without a server: real folders and real SQLite files; only clock, randomness and network are the test's.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test")]

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use ed25519_dalek::SigningKey;
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use lentera_api::{Command, Error};
use lentera_domain::Timestamp;
use lentera_domain::server_record::Employee;
use lentera_engine::{Engine, Platform, Response, TransportError};
use lentera_protocol::account::{Enrol, EnrolAnswer, Hello, HelloAnswer};
use lentera_protocol::bundle::{Boot, Bundle};
use lentera_protocol::receipt::Receipt;
use lentera_protocol::sign::{peek, sign};
use lentera_protocol::stream::{Cursor, Page, Row};
use lentera_protocol::sync::{Answer, Header, Reply, Sealed};
use lentera_protocol::{Hash, decode, frame};
use serde_json::{Value, json};

/// 2026-11-23 10:00 WITA.
const NOW: i64 = 1_795_399_200_000;

/// What answers a request, if the network is up.
type Answering = fn(&str, &[u8]) -> Response;

struct TestPlatform {
    now: Cell<i64>,
    seed: Cell<u64>,
    answering: Cell<Option<Answering>>,
}

impl TestPlatform {
    fn new() -> Rc<Self> {
        Rc::new(Self { now: Cell::new(NOW), seed: Cell::new(1), answering: Cell::new(Some(office)) })
    }
}

impl Platform for TestPlatform {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.get())
    }
    fn boot(&self) -> Option<Boot> {
        Some(Boot { id: 1, millis: self.now.get() - NOW })
    }
    fn fill_random(&self, bytes: &mut [u8]) {
        let seed = self.seed.get();
        self.seed.set(seed + 1);
        bytes.iter_mut().zip(Hash::of(&seed.to_be_bytes()).0).for_each(|(byte, random)| *byte = random);
    }
    fn sleep(&self, _: u64) -> LocalBoxFuture<'static, ()> {
        futures::future::pending().boxed_local()
    }
    fn post(&self, url: String, body: Vec<u8>) -> LocalBoxFuture<'static, Result<Response, TransportError>> {
        let answer = self.answering.get().map(|answering| answering(&url, &body)).ok_or(TransportError::Unreachable);
        futures::future::ready(answer).boxed_local()
    }
}

fn server_key() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

fn reply(body: Vec<u8>) -> Response {
    Response { status: 200, body, retry_after: None }
}

/// Answers as the office's server would, without keeping anything.
fn office(url: &str, body: &[u8]) -> Response {
    let key = server_key();
    match url.rsplit('/').next().unwrap() {
        "hello" => {
            let hello: Hello = decode(body).unwrap();
            let answer = HelloAnswer {
                nonce: hello.nonce,
                key: key.verifying_key().to_bytes(),
                office: "Dinas Contoh".into(),
                versions: (1, 1),
                time: NOW,
            };
            reply(sign(&answer, &key))
        }
        "enrol" => {
            let enrol: Enrol = peek(body).unwrap();
            let employee: Employee = serde_json::from_value(json!({
                "nip": enrol.nip, "name": "Siti Contoh", "position": "Penyuluh", "unit": "Perindustrian"
            }))
            .unwrap();
            let employee = serde_json::to_string(&employee).unwrap();
            reply(sign(&Reply::Done(EnrolAnswer { employee, scope_epoch: 1, time: NOW }), &key))
        }
        _ => {
            let mut frames = frame::Frames::default();
            frames.push(body);
            let header: Header = peek(&frames.next(10_000).unwrap().unwrap()).unwrap();
            let mut receipts = Vec::new();
            while let Some(sealed) = frames.next(100_000).unwrap() {
                let bundle: Bundle = peek(&sealed).unwrap();
                let receipt = Receipt {
                    device: bundle.device,
                    number: bundle.number,
                    bundle: Hash::of(&sealed),
                    exceptions: vec![],
                    time: NOW,
                };
                receipts.push(Sealed(sign(&receipt, &key)));
            }
            let answer = Answer {
                counter: header.counter,
                receipts,
                unreadable: vec![],
                pages: lentera_protocol::stream::pack(&[]).unwrap(),
                more: false,
                scope_epoch: 1,
                time: NOW,
            };
            reply(sign(&Reply::Done(answer), &key))
        }
    }
}

fn invite() -> String {
    let fingerprint = Hash::of(server_key().verifying_key().as_bytes()).to_string();
    json!({"format": "lentera-invite-1", "office": "Dinas Contoh", "address": "http://office.test", "fingerprint": fingerprint})
        .to_string()
}

fn call(engine: &Engine, name: &str, arguments: Value) -> Result<Value, Error> {
    let command = Command::read(name, arguments)?;
    engine.dispatch(command).now_or_never().expect("no command waits on this platform")
}

fn enrolled(folder: &Path, platform: &Rc<TestPlatform>) -> Engine {
    let engine = Engine::open(folder, Rc::clone(platform) as Rc<dyn Platform>, |_| {}).unwrap();
    if call(&engine, "status", json!({})).unwrap()["person"].is_null() {
        let arguments = json!({"invite": invite(), "nip": "19720315 199803 2 000", "password": "rahasia-lama"});
        call(&engine, "enrol", arguments).unwrap();
    }
    engine
}

fn activity(text: &str, start: &str, end: &str) -> Value {
    json!({"form": {"day": "2026-11-23", "start": start, "end": end, "category": "Administrasi", "activity": text}})
}

#[test]
fn saved_work_is_there_after_opening_again_and_arrives_once_the_network_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let platform = TestPlatform::new();
    let engine = enrolled(folder.path(), &platform);
    platform.answering.set(None);
    call(&engine, "add_log_entry", activity("Rekap harga", "7.30", "9")).unwrap();
    let umkm = json!({"form": {"name": "Dapur Melati", "owner_name": "Aluh", "village": "63.11.01.2001", "phone": "0812"}});
    let umkm = call(&engine, "register_umkm", umkm).unwrap();
    let visit =
        json!({"form": {"umkm": umkm["id"], "day": "2026-11-23", "start": "9.15", "end": "11.15", "purposes": "pembinaan"}});
    call(&engine, "record_visit", visit).unwrap();
    call(&engine, "save_draft", json!({"name": "log_entry/new", "content": {"activity": "Lapo"}})).unwrap();
    let delivery = call(&engine, "sync_now", json!({})).unwrap();
    assert_eq!(delivery["cause"], "unreachable");
    drop(engine);

    let engine = enrolled(folder.path(), &platform);
    let home = call(&engine, "home", json!({})).unwrap();
    assert_eq!(home["today"]["entries"].as_array().unwrap().len(), 2);
    assert_eq!(home["light"]["waiting"], 4, "an activity, an enterprise, a visit and its activity");
    assert_eq!(home["drafts"][0]["content"]["activity"], "Lapo");
    assert_eq!(home["month"]["waiting"], 1);
    let delivery = call(&engine, "delivery", json!({})).unwrap();
    let titles: Vec<_> = delivery["waiting"].as_array().unwrap().iter().map(|row| row["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Rekap harga", "Dapur Melati", "Dapur Melati", "Kunjungan: Dapur Melati"]);

    platform.answering.set(Some(office));
    let delivery = call(&engine, "sync_now", json!({})).unwrap();
    assert_eq!(delivery["light"]["waiting"], 0);
    assert_eq!(delivery["light"]["arrived_at"], NOW);
    assert_eq!(call(&engine, "home", json!({})).unwrap()["month"]["counted"], 1);
}

#[test]
fn a_receipt_of_another_key_does_not_turn_the_light() {
    let folder = tempfile::tempdir().unwrap();
    let platform = TestPlatform::new();
    let engine = enrolled(folder.path(), &platform);
    call(&engine, "add_log_entry", activity("Rekap", "8", "9")).unwrap();
    platform.answering.set(Some(|_, body| {
        let honest = office("sync", body);
        let mut answer: Reply<Answer> = peek(&honest.body).unwrap();
        let forger = SigningKey::from_bytes(&[13; 32]);
        if let Reply::Done(answer) = &mut answer {
            answer.receipts =
                answer.receipts.iter().map(|receipt| Sealed(sign(&peek::<Receipt>(&receipt.0).unwrap(), &forger))).collect();
        }
        reply(sign(&answer, &server_key()))
    }));
    assert_eq!(call(&engine, "sync_now", json!({})).unwrap()["light"]["waiting"], 1);
    platform.answering.set(Some(|_, body| {
        let answer: Reply<Answer> = peek(&office("sync", body).body).unwrap();
        reply(sign(&answer, &SigningKey::from_bytes(&[13; 32])))
    }));
    let delivery = call(&engine, "sync_now", json!({})).unwrap();
    assert_eq!((delivery["light"]["waiting"].as_u64(), delivery["cause"].as_str()), (Some(1), Some("not_our_server")));
    platform.answering.set(Some(|_, _| Response { status: 200, body: b"<html>hotspot</html>".to_vec(), retry_after: None }));
    assert_eq!(call(&engine, "sync_now", json!({})).unwrap()["cause"], "wrong_address");
}

#[test]
fn sealed_bytes_stay_the_same_however_often_they_are_sent() {
    thread_local!(static SEEN: std::cell::RefCell<Vec<Vec<u8>>> = const { std::cell::RefCell::new(Vec::new()) });
    let folder = tempfile::tempdir().unwrap();
    let platform = TestPlatform::new();
    let engine = enrolled(folder.path(), &platform);
    call(&engine, "add_log_entry", activity("Rekap", "8", "9")).unwrap();
    let lost: Answering = |_, body| {
        let mut frames = frame::Frames::default();
        frames.push(body);
        frames.next(10_000).unwrap().unwrap();
        SEEN.with_borrow_mut(|seen| seen.push(frames.next(10_000).unwrap().unwrap()));
        Response { status: 502, body: Vec::new(), retry_after: None }
    };
    platform.answering.set(Some(lost));
    call(&engine, "sync_now", json!({})).unwrap();
    platform.now.set(NOW + 5_000);
    call(&engine, "add_log_entry", activity("Lain", "9", "10")).unwrap();
    call(&engine, "sync_now", json!({})).unwrap();
    SEEN.with_borrow(|seen| assert_eq!(seen[0], seen[1]));
    platform.answering.set(Some(office));
    assert_eq!(call(&engine, "sync_now", json!({})).unwrap()["light"]["waiting"], 0);
}

#[test]
fn bad_input_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = enrolled(folder.path(), &TestPlatform::new());
    let refused = |arguments: Value| match call(&engine, "add_log_entry", arguments) {
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
    assert!(matches!(call(&engine, "record_visit", unknown), Err(Error::NotFound { .. })));
    let status = call(&engine, "status", json!({})).unwrap();
    assert_eq!(status["light"]["waiting"], 0);
}

#[test]
fn what_is_odd_is_kept_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let engine = enrolled(folder.path(), &TestPlatform::new());
    for text in ["👩🏽‍🌾 panen", "שלום עולם", "a\u{200b}b\u{202e}c"] {
        let added = call(&engine, "add_log_entry", activity(text, "8", "9")).unwrap();
        let read = call(&engine, "log_entry", json!({"id": added["id"]})).unwrap();
        assert_eq!(read["entry"]["activity"], text);
    }
    let mut earlier = activity("lama", "8", "9");
    earlier["form"]["day"] = "2026-10-30".into();
    let effects = call(&engine, "add_log_entry", earlier).unwrap()["effects"].clone();
    assert_eq!(effects, json!([{"effect": "earlier_month"}]));
    let overlap = call(&engine, "add_log_entry", activity("lagi", "8.30", "9.30")).unwrap();
    assert_eq!(overlap["effects"].as_array().unwrap().len(), 3);
}

#[test]
fn a_draft_about_another_enterprise_stays() {
    let folder = tempfile::tempdir().unwrap();
    let engine = enrolled(folder.path(), &TestPlatform::new());
    let register = |name: &str| {
        let form = json!({"form": {"name": name, "owner_name": "Aluh", "village": "63.11.01.2001"}});
        call(&engine, "register_umkm", form).unwrap()["id"].clone()
    };
    let (dapur, bengkel) = (register("Dapur"), register("Bengkel"));
    call(&engine, "save_draft", json!({"name": "visit/new", "content": {"umkm": bengkel, "problem": "modal"}})).unwrap();
    let visit =
        |umkm: &Value| json!({"form": {"umkm": umkm, "day": "2026-11-23", "start": "8", "end": "9", "purposes": "pembinaan"}});
    call(&engine, "record_visit", visit(&dapur)).unwrap();
    assert_eq!(call(&engine, "draft", json!({"name": "visit/new"})).unwrap()["content"]["problem"], "modal");
    call(&engine, "record_visit", visit(&bengkel)).unwrap();
    assert_eq!(call(&engine, "draft", json!({"name": "visit/new"})).unwrap(), Value::Null);
}

#[test]
fn cancelling_keeps_and_restoring_brings_back() {
    let folder = tempfile::tempdir().unwrap();
    let engine = enrolled(folder.path(), &TestPlatform::new());
    let id = call(&engine, "add_log_entry", activity("Rapat", "8", "9")).unwrap()["id"].clone();
    let cancelled = call(&engine, "cancel_log_entry", json!({"id": id})).unwrap();
    assert_eq!(cancelled["entry"]["status"], "cancelled");
    assert_eq!(call(&engine, "log_day", json!({})).unwrap()["minutes"], 0);
    let restored = call(&engine, "restore_log_entry", json!({"id": id})).unwrap();
    assert_eq!(restored["entry"]["status"], "noted");
    assert_eq!(call(&engine, "log_day", json!({})).unwrap()["minutes"], 60);
}

#[test]
fn edits_write_what_the_person_changed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let engine = enrolled(folder.path(), &TestPlatform::new());
    let added = call(&engine, "add_log_entry", activity("Rapat", "8", "9")).unwrap();
    let mut form = added["form"].clone();
    form["obstacle"] = "listrik padam".into();
    call(&engine, "edit_log_entry", json!({"id": added["id"], "opened": added["form"], "form": form})).unwrap();
    // A second window, opened before the first edit: its untouched fields do not undo it.
    let mut other = added["form"].clone();
    other["end"] = "10.00".into();
    let edited = call(&engine, "edit_log_entry", json!({"id": added["id"], "opened": added["form"], "form": other})).unwrap();
    assert_eq!(
        (edited["entry"]["obstacle"].as_str(), edited["entry"]["time"].as_str()),
        (Some("listrik padam"), Some("08:00-10:00"))
    );
}

#[test]
fn rebuilding_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let engine = enrolled(folder.path(), &TestPlatform::new());
    for n in 8..15 {
        call(&engine, "add_log_entry", activity(&format!("kegiatan {n}"), &n.to_string(), &(n + 1).to_string())).unwrap();
    }
    let before = call(&engine, "log_day", json!({})).unwrap();
    call(&engine, "rebuild", json!({})).unwrap();
    assert_eq!(call(&engine, "log_day", json!({})).unwrap(), before);
}

#[test]
fn enrolment_meets_only_the_server_of_the_invite() {
    let folder = tempfile::tempdir().unwrap();
    let platform = TestPlatform::new();
    let engine = Engine::open(folder.path(), Rc::clone(&platform) as Rc<dyn Platform>, |_| {}).unwrap();
    let enrol =
        |invite: String, nip: &str| call(&engine, "enrol", json!({"invite": invite, "nip": nip, "password": "x"})).unwrap_err();
    let nip = "197203151998032000";
    let other = invite().replace(&Hash::of(server_key().verifying_key().as_bytes()).to_string(), &"00".repeat(32));
    assert_eq!(enrol(other, nip), Error::NotOurServer);
    assert!(matches!(enrol(invite(), "197213151998032000"), Error::Field(_)));
    assert!(matches!(enrol("halo".into(), nip), Error::BadInvite { .. }));
    platform.answering.set(None);
    assert_eq!(enrol(invite(), nip), Error::ServerUnreachable);
    platform.answering.set(Some(|_, _| Response { status: 404, body: b"nginx".to_vec(), retry_after: None }));
    assert_eq!(enrol(invite(), nip), Error::WrongAddress);
    assert_eq!(call(&engine, "home", json!({})), Err(Error::NotEnrolled));
    platform.answering.set(Some(office));
    call(&engine, "enrol", json!({"invite": invite(), "nip": nip, "password": "x"})).unwrap();
    assert_eq!(enrol(invite(), nip), Error::AlreadyEnrolled);
}

#[test]
fn rows_that_cannot_be_taken_are_kept_aside_and_hold_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let platform = TestPlatform::new();
    let engine = enrolled(folder.path(), &platform);
    platform.answering.set(Some(|_, body| {
        let Reply::Done(mut answer) = peek::<Reply<Answer>>(&office("sync", body).body).unwrap() else { panic!("refused") };
        let region = json!({"kind": "region", "code": "63.11.01.2001", "name": "Muara Ninian"}).to_string();
        let rows = vec![
            Row::Change { kind: 1, id: [7; 16], bytes: b"no change at all".to_vec() },
            Row::Change { kind: 900, id: [8; 16], bytes: b"of a newer version".to_vec() },
            Row::Record("{\"kind\":\"of a newer version\"}".into()),
            Row::Record(region),
        ];
        let cursor = Cursor { stream: 1, position: 4, hash: [1; 8] };
        answer.pages = lentera_protocol::stream::pack(&[Page { rows, cursor }]).unwrap();
        reply(sign(&Reply::Done(answer), &server_key()))
    }));
    assert_eq!(call(&engine, "sync_now", json!({})).unwrap()["attempts"][0]["failed"], Value::Null);
    assert_eq!(call(&engine, "list_villages", json!({"search": "muara"})).unwrap()[0]["name"], "Muara Ninian");
    drop(engine);
    let database =
        std::fs::read_dir(folder.path().join("people")).unwrap().next().unwrap().unwrap().path().join("lentera.sqlite");
    let database = rusqlite::Connection::open(database).unwrap();
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM quarantine"), 2);
    assert_eq!(count("SELECT count(*) FROM change WHERE kind = 900"), 1);
    assert_eq!(count("SELECT position FROM stream"), 4);
}
