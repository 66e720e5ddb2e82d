use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use lentera_api::*;
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::visit::VisitForm;
use serde_json::json;

use super::*;

/// 2026-11-23 10:00 WITA.
const NOW: fn() -> Timestamp = || Timestamp::from_millis(1_795_399_200_000);

fn call<C: Call>(memory: &Memory, command: C) -> Result<C::Answer, Error> {
    match pin!(memory.dispatch(command.into())).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer.map(|answer| serde_json::from_value(answer).unwrap()),
        Poll::Pending => panic!("memory answers at once"),
    }
}

fn enrol(memory: &Memory, password: &str, new_password: &str) -> Result<view::Status, Error> {
    let invite = json!({
        "format": Invite::FORMAT, "office": "Disperindag", "address": "http://127.0.0.1:8311", "fingerprint": "0a".repeat(32),
    });
    let (nip, password, new_password) = ("19720315 199803 2 000".into(), password.into(), new_password.into());
    call(memory, Enrol { invite: invite.to_string(), nip, password, new_password })
}

fn enrolled() -> Memory {
    let memory = Memory::new(NOW);
    enrol(&memory, "19720315", "lampu minyak").unwrap();
    memory
}

fn form(start: &str, end: &str) -> LogEntryForm {
    LogEntryForm {
        day: "2026-11-23".into(),
        start: start.into(),
        end: end.into(),
        category: "Rapat".into(),
        activity: "Rekap harga pasar".into(),
        ..LogEntryForm::default()
    }
}

fn umkm(name: &str) -> UmkmForm {
    UmkmForm { name: name.into(), owner_name: "Aluh".into(), village: "63.11.01.2001".into(), ..UmkmForm::default() }
}

#[test]
fn enrols_only_with_the_password_and_wants_a_new_one() {
    let memory = Memory::new(NOW);
    assert_eq!(call(&memory, Home {}), Err(Error::NotEnrolled));
    assert_eq!(enrol(&memory, "salah", ""), Err(Error::WrongLogin { tries_left: 4 }));
    assert_eq!(enrol(&memory, "19720315", ""), Err(Error::PasswordChangeNeeded));
    assert_eq!(enrol(&memory, "19720315", "12345678"), Err(Error::WeakPassword { min: 8 }));
    assert!(enrol(&memory, "19720315", "lampu minyak").unwrap().person.is_some());
}

#[test]
fn a_day_adds_up_overlaps_once_and_cancelled_never() {
    let memory = enrolled();
    let first = call(&memory, AddLogEntry { form: form("8", "10") }).unwrap();
    let second = call(&memory, AddLogEntry { form: form("9.30", "11") }).unwrap();
    assert_eq!(second.effects.len(), 1);
    let day = call(&memory, LogDay { day: String::new() }).unwrap();
    assert_eq!((day.entries.len(), day.minutes, day.minutes_wanted), (2, 180, Some(450)));
    call(&memory, CancelLogEntry { id: first.id }).unwrap();
    assert_eq!(call(&memory, LogDay { day: "2026-11-23".into() }).unwrap().minutes, 90);
    call(&memory, RestoreLogEntry { id: first.id }).unwrap();
    let edited = call(&memory, EditLogEntry { id: first.id, opened: first.form, form: form("8", "9") }).unwrap();
    assert_eq!(edited.entry.time.minutes(), 60);
    assert_eq!(call(&memory, AddLogEntry { form: form("11", "10") }).unwrap_err().code(), "field");
}

#[test]
fn a_visit_writes_its_entry_and_the_light_counts_it_once() {
    let memory = enrolled();
    let umkm = call(&memory, RegisterUmkm { form: umkm("Dapur Melati") }).unwrap();
    assert_eq!(umkm.village_name, "Muara Ninian, Juai");
    let typed = VisitForm {
        umkm: umkm.id.to_string(),
        day: "2026-11-23".into(),
        start: "13".into(),
        end: "14".into(),
        purposes: "pembinaan".into(),
        ..VisitForm::default()
    };
    let other = json!({"umkm": "", "problem": "milik kunjungan lain"});
    call(&memory, SaveDraft { name: "visit/new".into(), content: other }).unwrap();
    let visit = call(&memory, RecordVisit { form: typed.clone() }).unwrap();
    assert!(call(&memory, ReadDraft { name: "visit/new".into() }).unwrap().is_some());
    call(&memory, SaveDraft { name: "visit/new".into(), content: json!(typed) }).unwrap();
    assert_eq!(call(&memory, LogEntryDetail { id: visit.log_entry }).unwrap().entry.visit, Some(visit.id));
    assert_eq!(call(&memory, UmkmDetail { id: umkm.id }).unwrap().visits.len(), 1);
    let home = call(&memory, Home {}).unwrap();
    assert_eq!(home.drafts.len(), 1);
    assert_eq!((home.light.waiting, home.month.waiting, home.month.counted), (2, 1, 0));
    assert!(call(&memory, SyncNow {}).unwrap().waiting.is_empty());
    assert_eq!(call(&memory, Home {}).unwrap().month.counted, 1);
}

#[test]
fn lists_come_in_pages_and_by_words() {
    let memory = enrolled();
    for number in 0..120 {
        call(&memory, RegisterUmkm { form: umkm(&format!("Usaha {number:03}")) }).unwrap();
    }
    let page = call(&memory, ListUmkm { search: String::new(), offset: 100, limit: 50 }).unwrap();
    assert_eq!((page.rows.len(), page.total), (20, 120));
    let found = call(&memory, ListUmkm { search: "ninian 007".into(), offset: 0, limit: 50 }).unwrap();
    assert_eq!((found.rows[0].umkm.name.as_str(), found.total), ("Usaha 007", 1));
}

#[test]
fn drafts_are_kept_until_their_form_is_saved_and_the_light_tells() {
    let memory = enrolled();
    let heard = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&heard);
    memory.listen(Box::new(move |event| {
        if let Event::Light(light) = event {
            count.store(light.drafts, Ordering::Relaxed);
        }
    }));
    call(&memory, SaveDraft { name: "log_entry/new".into(), content: json!({"activity": "Re"}) }).unwrap();
    call(&memory, SaveDraft { name: "log_entry/new".into(), content: json!({"activity": "Rek"}) }).unwrap();
    assert_eq!(heard.load(Ordering::Relaxed), 1);
    let draft = call(&memory, ReadDraft { name: "log_entry/new".into() }).unwrap().unwrap();
    assert_eq!(draft.content["activity"], "Rek");
    call(&memory, AddLogEntry { form: form("8", "9") }).unwrap();
    assert_eq!(call(&memory, ReadDraft { name: "log_entry/new".into() }).unwrap(), None);
    assert!(call(&memory, SaveDraft { name: "../x".into(), content: json!({}) }).is_err());
}
