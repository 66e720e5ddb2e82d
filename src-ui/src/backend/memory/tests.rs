use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use lentera_api::*;
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::visit::VisitForm;
use lentera_domain::{Timestamp, UmkmId};
use serde_json::json;

use super::{Backend, Memory};

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

fn sample(parts: &str) -> Memory {
    Memory::sample(NOW, parts)
}

#[test]
fn a_sample_has_the_troubles_that_were_named_and_no_others() {
    let sound = call(&sample("-"), Delivery {}).unwrap();
    assert_eq!((sound.findings, sound.light.waiting, sound.light.refused), (vec![], 0, 0));
    let all = call(&sample(""), Delivery {}).unwrap();
    assert_eq!(all.attempts.len(), 50);
    assert_eq!(all.cause, Some(view::Cause::LogInAgain));
    assert!(all.backfill.is_some() && all.refused.len() == 2 && all.light.waiting == 3);
    let waits = call(&sample("menunggu"), Delivery {}).unwrap();
    assert_eq!(waits.findings, [view::Finding::NoNetwork]);
    let sent = call(&sample("menunggu,titipan"), SyncNow {}).unwrap();
    assert_eq!((sent.light.waiting, sent.carried.waiting, sent.carried.receipts), (0, 0, 7));
}

#[test]
fn a_settled_field_has_the_chosen_value_and_waits_to_be_sent() {
    let memory = sample("bentrok");
    let conflicts = call(&memory, ListConflicts {}).unwrap();
    assert_eq!(call(&memory, Home {}).unwrap().conflicts, 3);
    let phone = conflicts.iter().find(|conflict| conflict.field == "phone").unwrap();
    let settle = |choice: &str| SettleConflict { record: phone.record, field: "phone".into(), choice: choice.into() };
    assert_eq!(call(&memory, settle("00")), Err(Error::NotFound { what: What::Conflict }));
    call(&memory, settle(&phone.values[1].choice)).unwrap();
    let umkm = call(&memory, UmkmDetail { id: UmkmId(phone.record.id) }).unwrap();
    assert_eq!((umkm.form.phone.as_str(), umkm.conflicts.len(), umkm.umkm.conflicts), ("0813-0000-2222", 1, 1));
    assert_eq!(umkm.umkm.delivered, view::Delivered::Waiting);
    assert_eq!(call(&memory, settle(&phone.values[0].choice)), Err(Error::NotFound { what: What::Conflict }));
    for conflict in conflicts.into_iter().filter(|conflict| conflict.field != "phone") {
        let choice = conflict.values[0].choice.clone();
        call(&memory, SettleConflict { record: conflict.record, field: conflict.field, choice }).unwrap();
    }
    assert!(call(&memory, ListConflicts {}).unwrap().is_empty());
}

#[test]
fn nothing_is_sent_until_the_person_has_logged_in_again() {
    let memory = sample("menunggu,masuk");
    let again = |password: &str, new_password: &str| LogInAgain { password: password.into(), new_password: new_password.into() };
    assert_eq!(call(&memory, SyncNow {}).unwrap().light.waiting, 3);
    assert_eq!(call(&memory, again("salah", "")), Err(Error::WrongLogin { tries_left: 4 }));
    assert_eq!(call(&memory, again("19720315", "")), Err(Error::PasswordChangeNeeded));
    assert_eq!(call(&memory, again("19720315", "lampu minyak")).unwrap().light.waiting, 0);
    assert_eq!(call(&memory, Delivery {}).unwrap().cause, None);
}

#[test]
fn a_refused_record_leaves_the_list_once_dealt_with() {
    let memory = sample("ditolak");
    let refused = call(&memory, Delivery {}).unwrap().refused;
    let form = refused[0].form.clone().unwrap();
    assert!(serde_json::from_value::<VisitForm>(form).is_ok());
    call(&memory, DismissRefused { change: refused[0].change }).unwrap();
    assert_eq!(call(&memory, Status {}).unwrap().light.refused, 1);
    assert_eq!(call(&memory, DismissRefused { change: refused[0].change }), Err(Error::NotFound { what: What::Refused }));
}

#[test]
fn files_are_written_of_what_there_is_and_taken_if_they_are_ours() {
    let memory = sample("titipan");
    assert_eq!(call(&memory, ExportUnsent { path: String::new() }), Err(Error::NothingToExport));
    assert_eq!(call(&memory, ExportReceipts { path: "x".into() }).unwrap().count, 4);
    assert_eq!(call(&memory, TakeFile { content: "UEsDBA==".into() }).unwrap_err().code(), "bad_file");
    assert_eq!(call(&memory, TakeFile { content: "bGVudGVyYQEA".into() }).unwrap().parcels, 2);
    assert_eq!(call(&memory, Delivery {}).unwrap().carried.waiting, 5);
    let rescued = sample("rusak");
    assert!(call(&rescued, Home {}).unwrap().rescue.is_some());
    call(&rescued, AcknowledgeRescue {}).unwrap();
    assert_eq!(call(&rescued, Home {}).unwrap().rescue, None);
}

#[test]
fn what_was_written_before_is_in_the_history() {
    let memory = enrolled();
    let id = call(&memory, RegisterUmkm { form: umkm("Dapur") }).unwrap().id;
    let opened = call(&memory, UmkmDetail { id }).unwrap().form;
    let form = UmkmForm { name: "Dapur Melati".into(), ..opened.clone() };
    call(&memory, EditUmkm { id, opened, form }).unwrap();
    let history = call(&memory, RecordHistory { record: id.record() }).unwrap();
    let names = history.iter().flat_map(|entry| &entry.fields).filter(|field| field.field == "name");
    let mut names: Vec<_> = names.map(|field| field.text.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Dapur", "Dapur Melati"]);
}
