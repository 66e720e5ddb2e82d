//! What lies in the databases, read beside the running programs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use anyhow::{Context, Result};
use ed25519_dalek::SigningKey;
use lentera_document::Document;
use lentera_domain::{Kind, RecordId};
use lentera_protocol::DeviceId;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use uuid::Uuid;

use super::Seen;
use super::ledger::Key;

/// What a device holds.
#[derive(Debug, Default)]
pub struct OnDevice {
    /// All changes, in order.
    pub changes: Vec<Change>,
    /// Records as shown, JSON.
    pub rows: BTreeMap<Key, String>,
    /// Fields that are shown as in conflict.
    pub conflicts: Vec<(Key, String)>,
    /// Bundles that have receipts: hash, and the receipt.
    pub receipts: Vec<([u8; 32], Vec<u8>)>,
    /// Whether the device was ever rescued, and whether everything was read.
    pub rescued: Option<bool>,
    /// Its present key's name.
    pub device: Option<DeviceId>,
    /// Its people's NIP.
    pub nip: Option<String>,
    /// How often rare things happened here.
    pub seen: Seen,
    hashes: HashSet<[u8; 32]>,
    drafts: Vec<(String, String)>,
}

/// A change on a device.
#[derive(Debug)]
pub struct Change {
    /// Of which document.
    pub key: Key,
    /// Its name.
    pub hash: [u8; 32],
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// It was written here.
    pub is_own: bool,
    /// What became of it.
    pub outcome: Option<String>,
    /// The bundle it went in, if that has a receipt.
    pub receipted: Option<[u8; 32]>,
    /// The bundle it went in is here, and has no receipt.
    pub lacks_receipt: bool,
}

impl OnDevice {
    /// Reads a device's database.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(database: &Path) -> Result<Self> {
        let db = open(database)?;
        let mut here = Self::default();
        let sql = "SELECT kind, id, change.hash, bytes, intent IS NOT NULL, outcome, bundle.hash, bundle.receipt IS NOT NULL
            FROM change LEFT JOIN bundle ON bundle.row = change.bundle ORDER BY position";
        let mut select = db.prepare(sql)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (sealed, has_receipt) = (row.get::<_, Option<[u8; 32]>>(6)?, row.get::<_, bool>(7)?);
            here.changes.push(Change {
                key: (row.get(0)?, row.get(1)?),
                hash: row.get(2)?,
                bytes: row.get(3)?,
                is_own: row.get(4)?,
                outcome: row.get(5)?,
                receipted: sealed.filter(|_| has_receipt),
                lacks_receipt: sealed.is_some() && !has_receipt,
            });
        }
        here.hashes = here.changes.iter().map(|change| change.hash).collect();
        for (kind, table) in TABLES {
            let mut select = db.prepare(&format!("SELECT id, body FROM {table}"))?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                here.rows.insert((kind.number(), row.get(0)?), row.get(1)?);
            }
        }
        let mut select = db.prepare("SELECT kind, id, field FROM conflict")?;
        let conflicts = select.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
        here.conflicts = conflicts.collect::<Result<_, _>>()?;
        let mut select = db.prepare("SELECT hash, receipt FROM bundle WHERE receipt IS NOT NULL")?;
        here.receipts = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let mut select = db.prepare("SELECT name, content FROM draft UNION ALL SELECT name, content FROM draft_aside")?;
        here.drafts = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        here.rescued = db.query_row("SELECT min(complete) FROM rescue", [], |row| row.get(0))?;
        let identity = db.query_row("SELECT device_seed, employee FROM identity", [], |row| {
            Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, String>(1)?))
        });
        if let Some((seed, employee)) = identity.optional()? {
            here.device = Some(DeviceId::of_key(SigningKey::from_bytes(&seed).verifying_key().as_bytes()));
            let employee: serde_json::Value = serde_json::from_str(&employee)?;
            here.nip = employee.get("nip").and_then(|nip| nip.as_str()).map(ToOwned::to_owned);
        }
        for (what, sql) in SEEN_ON_DEVICES {
            here.seen.insert(what, db.query_row(sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs());
        }
        Ok(here)
    }

    /// Whether it holds this change.
    pub fn has(&self, change: [u8; 32]) -> bool {
        self.hashes.contains(&change)
    }

    /// Whether it holds a draft of this form with this text.
    pub fn has_draft(&self, name: &str, token: &str) -> bool {
        self.drafts.iter().any(|(of, content)| of == name && content.contains(token))
    }

    /// Its own last change to a document that holds a text.
    pub fn own_change_with(&self, key: Key, token: &str) -> Option<[u8; 32]> {
        let found = self.changes.iter().rev().find(|change| change.is_own && change.key == key && holds(&change.bytes, token));
        found.map(|change| change.hash)
    }

    /// Whether something of this document was refused.
    pub fn has_refused(&self, key: Key) -> bool {
        let refused = |outcome: &str| !matches!(outcome, "accepted" | "need" | "replaced");
        self.changes.iter().any(|change| change.key == key && change.outcome.as_deref().is_some_and(refused))
    }

    /// Whether all that was written here has arrived.
    pub fn has_all_arrived(&self) -> bool {
        let mut own = self.changes.iter().filter(|change| change.is_own);
        own.all(|change| matches!(change.outcome.as_deref(), Some("accepted" | "replaced")))
    }

    /// Whether it has receipts of bundles that the server does not hold.
    pub fn is_owed(&self, server: &OnServer) -> bool {
        self.receipts.iter().any(|(bundle, _)| !server.bundles.contains(bundle))
    }
}

/// A kept change: its name and its bytes.
pub type Kept = ([u8; 32], Vec<u8>);

/// What the server holds.
#[derive(Debug, Default)]
pub struct OnServer {
    /// All changes that it accepted, by document.
    pub changes: BTreeMap<Key, Vec<Kept>>,
    /// Records, JSON.
    pub rows: BTreeMap<Key, String>,
    /// Names of the documents' streams.
    pub homes: BTreeMap<Key, String>,
    /// Hashes of all bundles.
    pub bundles: HashSet<[u8; 32]>,
    /// Each person's unit.
    pub units: HashMap<String, String>,
    /// Devices that were withdrawn.
    pub revoked: BTreeSet<String>,
    /// How often rare things happened here.
    pub seen: Seen,
    hashes: HashSet<[u8; 32]>,
}

impl OnServer {
    /// Reads the server's database.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(database: &Path) -> Result<Self> {
        let db = open(database)?;
        let mut server = Self::default();
        let mut select = db.prepare("SELECT kind, id, hash, bytes FROM change ORDER BY seq")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let key = (row.get(0)?, uuid(&row.get::<_, String>(1)?)?);
            let hash = row.get(2)?;
            server.hashes.insert(hash);
            server.changes.entry(key).or_default().push((hash, row.get(3)?));
        }
        for (kind, table) in TABLES {
            let mut select = db.prepare(&format!("SELECT id, body FROM {table}"))?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                server.rows.insert((kind.number(), uuid(&row.get::<_, String>(0)?)?), row.get(1)?);
            }
        }
        let mut select = db.prepare("SELECT kind, id, home FROM document WHERE home IS NOT NULL")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            server.homes.insert((row.get(0)?, uuid(&row.get::<_, String>(1)?)?), row.get(2)?);
        }
        let mut select = db.prepare("SELECT hash FROM bundle")?;
        server.bundles = select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut select = db.prepare("SELECT nip, unit FROM person")?;
        server.units = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        let mut select = db.prepare("SELECT id FROM device WHERE revoked_at IS NOT NULL")?;
        server.revoked = select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for (what, sql) in SEEN_ON_SERVER {
            server.seen.insert(what, db.query_row(sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs());
        }
        Ok(server)
    }

    /// Whether it accepted this change.
    pub fn has(&self, change: [u8; 32]) -> bool {
        self.hashes.contains(&change)
    }

    /// Whether it accepted a change of this document that holds this text.
    pub fn holds(&self, key: Key, token: &str) -> bool {
        self.changes.get(&key).is_some_and(|changes| changes.iter().any(|(_, bytes)| holds(bytes, token)))
    }

    /// The texts that stand in a field: one, or those of a conflict.
    pub fn standing(&self, key: Key, field: &str) -> Vec<String> {
        let Some(kind) = Kind::from_number(key.0) else { return Vec::new() };
        let id = RecordId { kind, id: Uuid::from_bytes(key.1) };
        let changes = self.changes.get(&key).into_iter().flatten().map(|(_, bytes)| bytes.as_slice());
        let Ok(document) = Document::load(id, changes) else { return Vec::new() };
        let conflicts = document.conflicts().into_iter().filter(|conflict| conflict.field == field);
        let values = conflicts.flat_map(|conflict| conflict.values).map(|value| value.value);
        let values = values.chain(document.fields().get(field).cloned());
        values.filter_map(|value| value.as_str().map(ToOwned::to_owned)).collect()
    }

    /// Whether this device was withdrawn.
    pub fn has_revoked(&self, device: DeviceId) -> bool {
        self.revoked.contains(&device.to_string())
    }
}

/// Tables of records, the same names on device and server.
const TABLES: [(Kind, &str); 4] =
    [(Kind::LogEntry, "log_entry"), (Kind::Umkm, "umkm"), (Kind::UmkmOwner, "umkm_owner"), (Kind::Visit, "visit")];

/// Rare things on a device, and how they are counted.
const SEEN_ON_DEVICES: [(&str, &str); 5] = [
    ("conflicts", "SELECT count(*) FROM conflict"),
    ("refused", "SELECT count(*) FROM change WHERE outcome NOT IN ('accepted', 'need', 'replaced')"),
    ("written anew", "SELECT count(*) FROM change WHERE replaces IS NOT NULL"),
    ("rescues", "SELECT count(*) FROM rescue"),
    ("kept aside", "SELECT count(*) FROM quarantine"),
];
/// Rare things on the server.
const SEEN_ON_SERVER: [(&str, &str); 6] = [
    ("changes", "SELECT count(*) FROM change"),
    ("amendments", "SELECT count(*) FROM amendment"),
    ("frozen keys", "SELECT count(*) FROM device WHERE frozen_at IS NOT NULL"),
    ("withdrawn", "SELECT count(*) FROM device WHERE revoked_at IS NOT NULL"),
    ("quarantined", "SELECT count(*) FROM quarantine"),
    ("seqs given twice", "SELECT count(*) FROM quarantine WHERE code = 'wrong_seq'"),
];

fn open(database: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(database, flags).with_context(|| database.display().to_string())
}

fn uuid(text: &str) -> Result<[u8; 16]> {
    Ok(Uuid::try_parse(text)?.into_bytes())
}

/// Whether `text` stands in `bytes`: changes hold their texts as they are.
fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
