//! Later words on bundles that were receipted: what waited has come to its end.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use lentera_domain::Timestamp;
use lentera_protocol::receipt::{Exception, Outcome, Receipt};
use lentera_protocol::{DeviceId, sign};

use super::Failure;
use crate::storage::{Amendment, Place, StorageError, Waiting};

/// What is said of changes; `None`: accepted.
type Outcomes = BTreeMap<Place, Option<Outcome>>;

/// The exceptions that a receipt of this bundle makes.
pub fn exceptions_of(outcomes: &Outcomes, device: DeviceId, number: u64) -> Vec<Exception> {
    of_bundle(outcomes, device, number)
        .filter_map(|(index, outcome)| outcome.clone().map(|outcome| Exception { index, outcome }))
        .collect()
}

fn of_bundle(outcomes: &Outcomes, device: DeviceId, number: u64) -> impl Iterator<Item = (u32, &Option<Outcome>)> {
    let at = |index| Place { device, number, index };
    outcomes.range(at(0)..=at(u32::MAX)).map(|(place, outcome)| (place.index, outcome))
}

/// The last words on the bundles that may have to be amended.
#[derive(Default)]
pub struct Amending {
    receipts: BTreeMap<(DeviceId, u64), Receipt>,
    /// Numbers of the devices' last amendments.
    last: BTreeMap<DeviceId, u64>,
}

impl Amending {
    /// The receipts of what waits.
    pub fn of<'a>(waiting: impl Iterator<Item = &'a Waiting>) -> Result<Self, Failure> {
        let mut amending = Self::default();
        for waiting in waiting {
            // Signed by ourselves, and read from our own storage.
            let receipt: Receipt = sign::peek(&waiting.receipt).map_err(|error| StorageError::Damaged(error.to_string()))?;
            amending.add(&receipt, waiting.amendment);
        }
        Ok(amending)
    }

    /// One more receipt; `last` is the number of its device's last amendment.
    pub fn add(&mut self, receipt: &Receipt, last: u64) {
        self.receipts.insert((receipt.device, receipt.number), receipt.clone());
        self.last.insert(receipt.device, last);
    }

    /// The amendments that say what has become of changes since, where that is something else.
    pub fn amend(mut self, outcomes: &Outcomes, now: Timestamp, key: &SigningKey) -> Vec<Amendment> {
        let mut amendments = Vec::new();
        for ((device, bundle), before) in self.receipts {
            let mut exceptions: BTreeMap<u32, Outcome> =
                before.exceptions.iter().map(|exception| (exception.index, exception.outcome.clone())).collect();
            for (index, outcome) in of_bundle(outcomes, device, bundle) {
                match outcome {
                    // It is not at its end. What is waited for now is of no use to the device; that it waits again, after a restore, is.
                    Some(need @ Outcome::Need(_)) => drop(exceptions.entry(index).or_insert_with(|| need.clone())),
                    Some(outcome) => drop(exceptions.insert(index, outcome.clone())),
                    None => drop(exceptions.remove(&index)),
                }
            }
            let exceptions: Vec<_> = exceptions.into_iter().map(|(index, outcome)| Exception { index, outcome }).collect();
            if exceptions == before.exceptions {
                continue;
            }
            let previous = self.last.get(&device).copied().unwrap_or_default();
            // Numbers go with the time, so that after a restore from a backup none is given twice: a device asks for those above the last it took.
            let number = (previous.max(before.amendment.unwrap_or_default()) + 1).max(now.millis().unsigned_abs());
            self.last.insert(device, number);
            let receipt = sign::sign(&Receipt { exceptions, amendment: Some(number), ..before }, key);
            amendments.push(Amendment { device, bundle, previous, number, receipt });
        }
        amendments
    }
}
