//! What may stand in the way of the engine in memory, and what waits for the person. All absent unless a sample puts it there.

use lentera_api::view::{Attempt, Carried, Cause, FileTaken, Finding, Progress, RefusedRecord, Rescue};
use lentera_api::{Error, What};
use lentera_domain::{RecordId, Timestamp};

use super::records::count;

/// How every `.lentera` file begins, in base64.
const FILE_START: &str = "bGVudGVyY";

/// Tries that are remembered.
const ATTEMPTS: usize = 50;

#[derive(Default)]
pub struct Trouble {
    /// The server takes this device's key no more.
    pub logged_out: bool,
    /// There was no network when it was last tried.
    pub no_network: bool,
    /// Minutes this device's clock is ahead of the server's.
    pub clock: Option<i64>,
    /// MB that are free, where they are few.
    pub free_mb: Option<u64>,
    pub refused: Vec<RefusedRecord>,
    /// Newest first.
    pub attempts: Vec<Attempt>,
    pub backfill: Option<Progress>,
    pub rescue: Option<Rescue>,
    pub carried: Carried,
    pub kept_aside: u32,
}

impl Trouble {
    /// Why nothing is sent.
    pub fn cause(&self, waiting: u32) -> Option<Cause> {
        match (self.logged_out, waiting) {
            (true, _) => Some(Cause::LogInAgain),
            (false, 0) => None,
            (false, _) => Some(Cause::Unreachable),
        }
    }

    /// What the doctor finds, the most important first.
    pub fn findings(&self, waiting: u32, conflicts: u32) -> Vec<Finding> {
        let way = match waiting {
            0 => None,
            _ if self.no_network => Some(Finding::NoNetwork),
            _ => Some(Finding::ServerUnreachable { since: None }),
        };
        let found = [
            self.logged_out.then_some(Finding::LogInAgain),
            way.filter(|_| !self.logged_out),
            (!self.refused.is_empty()).then(|| Finding::Refused { records: count(self.refused.len()) }),
            self.free_mb.map(|free_mb| Finding::DiskLow { free_mb }),
            self.clock.map(|minutes| Finding::ClockWrong { minutes }),
            (conflicts > 0).then_some(Finding::Conflicts { records: conflicts }),
            self.rescue.as_ref().map(|_| Finding::Rescued),
            (self.kept_aside > 0).then_some(Finding::KeptAside { count: self.kept_aside }),
        ];
        found.into_iter().flatten().collect()
    }

    /// Tries to send; tells whether the server took it.
    pub fn attempt(&mut self, now: Timestamp) -> bool {
        let failed = self.logged_out.then_some(Cause::LogInAgain);
        self.attempts.insert(0, Attempt { at: now, last: now, count: 1, failed, sent: 2_140, received: 16_800, millis: 1_830 });
        self.attempts.truncate(ATTEMPTS);
        if failed.is_none() {
            self.no_network = false;
            self.backfill = None;
            self.carried.receipts += self.carried.waiting;
            self.carried.delivered += self.carried.waiting;
            self.carried.waiting = 0;
        }
        failed.is_none()
    }

    /// The refused change leaves the list; tells of which record it was.
    pub fn dismiss(&mut self, change: i64) -> Result<RecordId, Error> {
        let index = self.refused.iter().position(|refused| refused.change == change);
        let index = index.ok_or(Error::NotFound { what: What::Refused })?;
        Ok(self.refused.remove(index).record)
    }

    /// Takes two parcels of a colleague from any file that begins as one of ours.
    pub fn take_file(&mut self, content: &str) -> Result<FileTaken, Error> {
        if !content.starts_with(FILE_START) {
            return Err(Error::BadFile { detail: "wrong beginning".into() });
        }
        let taken = FileTaken { parcels: 2, receipts: 0 };
        self.carried.waiting += taken.parcels;
        Ok(taken)
    }
}
