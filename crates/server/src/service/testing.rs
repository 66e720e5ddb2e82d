//! What the tests share: an office with three people, their devices, and a clock that is moved by hand.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use ed25519_dalek::SigningKey;
use lentera_document::{Actor, Document, Fields, fields_of};
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::{LogEntryId, Nip, RecordId, Timestamp, UmkmId};
use lentera_protocol::bundle::{self, Bundle, Change, Packed, Stamp};
use lentera_protocol::handed::Handed;
use lentera_protocol::receipt::Receipt;
use lentera_protocol::stream::Row;
use lentera_protocol::sync::{Answer, Header};
use lentera_protocol::{DeviceId, Hash, VERSION, sign};
use tempfile::TempDir;
use uuid::Uuid;

use super::{Receipts, Request, Service, Taken, Verdict};
use crate::clock::Clock;
use crate::storage::{Enrolled, Enrolment, NewsQuery, Sqlite, Storage};

pub const SITI: &str = "197203151998032000";
pub const AHMAD: &str = "198001012006041000";
/// Of another unit.
pub const LAILA: &str = "199001012022212001";

const STAFF: &str = "nip,nama,jabatan,unit,atasan_nip
197203151998032000,Siti Contoh,Penyuluh,Bidang Perindustrian,198001012006041000
198001012006041000,Ahmad Contoh,Kepala Bidang,Bidang Perindustrian,
199001012022212001,Laila Contoh,Penyuluh,Bidang Perdagangan,198001012006041000
";

pub const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

/// A clock that stands until it is moved, and randomness that counts.
#[derive(Debug)]
pub struct TestClock {
    millis: AtomicI64,
    random: AtomicU64,
}

impl Default for TestClock {
    fn default() -> Self {
        Self { millis: AtomicI64::new(NOW.millis()), random: AtomicU64::new(1) }
    }
}

impl TestClock {
    pub fn pass(&self, millis: i64) {
        self.millis.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }

    fn fill_random(&self, bytes: &mut [u8]) -> io::Result<()> {
        for byte in bytes {
            *byte = self.random.fetch_add(1, Ordering::SeqCst).to_le_bytes()[0];
        }
        Ok(())
    }
}

pub struct Office {
    pub service: Arc<Service<Sqlite>>,
    pub storage: Sqlite,
    pub clock: Arc<TestClock>,
    pub folder: TempDir,
}

impl Office {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Sqlite::open(&folder.path().join("db.sqlite")).unwrap();
        let clock = Arc::new(TestClock::default());
        let service = Service::new(storage.clone(), SigningKey::from_bytes(&[1; 32]), Arc::clone(&clock) as Arc<dyn Clock>);
        assert!(service.create_office("Disperindag Contoh".into()).await.unwrap());
        service.import_staff(STAFF.as_bytes()).await.unwrap();
        Self { service: Arc::new(service), storage, clock, folder }
    }

    /// A copy of the database as it is now, as a nightly backup makes it.
    pub fn back_up(&self) -> Vec<u8> {
        let copy = self.folder.path().join("backup.sqlite");
        let db = rusqlite::Connection::open(self.folder.path().join("db.sqlite")).unwrap();
        db.execute("VACUUM INTO ?", [copy.to_str().unwrap()]).unwrap();
        let bytes = std::fs::read(&copy).unwrap();
        std::fs::remove_file(copy).unwrap();
        bytes
    }

    /// The office after its server was made anew from a backup.
    pub fn restored_from(self, backup: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("db.sqlite"), backup).unwrap();
        let storage = Sqlite::open(&folder.path().join("db.sqlite")).unwrap();
        let key = self.service.key().clone();
        let service = Arc::new(Service::new(storage.clone(), key, Arc::clone(&self.clock) as Arc<dyn Clock>));
        Self { service, storage, clock: self.clock, folder }
    }

    /// The verdict on a bundle that is handed over.
    pub async fn accept(&self, sealed: &[u8]) -> Verdict {
        self.service.accept_bundle(sealed).await.unwrap()
    }

    /// What is said on one thing that a request of this device hands over.
    pub async fn take(&self, asking: &TestDevice, handed: Handed) -> Taken {
        self.service.take(handed.into_frame(), &mut Request::of(asking.id())).await.unwrap()
    }

    /// The receipt of a bundle that is handed over and kept.
    pub async fn receipt(&self, sealed: &[u8]) -> Receipt {
        self.read(self.accept(sealed).await)
    }

    /// The receipt in a verdict.
    pub fn read(&self, verdict: Verdict) -> Receipt {
        match verdict {
            Verdict::Receipt(receipt) => self.verify(&receipt),
            Verdict::Unreadable(code) => panic!("{code}"),
        }
    }

    pub fn verify(&self, receipt: &[u8]) -> Receipt {
        sign::verify::<Receipt>(receipt, &self.service.key().verifying_key()).unwrap().into_inner()
    }

    /// The answer to a request of this device that hands over nothing.
    pub async fn answer(&self, device: &TestDevice, amendment: Option<u64>) -> Answer {
        let header = Header {
            version: VERSION,
            device: device.id(),
            counter: 1,
            scope_epoch: 1,
            cursors: vec![],
            page_bytes: None,
            amendment,
        };
        self.service.answer(&header, Receipts::default(), vec![]).await.unwrap()
    }

    /// The receipts in such an answer.
    pub async fn amendments(&self, device: &TestDevice, above: Option<u64>) -> Vec<Receipt> {
        self.answer(device, above).await.receipts.iter().map(|receipt| self.verify(&receipt.0)).collect()
    }

    /// The changes that a device without cursors is given, by their text.
    pub async fn changes_for(&self, device: &TestDevice) -> Vec<Vec<u8>> {
        let query = NewsQuery {
            device: device.id(),
            cursors: vec![],
            rows: 10_000,
            bytes: 10_000_000,
            newest_first: false,
            amendments: None,
        };
        let pages = self.storage.news(query).await.unwrap().unwrap().pages;
        let rows = pages.into_iter().flat_map(|page| page.rows);
        rows.filter_map(|row| if let Row::Change { bytes, .. } = row { Some(bytes) } else { None }).collect()
    }

    /// How many rows a table has, asked of the file itself.
    pub fn count(&self, table: &str) -> i64 {
        let db = rusqlite::Connection::open(self.folder.path().join("db.sqlite")).unwrap();
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    pub fn codes(&self) -> Vec<String> {
        let db = rusqlite::Connection::open(self.folder.path().join("db.sqlite")).unwrap();
        let mut select = db.prepare("SELECT code FROM quarantine ORDER BY id").unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

/// An enrolled device that seals bundles.
pub struct TestDevice {
    pub key: SigningKey,
    pub number: u64,
    pub previous: Hash,
}

impl TestDevice {
    pub async fn enrol(office: &Office, nip: &str, seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let enrolment =
            Enrolment { nip: Nip::parse(nip).unwrap(), key: *key.verifying_key().as_bytes(), at: NOW, new_password: None };
        assert_eq!(office.storage.enrol_device(enrolment).await.unwrap(), Enrolled::Done);
        Self { key, number: 0, previous: Hash::default() }
    }

    pub fn id(&self) -> DeviceId {
        DeviceId::of_key(self.key.verifying_key().as_bytes())
    }

    pub fn actor(&self) -> Actor {
        Actor::derive(self.key.verifying_key().as_bytes(), 0)
    }

    /// The sealed bundle of `changes` after those sealed before.
    pub fn seal(&mut self, changes: &[Change]) -> Vec<u8> {
        match bundle::pack(changes).unwrap() {
            Packed::Whole(frame, count) if count == changes.len() => self.seal_frame(frame, 1),
            _ => panic!("more than one bundle"),
        }
    }

    /// The sealed bundle of these bytes in the place of changes.
    pub fn seal_frame(&mut self, changes: Vec<u8>, scope_epoch: u32) -> Vec<u8> {
        let sealed = Bundle {
            device: self.id(),
            number: self.number + 1,
            previous: self.previous,
            generation: 0,
            last_receipt: 0,
            scope_epoch,
            sealed: STAMP,
            changes,
        }
        .seal(&self.key);
        self.number += 1;
        self.previous = Hash::of(&sealed);
        sealed
    }
}

pub const STAMP: Stamp = Stamp { wall: NOW.millis(), boot: None, anchor: None, since_anchor: None };

pub fn change(record: RecordId, bytes: Vec<u8>) -> Change {
    Change { kind: record.kind.number(), id: *record.id.as_bytes(), bytes, saved: STAMP, part: None }
}

/// The changes that first make a log entry and then edit its text, one after the other.
pub fn log_entry(actor: Actor, id: u128, owner: &str, texts: &[&str]) -> Vec<Change> {
    let record = LogEntryId(Uuid::from_u128(id)).record();
    let of = |text: &str| {
        let form = LogEntryForm {
            day: "2026-11-23".into(),
            start: "8".into(),
            end: "9".into(),
            category: "Rapat".into(),
            activity: text.into(),
            ..LogEntryForm::default()
        };
        fields_of(&form.parse(Nip::parse(owner).unwrap(), NOW).unwrap()).unwrap()
    };
    writes(record, actor, texts.iter().map(|text| of(text)))
}

/// The changes that first make an enterprise and then rename it.
pub fn umkm(actor: Actor, id: u128, names: &[&str]) -> Vec<Change> {
    let of = |name: &str| {
        let form = UmkmForm {
            name: name.into(),
            owner_name: "Aluh Contoh".into(),
            village: "63.11.01.2001".into(),
            ..UmkmForm::default()
        };
        fields_of(&form.parse(NOW).unwrap().0).unwrap()
    };
    writes(UmkmId(Uuid::from_u128(id)).record(), actor, names.iter().map(|name| of(name)))
}

/// The changes by which these writers name one enterprise in turn, each knowing all before.
pub fn umkm_in_turn(writers: &[Actor], id: u128) -> Vec<Change> {
    let record = UmkmId(Uuid::from_u128(id)).record();
    let mut document = Document::new(record).unwrap();
    let mut before = Fields::default();
    let mut changes = Vec::new();
    for (turn, actor) in writers.iter().enumerate() {
        let form = UmkmForm {
            name: format!("Dapur {turn}"),
            owner_name: "Aluh Contoh".into(),
            village: "63.11.01.2001".into(),
            ..UmkmForm::default()
        };
        let after = fields_of(&form.parse(NOW).unwrap().0).unwrap();
        changes.push(change(record, document.write(*actor, NOW, &before, &after).unwrap().unwrap().bytes));
        before = after;
    }
    changes
}

/// The change by which this writer names an enterprise, knowing of it only the changes `built_on`.
pub fn umkm_on(built_on: &[&[u8]], actor: Actor, id: u128, name: &str) -> Change {
    let form =
        UmkmForm { name: name.into(), owner_name: "Aluh Contoh".into(), village: "63.11.01.2001".into(), ..UmkmForm::default() };
    let record = UmkmId(Uuid::from_u128(id)).record();
    write_on(built_on, actor, record, &fields_of(&form.parse(NOW).unwrap().0).unwrap())
}

/// The change by which this writer sets all fields of a record, knowing of it only the changes `built_on`.
pub fn write_on(built_on: &[&[u8]], actor: Actor, record: RecordId, fields: &Fields) -> Change {
    let mut document = Document::load(record, built_on.iter().copied()).unwrap();
    change(record, document.write(actor, NOW, &Fields::default(), fields).unwrap().unwrap().bytes)
}

fn writes(record: RecordId, actor: Actor, states: impl Iterator<Item = Fields>) -> Vec<Change> {
    let mut document = Document::new(record).unwrap();
    let mut before = Fields::default();
    let mut changes = Vec::new();
    for state in states {
        changes.push(change(record, document.write(actor, NOW, &before, &state).unwrap().unwrap().bytes));
        before = state;
    }
    changes
}
