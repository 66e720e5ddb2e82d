//! Answers, shaped for screens.

use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::rules::Effect;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::{Day, Evidence, LogEntry, LogEntryId, Month, Nip, Timestamp, Umkm, UmkmId, Visit, VisitId, WilayahCode};
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
    /// The present, as well as it is known: a wall clock that what the server told proves wrong is not believed.
    pub present: Timestamp,
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
    /// Whether people are below, whose logs this one is shown.
    pub is_superior: bool,
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
    /// When it was noted, as far as can be shown.
    pub evidence: Evidence,
    /// Fields that two devices filled in differently, to be settled.
    pub conflicts: Vec<Conflict>,
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

/// The day of somebody below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberDay {
    /// NIP.
    pub nip: Nip,
    /// Name.
    pub name: String,
    /// Jabatan.
    pub position: String,
    /// Their log.
    pub log: LogDay,
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
    /// Records with fields to be settled ([`Conflict`]).
    pub conflicts: u32,
    /// Older records that are still being fetched; null when none are.
    pub backfill: Option<Progress>,
    /// The database was damaged and what could be read was rescued; null once the person has seen it.
    pub rescue: Option<Rescue>,
}

/// How far something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Done so far.
    pub done: u64,
    /// Of so many, never 0.
    pub total: u64,
}

/// A damaged database was set aside, whole, and a new one made of what could be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescue {
    /// When.
    pub at: Timestamp,
    /// Where the damaged one lies.
    pub kept_at: String,
    /// Changes that were read.
    pub changes: u32,
    /// Form drafts that were read.
    pub drafts: u32,
    /// Whether everything was read as far as can be told. If not, what had arrived comes back from the server.
    pub complete: bool,
}

/// A field that was filled in differently on two devices, neither of which knew of the other. Nothing is lost: all values are here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Of which record.
    pub record: lentera_domain::RecordId,
    /// What people call the record.
    pub title: String,
    /// The field's key, as in the record's form.
    pub field: String,
    /// The values, two or more, in an order that is the same on every device.
    pub values: Vec<ConflictValue>,
}

/// One of the values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictValue {
    /// Names it in `settle_conflict`: the hash of the change that wrote it, hexadecimal.
    pub choice: String,
    /// The value as people read it: a desa's name, a NIK masked but for the digits that differ; empty for an emptied field. Choices (`duty`,
    /// `role`, `status`, `purposes`), days and times are as in the record: the screen has the words for them.
    pub text: String,
    /// Who wrote it: a name, or a NIP where the name is not known.
    pub author: String,
    /// Whether that is the person of this device.
    pub own: bool,
    /// When it was saved, by that device's clock.
    pub at: Option<Timestamp>,
    /// Whether it is the one shown until the conflict is settled.
    pub shown: bool,
}

/// What one person wrote to a record at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Who: a name, or a NIP where the name is not known.
    pub author: String,
    /// Whether that is the person of this device.
    pub own: bool,
    /// When it was saved, by that device's clock.
    pub at: Option<Timestamp>,
    /// Whether it has arrived, waits, or was refused by the server.
    pub delivered: Delivered,
    /// What was written, in the order of the fields' keys.
    pub fields: Vec<HistoryField>,
}

impl HistoryEntry {
    /// Fields of records that no person fills in: no history tells of them.
    pub const UNSAID: [&str; 7] = ["owner", "officer", "umkm", "visit", "noted_at", "registered_at", "kbli_edition"];
}

/// One field as it was written then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryField {
    /// The field's key, as in the record's form.
    pub field: String,
    /// The value, as in [`ConflictValue::text`]; a NIK is masked.
    pub text: String,
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
    /// How many of its fields are to be settled.
    pub conflicts: u32,
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
    /// Fields of it and of its owner to be settled.
    pub conflicts: Vec<Conflict>,
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
    /// Fields to be settled.
    pub conflicts: Vec<Conflict>,
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
    /// What stands in the way or is worth knowing, the most important first; empty when all is well.
    pub findings: Vec<Finding>,
    /// Older records that are still being fetched; null when none are.
    pub backfill: Option<Progress>,
    /// Things from outside that could not be taken and are kept aside, whole.
    pub kept_aside: u32,
    /// Colleagues' parcels carried by this device.
    pub carried: Carried,
}

/// Colleagues' parcels that this device took from `.lentera` files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Not handed over yet.
    pub waiting: u32,
    /// Handed over.
    pub delivered: u32,
    /// Receipts for their senders that are here: `export_receipts` gives them.
    pub receipts: u32,
}

/// What the sync doctor finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's line tells of its fields")]
pub enum Finding {
    /// The device has no network at all.
    NoNetwork,
    /// There is a network, or nobody can tell, and the server does not answer; since when, if it ever did.
    ServerUnreachable { since: Option<Timestamp> },
    /// What answers at the address is not a Lentera server.
    WrongAddress { address: String },
    /// What answers is not our server.
    NotOurServer { address: String },
    /// The server asked for patience.
    Busy { until: Option<Timestamp> },
    /// The server's answer could not be used.
    BadAnswer,
    /// This device's clock differs from the server's by so many minutes; positive: it is ahead; 0: nobody can tell by how much, and it is
    /// so much that no safe connection can be made. Work is never refused for it.
    ClockWrong { minutes: i64 },
    /// So many MB are free.
    DiskLow { free_mb: u64 },
    /// The device could not keep what came, or make what should go.
    StorageTrouble,
    /// The server refused so many records.
    Refused { records: u32 },
    /// The server withdrew this device.
    Revoked,
    /// The server does not take this device's key any more: log in again. Nothing is lost.
    LogInAgain,
    /// The app is too old for the server.
    AppTooOld,
    /// Work waited since then and the app was not let run by the system.
    HeldBack { since: Timestamp },
    /// So many things from outside could not be taken and are kept aside.
    KeptAside { count: u32 },
    /// A damaged database was set aside and rescued.
    Rescued,
    /// So many records have fields to be settled.
    Conflicts { records: u32 },
    /// Of so many records the server has a part, and keeps it until what a colleague's device has to send has come.
    NeedsOthers { records: u32 },
}

/// A file was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Where.
    pub path: String,
    /// Bundles or receipts in it.
    pub count: u32,
    /// Its size.
    pub bytes: u64,
}

/// A `.lentera` file was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTaken {
    /// Parcels of colleagues, to be handed over when there is a network; those known already are not counted.
    pub parcels: u32,
    /// Receipts for this device: what they are for has arrived.
    pub receipts: u32,
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
    /// The server does not take this device's key any more, or does not know it: the person logs in again.
    LogInAgain,
    /// This device's clock is so far off that no safe connection can be made.
    ClockWrong,
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
    /// Names it in `dismiss_refused`.
    pub change: i64,
    /// When it was saved.
    pub at: Timestamp,
    /// What was typed, to be copied or entered again; null where it was no form.
    pub form: Option<serde_json::Value>,
    /// The form as it was opened, for an edit: entered again, only what was changed in it is changed.
    pub opened: Option<serde_json::Value>,
    /// Name of the draft that opens `form` again; null where there is none.
    pub draft: Option<String>,
}

/// One try to send, or several that failed alike one after another: then all figures are of all of them together.
///
/// For the page: with `count` over 1 show it as "12 kali, 10.05–10.17". A failed try is written to the disk at most once a minute while
/// nothing changes; this row is always up to date all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When the first began.
    pub at: Timestamp,
    /// When the last began; equals `at` for one.
    pub last: Timestamp,
    /// How many tries these are, at least 1.
    pub count: u32,
    /// How they failed; null when it went through, and then it is one.
    pub failed: Option<Cause>,
    /// Bytes sent, bodies only.
    pub sent: u32,
    /// Bytes received, bodies only.
    pub received: u32,
    /// How long they took, in milliseconds.
    pub millis: u32,
}
