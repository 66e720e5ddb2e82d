//! What people type, and records as JSON.

use std::fmt::Display;

use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::server_record::ServerRecord;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::visit::{Purposes, VisitForm};
use lentera_domain::{
    Day, DraftName, FieldError, Kbli, LogEntry, Nib, Nik, Nip, Text, TimeOfDay, TimeRange, Timestamp, Umkm, UmkmOwner, Visit,
    WilayahCode,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// 2026-11-23 10:00 WITA.
const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

/// What was parsed is written so that it is parsed to the same.
fn canonical<T: Display + PartialEq>(parse: impl Fn(&str) -> Result<T, FieldError>, text: &str) {
    if let Ok(value) = parse(text) {
        let written = value.to_string();
        assert!(parse(&written).is_ok_and(|again| again == value), "{text:?} is written as {written:?}");
    }
}

/// Numbers, codes, days and times, as typed.
pub fn typed(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    canonical(Nip::parse, text);
    canonical(Nik::parse, text);
    canonical(Nib::parse, text);
    canonical(Kbli::parse, text);
    canonical(WilayahCode::parse, text);
    canonical(WilayahCode::parse_village, text);
    canonical(Day::parse, text);
    canonical(TimeOfDay::parse, text);
    canonical(TimeRange::parse, text);
    canonical(Purposes::parse, text);
    canonical(DraftName::parse, text);
    canonical(|text| Text::<60>::parse("text", text), text);
}

/// Whole forms: their fields are the lines. What was taken is a record that comes back from its JSON, and a form that is taken again.
pub fn forms(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.split('\n').map(str::to_owned);
    let mut next = || lines.next().unwrap_or_default();
    let Ok(owner) = Nip::parse("197203151998032000") else { return };
    let day = LogEntryForm {
        day: next(),
        start: next(),
        end: next(),
        category: next(),
        activity: next(),
        volume: next(),
        unit: next(),
        output: next(),
        duty: next(),
        role: next(),
        village: next(),
        letter: next(),
        obstacle: next(),
    };
    if let Ok(entry) = day.parse(owner.clone(), NOW) {
        comes_back(&entry);
        assert!(LogEntryForm::of(&entry).parse(owner.clone(), NOW).is_ok_and(|again| again == entry), "{entry:?}");
    }
    let mut lines = text.split('\n').map(str::to_owned);
    let mut next = || lines.next().unwrap_or_default();
    let form = UmkmForm {
        name: next(),
        owner_name: next(),
        village: next(),
        address: next(),
        product: next(),
        legal_form: next(),
        nib: next(),
        kbli: next(),
        founded: next(),
        nik: next(),
        phone: next(),
    };
    if let Ok((umkm, owner)) = form.parse(NOW) {
        comes_back(&umkm);
        comes_back(&owner);
        assert!(UmkmForm::of(&umkm, &owner).parse(NOW).is_ok_and(|again| again == (umkm, owner)), "{form:?}");
    }
    let mut lines = text.split('\n').map(str::to_owned);
    let mut next = || lines.next().unwrap_or_default();
    let form = VisitForm {
        umkm: next(),
        day: next(),
        start: next(),
        end: next(),
        purposes: next(),
        village: next(),
        letter: next(),
        companions: next(),
        vehicle: next(),
        problem: next(),
        advice: next(),
        agreement: next(),
        satisfaction: next(),
    };
    if let Ok(visit) = form.parse(owner, NOW) {
        comes_back(&visit);
    }
}

/// Records from outside: those of the server, and those that documents hold.
pub fn records(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(record) = serde_json::from_str::<ServerRecord>(text) {
        assert!(!record.key().is_empty());
        comes_back(&record);
    }
    read::<LogEntry>(text);
    read::<Umkm>(text);
    read::<UmkmOwner>(text);
    read::<Visit>(text);
}

fn read<T: Serialize + DeserializeOwned + PartialEq>(text: &str) {
    if let Ok(record) = serde_json::from_str::<T>(text) {
        comes_back(&record);
    }
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq>(record: &T) {
    let json = serde_json::to_string(record).unwrap_or_default();
    assert!(serde_json::from_str::<T>(&json).is_ok_and(|again| again == *record), "does not come back from {json}");
}
