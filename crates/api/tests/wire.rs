//! The JSON of commands and answers, as screens and scripts rely on it.

use lentera_api::view::{
    Cause, Delivered, Delivery, Draft, Light, LogEntryView, MonthCount, Page, Status, UmkmView, WaitingRecord,
};
use lentera_api::{AddLogEntry, Command, Error, Event, What};
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::rules::Effect;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::{Day, LogEntryId, Nip, Timestamp, UmkmId};
use serde_json::json;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);
const LIGHT: Light = Light { refused: 1, waiting: 2, drafts: 3, arrived_at: Some(NOW) };

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
    };
    let today = Day::parse("2026-11-23").unwrap();
    let status = Status { person: None, light: LIGHT, today, version: "0.1.0".into() };
    let delivery = Delivery {
        light: LIGHT,
        cause: Some(Cause::Unreachable),
        waiting: vec![WaitingRecord { record: view.id.record(), title: "x".into(), since: NOW }],
        refused: vec![],
        attempts: vec![],
        next_attempt_at: None,
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
