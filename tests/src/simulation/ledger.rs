//! What people were told: what is saved, and what has arrived. The program is held to it.

use std::collections::{BTreeMap, BTreeSet};

use lentera_domain::RecordId;

use super::look::OnDevice;

/// A document: its kind's number and its id.
pub type Key = (u16, [u8; 16]);

/// The key of a record's document.
pub fn key(record: RecordId) -> Key {
    (record.kind.number(), *record.id.as_bytes())
}

/// Something typed.
#[derive(Clone, Debug)]
pub struct Typed {
    /// Into which document.
    pub key: Key,
    /// Into which of its fields.
    pub field: &'static str,
    /// What: found nowhere else.
    pub token: String,
    /// What stood there when the form was opened.
    pub saw: String,
}

impl Typed {
    /// Into a new document.
    pub const fn new(key: Key, field: &'static str, token: String) -> Self {
        Self { key, field, token, saw: String::new() }
    }
}

/// Something typed that a device said is saved.
#[derive(Clone, Debug)]
pub struct Saved {
    /// On which device.
    pub device: usize,
    /// In which document.
    pub key: Key,
    /// In which of its fields.
    pub field: &'static str,
    /// What was typed: found nowhere else.
    pub token: String,
    /// The change that holds it.
    pub change: [u8; 32],
    /// The device has that change itself, and must keep it.
    pub is_here: bool,
    /// Why nobody can be asked for it any more.
    pub excused: Option<&'static str>,
}

/// All that people were told.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What is saved.
    pub saved: Vec<Saved>,
    /// Forms half filled in, by device and form.
    pub drafts: BTreeMap<(usize, String), String>,
    /// Devices whose disk was once another than what they wrote last.
    pub set_back: BTreeSet<usize>,
    /// What was written over something seen, whether it was said to be saved or the power went before that.
    pub tried: Vec<Typed>,
    /// Values of conflicts that somebody settled, having seen them all.
    pub settled: Vec<String>,
    /// Changes that a device showed as arrived.
    pub arrived: BTreeSet<[u8; 32]>,
    tokens: u32,
}

impl Ledger {
    /// Something to type that was never typed before.
    pub fn token(&mut self) -> String {
        self.tokens += 1;
        format!("({}/)", self.tokens)
    }

    /// A device said that `typed` is saved in these documents. What it does not hold is told.
    pub fn save(&mut self, device: usize, here: &OnDevice, typed: Vec<Typed>) -> Vec<String> {
        let mut missing = Vec::new();
        for Typed { key, field, token, .. } in typed {
            match here.own_change_with(key, &token) {
                Some(change) => self.saved.push(Saved { device, key, field, token, change, is_here: true, excused: None }),
                None => missing.push(token),
            }
        }
        missing
    }

    /// What device `device` must hold and does not.
    pub fn missing(&self, device: usize, here: &OnDevice) -> Vec<String> {
        let changes = self.saved.iter().filter(|saved| saved.device == device && saved.is_here);
        let changes = changes.filter(|saved| !here.has(saved.change)).map(|saved| saved.token.clone());
        let drafts = self.drafts.iter().filter(|((of, name), token)| *of == device && !here.has_draft(name, token));
        changes.chain(drafts.map(|((_, name), token)| format!("draft {name} {token}"))).collect()
    }

    /// The device's disk is another than it was: what it holds no more is excused, but for what `elsewhere` holds.
    pub fn excuse(&mut self, device: usize, here: &OnDevice, elsewhere: impl Fn(&Saved) -> bool, why: &'static str) {
        self.set_back.insert(device);
        for saved in self.saved.iter_mut().filter(|saved| saved.device == device && saved.is_here) {
            if !here.has(saved.change) {
                saved.is_here = false;
                if !elsewhere(saved) {
                    saved.excused = Some(why);
                }
            }
        }
        self.drafts.retain(|(of, name), token| *of != device || here.has_draft(name, token));
    }

    /// Nobody is asked for a change any more that was planted to be missing.
    pub fn forget(&mut self, change: [u8; 32]) {
        for saved in self.saved.iter_mut().filter(|saved| saved.change == change) {
            (saved.is_here, saved.excused) = (false, Some("forgotten"));
        }
    }
}
