//! Answers, shaped for screens.

use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::rules::Effect;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::{Day, LogEntry, LogEntryId, Month, Nip, Timestamp, Umkm, UmkmId, Visit, VisitId, WilayahCode};
use serde::{Deserialize, Serialize};

/// Done, with nothing to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// A stretch of a longer list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows, in order.
    pub rows: Vec<T>,
    /// How many there are in all.
    pub total: u32,
}

/// Who uses the app, and the light.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The person enrolled here; null before enrolment.
    pub person: Option<Person>,
    /// The sync light.
    pub light: Light,
    /// Today in the office's zone.
    pub today: Day,
    /// Version of the app.
    pub version: String,
}

/// The person enrolled on this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// NIP.
    pub nip: Nip,
    /// Name.
    pub name: String,
    /// Jabatan.
    pub position: String,
    /// Unit.
    pub unit: String,
    /// Name of the office whose server this is.
    pub office: String,
    /// Address of the server.
    pub server: String,
}

/// Where a record stands on its way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivered {
    /// Kept here; the server has no receipt for all of it yet (belum terkirim).
    Waiting,
    /// The server's receipt is here (terkirim).
    Arrived,
    /// The server refused a part of it; it is kept here.
    Refused,
}

/// The sync light. The worst applies: refused, waiting, saved, sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Light {
    /// Records refused by the server.
    pub refused: u32,
    /// Records not arrived, counted as people know them: an activity, an enterprise, a visit.
    pub waiting: u32,
    /// Form drafts kept here.
    pub drafts: u32,
    /// When the last receipt came.
    pub arrived_at: Option<Timestamp>,
}

/// An entry and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntryView {
    /// Its id.
    pub id: LogEntryId,
    /// The entry.
    pub entry: LogEntry,
    /// Where it stands.
    pub delivered: Delivered,
    /// What changes how it counts.
    pub effects: Vec<Effect>,
    /// The form that edits it.
    pub form: LogEntryForm,
    /// Name of the desa, as "Muara Ninian, Juai".
    pub village_name: Option<String>,
}

/// One day of the daily log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDay {
    /// The day.
    pub day: Day,
    /// Today, to know how far one may go.
    pub today: Day,
    /// Entries by start.
    pub entries: Vec<LogEntryView>,
    /// Minutes logged, overlapping ones once, cancelled ones not.
    pub minutes: u32,
    /// Working minutes the rules want; null while no rules are here.
    pub minutes_wanted: Option<u32>,
}

/// The first screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// Who.
    pub person: Person,
    /// Today's log.
    pub today: LogDay,
    /// The light.
    pub light: Light,
    /// Why nothing is sent, if something waits.
    pub cause: Option<Cause>,
    /// This month so far.
    pub month: MonthCount,
    /// Drafts to go on with, newest first.
    pub drafts: Vec<Draft>,
}

/// What a month counts so far, by days of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthCount {
    /// The month.
    pub month: Month,
    /// Days with an entry that counts in full and has arrived.
    pub counted: u32,
    /// Days with an entry that counts, none of which has arrived yet.
    pub waiting: u32,
    /// Days whose every entry is late or refused.
    pub not_counted: u32,
    /// Entries not cancelled.
    pub entries: u32,
    /// False while no rules have come from the server: then lateness could not be judged.
    pub judged: bool,
}

/// An enterprise in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UmkmView {
    /// Its id.
    pub id: UmkmId,
    /// The enterprise.
    pub umkm: Umkm,
    /// Name of its desa, as "Muara Ninian, Juai"; the code where the name is not known.
    pub village_name: String,
    /// Where it stands.
    pub delivered: Delivered,
}

/// An enterprise whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UmkmDetailView {
    /// As in the list.
    pub umkm: UmkmView,
    /// The form that edits it.
    pub form: UmkmForm,
    /// Owner's NIK, masked.
    pub nik_masked: Option<String>,
    /// Visits, newest first.
    pub visits: Vec<VisitView>,
}

/// A visit and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitView {
    /// Its id.
    pub id: VisitId,
    /// The visit.
    pub visit: Visit,
    /// Name of the enterprise.
    pub umkm_name: String,
    /// Name of the officer; the NIP where it is not known.
    pub officer_name: String,
    /// Where it stands.
    pub delivered: Delivered,
    /// The log entry it wrote.
    pub log_entry: LogEntryId,
}

/// A desa or kelurahan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Village {
    /// Its code.
    pub code: WilayahCode,
    /// Its name.
    pub name: String,
    /// Name of its kecamatan.
    pub district: String,
}

/// A form as typed so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Which form.
    pub name: String,
    /// The form's fields.
    pub content: serde_json::Value,
    /// When it was last kept.
    pub saved_at: Timestamp,
}

/// The light's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The light.
    pub light: Light,
    /// Why nothing is sent; null where nothing waits or nothing is in the way.
    pub cause: Option<Cause>,
    /// What waits, oldest first.
    pub waiting: Vec<WaitingRecord>,
    /// What the server refused.
    pub refused: Vec<RefusedRecord>,
    /// The last tries, newest first, at most 50.
    pub attempts: Vec<Attempt>,
    /// When the next try is due; null while one is under way.
    pub next_attempt_at: Option<Timestamp>,
}

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// No network, or the server does not answer: from here the two look alike.
    Unreachable,
    /// The server asks for patience.
    Busy,
    /// What answers is not a Lentera server.
    WrongAddress,
    /// What answers is not our server.
    NotOurServer,
    /// The server withdrew this device.
    Revoked,
    /// The app is too old for the server.
    AppTooOld,
    /// The server's answer could not be used.
    BadAnswer,
    /// This device could not keep what came, or make what should go.
    Storage,
}

/// A record that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRecord {
    /// Its id, with its kind.
    pub record: lentera_domain::RecordId,
    /// What people call it: an activity's text, an enterprise's name.
    pub title: String,
    /// Since when it waits.
    pub since: Timestamp,
}

/// A record, or a part of one, that the server refused. It stays on this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRecord {
    /// Its id, with its kind.
    pub record: lentera_domain::RecordId,
    /// What people call it.
    pub title: String,
    /// The server's reason, a code of the protocol.
    pub reason: String,
}

/// One try to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How it failed; null when it went through.
    pub failed: Option<Cause>,
    /// Bytes sent and received, bodies only.
    pub sent: u32,
    /// Bytes received.
    pub received: u32,
    /// How long it took, in milliseconds.
    pub millis: u32,
}
