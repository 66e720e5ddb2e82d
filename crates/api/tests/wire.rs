//! The JSON of commands and answers, as screens and scripts rely on it.

use lentera_api::view::{
    Attempt, Carried, Cause, Conflict, ConflictValue, Delivered, Delivery, Draft, Exported, FileTaken, Finding, HistoryEntry,
    HistoryField, Home, Light, LogDay, LogEntryView, MonthCount, Page, Person, Progress, RefusedRecord, Rescue, Status,
    UmkmDetailView, UmkmView, Village, VisitView, WaitingRecord,
};
use lentera_api::{AddLogEntry, Command, Error, Event, Invite, What};
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::rules::Effect;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::visit::VisitForm;
use lentera_domain::{Day, Evidence, EvidenceKind, LogEntryId, Nip, RecordId, Timestamp, UmkmId, VisitId, WilayahCode};
use serde_json::json;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);
const LIGHT: Light = Light { refused: 1, waiting: 2, drafts: 3, arrived_at: Some(NOW) };

const EVIDENCE: Evidence = Evidence { kind: EvidenceKind::Stated, from: Some(NOW), until: None };

fn conflict(record: RecordId) -> Conflict {
    let value = |text: &str, own: bool| ConflictValue {
        choice: "0a".repeat(32),
        text: text.to_owned(),
        author: "Siti".to_owned(),
        own,
        at: own.then_some(NOW),
        shown: own,
    };
    Conflict {
        record,
        title: "Dapur".to_owned(),
        field: "product".to_owned(),
        values: vec![value("kue", true), value("", false)],
    }
}

#[test]
fn names_of_all_commands() {
    insta::assert_json_snapshot!(Command::NAMES);
}

#[test]
fn a_command_and_its_arguments() {
    let command = Command::from(AddLogEntry { form: LogEntryForm { day: "2026-11-23".into(), ..LogEntryForm::default() } });
    insta::assert_json_snapshot!(json!({"name": command.name(), "arguments": command.arguments()}));
}

#[test]
fn answers() {
    let form = LogEntryForm {
        day: "2026-11-20".into(),
        start: "8".into(),
        end: "9".into(),
        category: "Rapat".into(),
        activity: "x".into(),
        ..LogEntryForm::default()
    };
    let entry = form.parse(Nip::parse("197203151998032000").unwrap(), NOW).unwrap();
    let view = LogEntryView {
        id: LogEntryId(Uuid::from_u128(1)),
        form: LogEntryForm::of(&entry),
        entry,
        delivered: Delivered::Waiting,
        effects: vec![Effect::Late { days: 3, allowed: 2 }],
        village_name: None,
        evidence: EVIDENCE,
        conflicts: vec![],
    };
    let (umkm, _) =
        UmkmForm { name: "Dapur".into(), owner_name: "Aluh".into(), village: "63.11.01.2001".into(), ..UmkmForm::default() }
            .parse(NOW)
            .unwrap();
    let umkm = UmkmView {
        id: UmkmId(Uuid::from_u128(2)),
        umkm,
        village_name: "Muara Ninian, Juai".into(),
        delivered: Delivered::Arrived,
        conflicts: 1,
    };
    let today = Day::parse("2026-11-23").unwrap();
    let status = Status { person: None, light: LIGHT, today, present: NOW, version: "0.1.0".into() };
    let delivery = Delivery {
        light: LIGHT,
        cause: Some(Cause::Unreachable),
        waiting: vec![WaitingRecord { record: view.id.record(), title: "x".into(), since: NOW }],
        refused: vec![],
        attempts: vec![],
        next_attempt_at: None,
        findings: vec![Finding::NoNetwork, Finding::ClockWrong { minutes: -90 }],
        backfill: Some(Progress { done: 49, total: 200 }),
        kept_aside: 1,
        carried: Carried { waiting: 1, delivered: 2, receipts: 3 },
    };
    let month = MonthCount { month: today.month(), counted: 1, waiting: 2, not_counted: 0, entries: 9, judged: true };
    let draft = Draft { name: "log_entry/new".into(), content: json!({}), saved_at: NOW };
    insta::assert_json_snapshot!(json!({
        "log_entry": view, "umkm": Page { rows: vec![umkm], total: 1 }, "status": status, "delivery": delivery, "month": month, "draft": draft,
    }));
}

#[test]
fn errors_and_events() {
    insta::assert_json_snapshot!(json!([
        Error::WrongLogin { tries_left: 2 },
        Error::NotFound { what: What::Umkm },
        Error::TooManyTries { until: NOW },
        Event::Light(LIGHT),
        Event::RecordsChanged,
    ]));
}

#[test]
fn answers_of_whole_screens() {
    let (nip, today) = (Nip::parse("197203151998032000").unwrap(), Day::parse("2026-11-23").unwrap());
    let text = String::from;
    let person = Person {
        nip: nip.clone(),
        name: text("Siti"),
        position: text("Penyuluh"),
        unit: text("Perindustrian"),
        office: text("Dinas"),
        server: text("http://127.0.0.1:8311"),
        is_superior: true,
    };
    let day = LogDay { day: today, today, entries: vec![], minutes: 0, minutes_wanted: Some(450) };
    let month = MonthCount { month: today.month(), counted: 1, waiting: 2, not_counted: 3, entries: 9, judged: true };
    let rescue = Rescue { at: NOW, kept_at: text("/x.damaged"), changes: 9, drafts: 1, complete: false };
    let home = Home {
        person,
        today: day,
        light: LIGHT,
        cause: Some(Cause::Busy),
        month,
        drafts: vec![],
        conflicts: 1,
        backfill: None,
        rescue: Some(rescue),
    };
    let form =
        UmkmForm { name: "Dapur".into(), owner_name: "Aluh".into(), village: "63.11.01.2001".into(), ..UmkmForm::default() };
    let umkm = UmkmView {
        id: UmkmId(Uuid::from_u128(2)),
        umkm: form.parse(NOW).unwrap().0,
        village_name: text("Muara Ninian, Juai"),
        delivered: Delivered::Refused,
        conflicts: 0,
    };
    let visit = VisitForm {
        umkm: umkm.id.to_string(),
        day: today.to_string(),
        start: text("9.15"),
        end: text("11.15"),
        purposes: text("pembinaan"),
        ..VisitForm::default()
    };
    let visit = VisitView {
        id: VisitId(Uuid::from_u128(3)),
        visit: visit.parse(nip, NOW).unwrap(),
        umkm_name: text("Dapur"),
        officer_name: text("Siti"),
        delivered: Delivered::Waiting,
        log_entry: LogEntryId(Uuid::from_u128(4)),
        conflicts: vec![],
    };
    let record = umkm.id.record();
    let detail = UmkmDetailView {
        umkm,
        form,
        nik_masked: Some(text("9911**********01")),
        visits: vec![visit],
        conflicts: vec![conflict(record)],
    };
    let village =
        Village { code: WilayahCode::parse("63.11.01.2001").unwrap(), name: text("Muara Ninian"), district: text("Juai") };
    let refused = RefusedRecord {
        record,
        title: text("Dapur"),
        reason: text("bad_record"),
        change: 7,
        at: NOW,
        form: Some(json!({"name": "Dapur"})),
        opened: Some(json!({"name": ""})),
        draft: Some(text("umkm/new")),
    };
    let attempt = Attempt { at: NOW, last: NOW, count: 1, failed: Some(Cause::Unreachable), sent: 1, received: 2, millis: 3 };
    let invite = Invite {
        format: Invite::FORMAT.into(),
        office: text("Dinas"),
        address: text("http://x"),
        fingerprint: "0a".repeat(32),
        ca: text("MAo="),
        nip: text(""),
    };
    let exported = Exported { path: text("/x.lentera"), count: 2, bytes: 300 };
    let taken = FileTaken { parcels: 1, receipts: 2 };
    let written = HistoryEntry {
        author: text("Siti"),
        own: true,
        at: Some(NOW),
        delivered: Delivered::Arrived,
        fields: vec![HistoryField { field: text("product"), text: text("kue") }],
    };
    insta::assert_json_snapshot!(json!({
        "home": home, "umkm": detail, "village": village, "refused": refused, "attempt": attempt, "invite": invite, "exported": exported, "taken": taken, "written": written,
    }));
}

#[test]
fn codes() {
    let causes = [
        Cause::Unreachable,
        Cause::Busy,
        Cause::WrongAddress,
        Cause::NotOurServer,
        Cause::Revoked,
        Cause::AppTooOld,
        Cause::BadAnswer,
        Cause::Storage,
        Cause::LogInAgain,
        Cause::ClockWrong,
    ];
    let address = || String::from("http://x");
    let findings = [
        Finding::NoNetwork,
        Finding::ServerUnreachable { since: Some(NOW) },
        Finding::WrongAddress { address: address() },
        Finding::NotOurServer { address: address() },
        Finding::Busy { until: None },
        Finding::BadAnswer,
        Finding::ClockWrong { minutes: 90 },
        Finding::DiskLow { free_mb: 12 },
        Finding::StorageTrouble,
        Finding::Refused { records: 1 },
        Finding::Revoked,
        Finding::LogInAgain,
        Finding::AppTooOld,
        Finding::HeldBack { since: NOW },
        Finding::KeptAside { count: 2 },
        Finding::Rescued,
        Finding::Conflicts { records: 3 },
    ];
    let evidence = [EvidenceKind::Stated, EvidenceKind::Wall, EvidenceKind::Proven].map(|kind| Evidence { kind, ..EVIDENCE });
    let effects = [
        Effect::Late { days: 3, allowed: 2 },
        Effect::TimeInDoubt { allowed: 2, counts: true },
        Effect::EarlierMonth,
        Effect::Overlaps { with: LogEntryId(Uuid::from_u128(1)), minutes: 15 },
        Effect::TooMany { entries: 8, allowed: 7 },
        Effect::OverTime { minutes: 480, allowed: 450 },
    ];
    let detail = || String::from("x");
    let errors = [
        Error::UnknownCommand { name: detail() },
        Error::BadArguments { detail: detail() },
        Error::Field(Nip::parse("197213151998032000").unwrap_err()),
        Error::NotEnrolled,
        Error::AlreadyEnrolled,
        Error::NotYours,
        Error::BadInvite { detail: detail() },
        Error::PasswordChangeNeeded,
        Error::WeakPassword { min: 8 },
        Error::ServerUnreachable,
        Error::ServerBusy,
        Error::WrongAddress,
        Error::NotOurServer,
        Error::DeviceRevoked,
        Error::AppTooOld,
        Error::AlreadyOpen,
        Error::BadFile { detail: detail() },
        Error::OtherServersFile,
        Error::OtherServersInvite,
        Error::NothingToExport,
        Error::TooManyParcels,
        Error::DiskFull,
        Error::Storage { detail: detail() },
        Error::Internal { detail: detail() },
    ];
    insta::assert_json_snapshot!(json!({
        "causes": causes, "findings": findings, "evidence": evidence, "effects": effects, "errors": errors,
    }));
}
