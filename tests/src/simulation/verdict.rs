//! What must hold when all has come to rest.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use lentera_api::view::Delivery;

use super::ledger::{Key, Ledger, Saved, Typed};
use super::look::{OnDevice, OnServer};

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Something that was said to be saved is nowhere.
    Lost,
    /// Devices and server do not come to the same.
    Diverged,
    /// Something was said to have arrived, and had not.
    Lie,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "LOST",
            Self::Diverged => "DIVERGED",
            Self::Lie => "LIE",
        })
    }
}

/// One thing that was wrong.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Of which kind.
    pub fault: Fault,
    /// In words.
    pub text: String,
}

impl Failure {
    /// This was wrong.
    pub const fn new(fault: Fault, text: String) -> Self {
        Self { fault, text }
    }
}

/// A device at rest.
#[derive(Debug)]
pub struct End {
    /// What it holds.
    pub here: OnDevice,
    /// The page about what waits.
    pub shown: Delivery,
}

/// Compares all with all.
pub fn judge(ends: &[End], server: &OnServer, ledger: &Ledger) -> Vec<Failure> {
    let mut failures = lost(ends, server, ledger);
    failures.extend(overwritten(ends, server, ledger));
    failures.extend(differing_conflicts(ends, server));
    for change in ledger.arrived.iter().filter(|change| !server.has(**change)) {
        let text = format!("what was shown as arrived is not on the server: change {}", hex(change));
        failures.push(Failure::new(Fault::Lie, text));
    }
    for (number, end) in ends.iter().enumerate() {
        let is_revoked = end.here.device.is_some_and(|device| server.has_revoked(device));
        if !is_revoked {
            let arrived = end.here.changes.iter().filter(|change| change.is_own && change.outcome.as_deref() == Some("accepted"));
            for change in arrived.filter(|change| change.lacks_receipt) {
                let text = format!("device {number} shows change {} as arrived and asks for no receipt", hex(&change.hash));
                failures.push(Failure::new(Fault::Lie, text));
            }
            let differences = differences(&end.here, server).into_iter();
            failures.extend(differences.map(|text| Failure::new(Fault::Diverged, format!("device {number}: {text}"))));
        }
    }
    failures
}

/// What was said to be saved and is nowhere that a person could find it.
fn lost(ends: &[End], server: &OnServer, ledger: &Ledger) -> Vec<Failure> {
    let mut failures = Vec::new();
    for saved in ledger.saved.iter().filter(|saved| saved.excused.is_none() && !server.holds(saved.key, &saved.token)) {
        let Some(end) = ends.get(saved.device) else { continue };
        let is_listed = end.shown.refused.iter().any(|refused| {
            refused.form.as_ref().is_some_and(|form| form.to_string().contains(&saved.token))
                || refused.title.contains(&saved.token)
        });
        // On a withdrawn device it waits, and says so, for whoever asks.
        let is_revoked = end.here.device.is_some_and(|device| server.has_revoked(device));
        let waits = is_revoked && end.here.has(saved.change) && end.shown.light.waiting > 0;
        if !is_listed && !waits {
            let text = format!("{} was saved on device {} and is neither on the server nor listed", saved.token, saved.device);
            failures.push(Failure::new(Fault::Lost, text));
        }
    }
    failures
}

/// What was typed, arrived, and is nowhere that a person looks: it stands in no field, in no conflict, and nobody who had it before them
/// wrote over it.
fn overwritten(ends: &[End], server: &OnServer, ledger: &Ledger) -> Vec<Failure> {
    let mut fields: BTreeMap<(Key, &str), Vec<&Saved>> = BTreeMap::new();
    for saved in &ledger.saved {
        fields.entry((saved.key, saved.field)).or_default().push(saved);
    }
    let mut failures = Vec::new();
    for ((key, field), saved) in fields {
        let standing = server.standing(key, field);
        for (place, this) in saved.iter().enumerate() {
            let is_doubtful = this.excused.is_some()
                || ledger.set_back.contains(&this.device)
                || ends.get(this.device).is_none_or(|end| is_withdrawn(end, server) || end.here.has_refused(key));
            let is_seen = |tried: &Typed| tried.key == key && tried.field == field && tried.saw.contains(&this.token);
            // One's own words one has seen.
            let is_own = saved.iter().skip(place + 1).any(|later| later.device == this.device);
            let is_replaced = is_own
                || ledger.tried.iter().any(is_seen)
                || saved.iter().any(|over| ends.get(over.device).is_some_and(|end| was_on_the_page(&end.here, this, over)));
            let is_settled = ledger.settled.iter().any(|text| text.contains(&this.token));
            if !is_doubtful && !is_replaced && !is_settled && !standing.iter().any(|text| text.contains(&this.token)) {
                let (device, token) = (this.device, &this.token);
                let text =
                    format!("{token}, typed on device {device} into {field} of {}, gave way unseen: {standing:?}", name(&key));
                failures.push(Failure::new(Fault::Lost, text));
            }
        }
    }
    failures
}

/// Whether whoever wrote `over` this had written to the document before, with this in it: its page told them of the conflict (docs/adr/0009).
fn was_on_the_page(here: &OnDevice, this: &Saved, over: &Saved) -> bool {
    let place = |change| here.changes.iter().position(|kept| kept.hash == change);
    let (Some(came), Some(wrote)) = (place(this.change), place(over.change)) else { return false };
    let between = here.changes.iter().take(wrote).skip(came + 1);
    between.into_iter().any(|change| change.is_own && change.key == this.key)
}

fn is_withdrawn(end: &End, server: &OnServer) -> bool {
    end.here.device.is_some_and(|device| server.has_revoked(device))
}

/// Documents in which two devices that see all of it show different conflicts.
fn differing_conflicts(ends: &[End], server: &OnServer) -> Vec<Failure> {
    let mut first: BTreeMap<Key, (usize, BTreeSet<&str>)> = BTreeMap::new();
    let mut failures = Vec::new();
    for (number, end) in ends.iter().enumerate() {
        if end.here.device.is_none_or(|device| server.has_revoked(device)) {
            continue;
        }
        for key in visible(&end.here, server) {
            let shown = end.here.conflicts.iter().filter(|(of, _)| *of == key).map(|(_, field)| field.as_str()).collect();
            let (other, before) = first.entry(key).or_insert_with(|| (number, BTreeSet::clone(&shown)));
            if *before != shown {
                let text = format!("conflicts of {}: {before:?} on device {other}, {shown:?} on {number}", name(&key));
                failures.push(Failure::new(Fault::Diverged, text));
            }
        }
    }
    failures
}

/// The documents that a device's person may see whole.
fn visible(here: &OnDevice, server: &OnServer) -> HashSet<Key> {
    let Some(nip) = here.nip.as_ref() else { return HashSet::new() };
    let unit = server.units.get(nip).cloned().unwrap_or_default();
    let streams = [format!("person:{nip}"), format!("unit:{unit}")];
    server.homes.iter().filter(|(_, home)| streams.contains(home)).map(|(key, _)| *key).collect()
}

/// Where a device and the server differ in what the device may see.
fn differences(here: &OnDevice, server: &OnServer) -> Vec<String> {
    let mut differences = Vec::new();
    if here.nip.is_none() {
        return vec!["nobody is enrolled".to_owned()];
    }
    for key in &visible(here, server) {
        let there: HashSet<_> = server.changes.get(key).into_iter().flatten().map(|(hash, _)| *hash).collect();
        let counted = |outcome: Option<&str>| matches!(outcome, None | Some("accepted" | "need"));
        let mine = here.changes.iter().filter(|change| change.key == *key && counted(change.outcome.as_deref()));
        let mine: HashSet<_> = mine.map(|change| change.hash).collect();
        if there != mine {
            let (missing, extra) = (there.difference(&mine), mine.difference(&there));
            let names = |changes: Vec<&[u8; 32]>| changes.into_iter().map(|change| hex(change)).collect::<Vec<_>>().join(" ");
            let (missing, extra) = (names(missing.collect()), names(extra.collect()));
            let had = |change: &&super::look::Change| there.contains(&change.hash) && !mine.contains(&change.hash);
            let outcomes: Vec<_> = here.changes.iter().filter(had).map(|change| change.outcome.as_deref()).collect();
            let text = format!("{} lacks changes [{missing}], which it holds as {outcomes:?}; has [{extra}] alone", name(key));
            differences.push(text);
        } else if server.rows.get(key) != here.rows.get(key) {
            differences.push(format!("{} reads {:?}, on the server {:?}", name(key), here.rows.get(key), server.rows.get(key)));
        }
    }
    for key in here.rows.keys().filter(|key| !server.changes.contains_key(key)) {
        differences.push(format!("{} is shown and not on the server", name(key)));
    }
    differences
}

fn name(key: &Key) -> String {
    format!("document {}/{}", key.0, uuid::Uuid::from_bytes(key.1))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
