//! The world of one history: what people do, what happens to them, and what is checked after each step.

mod trouble;
mod work;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use anyhow::{Context, Result, anyhow};
use lentera_api::view::{Cause, Delivery as Shown};
use lentera_api::{Delivery, Enrol, Error, LogInAgain, Status};
use lentera_domain::umkm::UmkmForm;
use lentera_domain::{Nip, UmkmId};
use lentera_engine::Exchange;
use lentera_protocol::receipt::Receipt;
use lentera_protocol::sign::verify;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::Seen;
use super::copy_folder;
use super::device::Device;
use super::event::{Event, What};
use super::ledger::Ledger;
use super::look::{OnDevice, OnServer};
use super::network::Network;
use super::planted::Bug;
use super::server::{Server, key};
use super::template::{FIRST_UNITS, OWNERS, PASSWORD, PEOPLE, Template, scratch};
use super::verdict::{self, End, Failure, Fault};
use crate::dice::Dice;

/// Rounds of all devices after which there must be rest.
const ROUNDS_MAX: usize = 40;
/// Between two rounds passes an hour.
const ROUND_MILLIS: i64 = 60 * 60 * 1000;

/// The world of one history.
pub struct World<'a> {
    /// What was wrong.
    pub failures: Vec<Failure>,
    /// How often what happened, to see that the rare things do.
    pub seen: Seen,
    runtime: &'a Runtime,
    server: Rc<RefCell<Server>>,
    network: Rc<Network>,
    devices: Vec<Device>,
    ledger: Ledger,
    /// Each person's unit, as the operator last imported it.
    units: [usize; 3],
    /// Forms of enterprises that are open on a device, as they were opened.
    open_forms: BTreeMap<usize, (UmkmId, UmkmForm)>,
    /// Bundles whose receipts were carried by file when the server, set back, had them no more: nobody can know until the next sync.
    overtaken: HashSet<[u8; 32]>,
    /// Devices whose database was damaged.
    damaged: Vec<bool>,
    /// How power comes back.
    dice: Dice,
    /// The device's disk is full at this moment.
    is_full: bool,
    bug: Option<Bug>,
    tell: bool,
    /// Removed last: all files are closed by then.
    folder: TempDir,
}

impl<'a> World<'a> {
    /// A copy of the template, with all programs running.
    ///
    /// # Errors
    /// Where they do not start.
    pub fn begin(runtime: &'a Runtime, template: &Template, seed: u64, bug: Option<Bug>, tell: bool) -> Result<Self> {
        let folder = scratch()?;
        let at = |name: &str| folder.path().join(name);
        copy_folder(&template.server(), &at("server"))?;
        let mut server = Server::new(&at("server"), &at("backup"), seed, bug)?;
        server.start(runtime)?;
        let server = Rc::new(RefCell::new(server));
        let network = Rc::new(Network::new(Rc::clone(&server)));
        let mut devices = Vec::new();
        for (number, person) in OWNERS.into_iter().enumerate() {
            let (data, image) = (at(&format!("device{number}")), at(&format!("image{number}")));
            copy_folder(&template.device(number), &data)?;
            let mut device = Device::new(number, person, &data, &image, seed, Rc::clone(&network))?;
            device.disk.skip_sync(bug == Some(Bug::LyingDisk));
            device.start().map_err(|error| anyhow!("device {number}: {error}"))?;
            devices.push(device);
        }
        Ok(Self {
            failures: Vec::new(),
            seen: Seen::default(),
            runtime,
            server,
            network,
            open_forms: BTreeMap::new(),
            overtaken: HashSet::new(),
            damaged: vec![false; devices.len()],
            devices,
            ledger: Ledger::default(),
            units: FIRST_UNITS,
            dice: Dice::new(!seed),
            is_full: false,
            bug,
            tell,
            folder,
        })
    }

    /// Lets an event happen, restores the power where it went, and checks.
    ///
    /// # Errors
    /// Where the world itself breaks.
    pub fn happen(&mut self, event: &Event) -> Result<()> {
        let mut dice = event.dice();
        let device = event.device % self.devices.len();
        self.pass(1000 * (1 + i64::try_from(dice.below(1200))?));
        self.say(|| format!("{event}"));
        let saved = self.work(event.what, device, &mut dice)?;
        if saved.is_none() {
            self.trouble(event.what, device, &mut dice)?;
        }
        self.restore_power()?;
        if let Some(typed) = saved.filter(|typed| !typed.is_empty()) {
            let here = self.look(device)?;
            for token in self.ledger.save(device, &here, typed) {
                self.fail(Fault::Lost, format!("device {device} said that {token} is saved, and does not hold it"));
            }
        }
        if self.bug == Some(Bug::SeqReused) && dice.one_in(8) {
            self.reuse_seq(device, &mut dice)?;
        }
        self.check(device)
    }

    /// So many milliseconds pass everywhere.
    fn pass(&self, millis: i64) {
        self.server.borrow().clock.pass(millis);
        self.devices.iter().for_each(|device| device.pass(millis));
    }

    fn say(&self, text: impl FnOnce() -> String) {
        if self.tell {
            println!("  {}", text());
        }
    }

    fn fail(&mut self, fault: Fault, text: String) {
        self.say(|| format!("{fault}: {text}"));
        self.failures.push(Failure::new(fault, text));
    }

    fn device(&self, number: usize) -> Result<&Device> {
        self.devices.get(number).context("no such device")
    }

    fn device_mut(&mut self, number: usize) -> Result<&mut Device> {
        self.devices.get_mut(number).context("no such device")
    }

    fn look(&self, device: usize) -> Result<OnDevice> {
        let device = self.device(device)?;
        device.database().map_or_else(|| Ok(OnDevice::default()), |database| OnDevice::read(&database))
    }

    fn look_at_server(&self) -> Result<OnServer> {
        OnServer::read(&self.server.borrow().database())
    }

    /// Switches on what lost its power.
    fn restore_power(&mut self) -> Result<()> {
        self.restore_server()?;
        for number in 0..self.devices.len() {
            if !self.device(number)?.disk.is_down() {
                continue;
            }
            self.say(|| format!("power is back at device {number}"));
            let mut dice = self.dice.clone();
            self.device_mut(number)?.power_on(&mut dice)?;
            self.dice = dice;
            if self.is_damaged(number) {
                self.start_damaged(number)?;
            } else if let Err(error) = self.device_mut(number)?.start() {
                self.fail(Fault::Lost, format!("device {number} does not start again: {error}"));
            }
        }
        Ok(())
    }

    fn restore_server(&mut self) -> Result<()> {
        if self.server.borrow().disk.is_down() {
            self.say(|| "power is back at the server".to_owned());
            self.server.borrow_mut().start_again(self.runtime, &mut self.dice)?;
        }
        Ok(())
    }

    /// What a device said is saved is there; what it shows as arrived did.
    fn check(&mut self, device: usize) -> Result<()> {
        if self.is_damaged(device) {
            return Ok(());
        }
        let here = self.look(device)?;
        for what in self.ledger.missing(device, &here) {
            self.fail(Fault::Lost, format!("device {device} does not hold {what} any more"));
        }
        self.check_arrived(device, &here)
    }

    fn check_arrived(&mut self, device: usize, here: &OnDevice) -> Result<()> {
        let is_new = |change: &&super::look::Change| {
            change.is_own && change.outcome.as_deref() == Some("accepted") && !self.ledger.arrived.contains(&change.hash)
        };
        let new: Vec<_> = here.changes.iter().filter(is_new).collect();
        if new.is_empty() {
            return Ok(());
        }
        let server = self.look_at_server()?;
        let mut wrong = Vec::new();
        for change in new {
            let receipt = change.receipted.and_then(|bundle| here.receipts.iter().find(|(hash, _)| *hash == bundle));
            if let Some((bundle, sealed)) = receipt
                && !verify::<Receipt>(sealed, &key().verifying_key()).is_ok_and(|receipt| receipt.bundle.0 == *bundle)
            {
                wrong.push(format!("device {device} shows as arrived what has no receipt of the server's: {:?}", change.key));
            }
            let is_overtaken = change.receipted.is_some_and(|bundle| self.overtaken.contains(&bundle));
            if !server.has(change.hash) && !is_overtaken {
                wrong.push(format!("device {device} shows as arrived what the server does not hold: {:?}", change.key));
            }
            self.ledger.arrived.insert(change.hash);
        }
        wrong.into_iter().for_each(|text| self.fail(Fault::Lie, text));
        Ok(())
    }

    /// An error that a device may answer with, or is blamed for.
    fn judge(&mut self, device: usize, error: &Error, may_be_full: bool) -> Result<()> {
        self.say(|| format!("device {device}: {error}"));
        let is_down = self.device(device)?.disk.is_down();
        let is_damaged = self.is_damaged(device);
        let blamed = match error {
            Error::Storage { .. } | Error::Internal { .. } => !is_down && !is_damaged && !may_be_full,
            Error::DiskFull => !may_be_full,
            _ => false,
        };
        if blamed {
            self.fail(Fault::Lost, format!("device {device} could not do its work: {error}"));
        } else if is_damaged && !is_down {
            self.start_damaged(device)?;
        }
        Ok(())
    }

    /// The app of a damaged device is started; what it could not read any more nobody can be asked for, if it says so.
    fn start_damaged(&mut self, device: usize) -> Result<()> {
        self.device_mut(device)?.stop()?;
        if let Err(error) = self.device_mut(device)?.start() {
            if self.device(device)?.disk.is_down() {
                return Ok(());
            }
            self.fail(Fault::Lost, format!("device {device} with a damaged database does not start: {error}"));
            return Ok(());
        }
        self.enrol_where_needed(device)?;
        let Ok(here) = self.look(device) else { return Ok(()) };
        if here.rescued == Some(false) {
            self.restore_server()?;
            let server = self.look_at_server()?;
            self.ledger.excuse(device, &here, |saved| server.holds(saved.key, &saved.token), "destroyed by damage");
        }
        // Damage may lie where nobody looked yet.
        if here.rescued.is_some() {
            self.set_damaged(device, false);
        }
        Ok(())
    }

    fn is_damaged(&self, device: usize) -> bool {
        self.damaged.get(device) == Some(&true)
    }

    fn set_damaged(&mut self, device: usize, is_damaged: bool) {
        if let Some(damaged) = self.damaged.get_mut(device) {
            *damaged = is_damaged;
        }
    }

    /// Enrols the device's person where it knows nobody.
    fn enrol_where_needed(&mut self, device: usize) -> Result<()> {
        let status = self.device(device)?.call(self.runtime, Status {}).map_err(|error| anyhow!("status: {error}"))?;
        if status.person.is_some() {
            return Ok(());
        }
        self.restore_server()?;
        let nip = PEOPLE.get(self.device(device)?.person).copied().unwrap_or_default().to_owned();
        let invite = self.server.borrow().invite(self.runtime, Nip::parse(&nip).ok())?;
        let enrol = Enrol { invite, nip, password: PASSWORD.to_owned(), new_password: String::new() };
        if let Err(error) = self.device(device)?.call(self.runtime, enrol) {
            self.judge(device, &error, false)?;
        }
        Ok(())
    }

    /// Sends and fetches.
    fn sync(&mut self, device: usize, may_be_full: bool) -> Result<Option<Exchange>> {
        match self.device(device)?.sync(self.runtime) {
            Ok(exchange) => {
                self.say(|| format!("device {device}: {exchange:?}"));
                Ok(Some(exchange))
            }
            Err(error) => {
                self.judge(device, &error, may_be_full)?;
                Ok(None)
            }
        }
    }

    fn log_in_again(&mut self, device: usize) -> Result<()> {
        let command = LogInAgain { password: PASSWORD.to_owned(), new_password: String::new() };
        match self.device(device)?.call(self.runtime, command) {
            Ok(_) => {
                *self.seen.entry("log-ins again").or_default() += 1;
                self.say(|| format!("device {device} has logged in again"));
            }
            Err(error) => self.judge(device, &error, false)?,
        }
        Ok(())
    }

    fn delivery(&mut self, device: usize) -> Result<Option<Shown>> {
        match self.device(device)?.call(self.runtime, Delivery {}) {
            Ok(shown) => Ok(Some(shown)),
            Err(error) => {
                self.judge(device, &error, false)?;
                Ok(None)
            }
        }
    }

    /// All trouble ends, everybody comes to rest, and all is compared.
    ///
    /// # Errors
    /// Where the world itself breaks.
    pub fn end(&mut self) -> Result<()> {
        self.say(|| "all trouble ends".to_owned());
        self.network.calm();
        {
            let server = self.server.borrow();
            server.disk.cut_after(None);
            server.disk.full_after(None);
        }
        for device in &self.devices {
            device.disk.cut_after(None);
            device.disk.full_after(None);
        }
        let runtime = self.runtime;
        let network = Rc::clone(&self.network);
        runtime.block_on(network.deliver_held_up(&mut self.dice));
        for device in 0..self.devices.len() {
            if self.is_damaged(device) {
                self.start_damaged(device)?;
                self.set_damaged(device, false);
            }
            self.enrol_where_needed(device)?;
        }
        let mut restless = Vec::new();
        for _ in 0..ROUNDS_MAX {
            restless.clear();
            self.pass(ROUND_MILLIS);
            for device in 0..self.devices.len() {
                if let Some(why) = self.round(device)? {
                    restless.push(format!("device {device}: {why}"));
                }
            }
            if restless.is_empty() || !self.failures.is_empty() {
                break;
            }
        }
        if !restless.is_empty() {
            self.fail(Fault::Diverged, format!("no rest after {ROUNDS_MAX} rounds: {}", restless.join("; ")));
        }
        if !self.failures.is_empty() {
            return Ok(());
        }
        let server = self.look_at_server()?;
        server.seen.iter().for_each(|(what, count)| *self.seen.entry(what).or_default() += count);
        let mut ends = Vec::new();
        for device in 0..self.devices.len() {
            let here = self.look(device)?;
            let shown = self.delivery(device)?.context("no delivery page")?;
            self.check(device)?;
            here.seen.iter().for_each(|(what, count)| *self.seen.entry(what).or_default() += count);
            ends.push(End { here, shown });
        }
        for failure in verdict::judge(&ends, &server, &self.ledger) {
            self.fail(failure.fault, failure.text);
        }
        Ok(())
    }

    /// One more exchange of a device; why it is not at rest, if it is not.
    fn round(&mut self, device: usize) -> Result<Option<String>> {
        self.device(device)?.come_to_front();
        let Some(exchange) = self.sync(device, false)? else { return Ok(Some("its database fails".to_owned())) };
        match exchange.failed {
            None if exchange.rows > 0 || exchange.receipts > 0 => return Ok(Some("there was news".to_owned())),
            None => {}
            Some(Cause::Revoked) => return self.hand_over_by_file(device),
            Some(Cause::LogInAgain) => {
                self.log_in_again(device)?;
                return Ok(Some("it was to log in again".to_owned()));
            }
            Some(cause) => return Ok(Some(format!("{cause:?}"))),
        }
        let shown = self.delivery(device)?.context("no delivery page")?;
        Ok((shown.light.waiting > 0).then(|| format!("{} records wait: {:?}", shown.light.waiting, shown.waiting)))
    }
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        // In this order: programs, then the files below them.
        self.devices.clear();
        let _ = self.server.borrow_mut().stop();
        let _ = &self.folder;
    }
}
