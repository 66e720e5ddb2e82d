//! What happens to devices, server and network, and what is done about it.

use anyhow::{Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lentera_api::view::Finding;
use lentera_api::{Error, ExportReceipts, ExportUnsent, TakeFile};
use lentera_domain::{Kind, UmkmId};
use lentera_protocol::parcel::LenteraFile;
use lentera_protocol::receipt::Receipt;
use lentera_protocol::sign::peek;
use uuid::Uuid;

use super::{Dice, OnDevice, What, World};
use crate::simulation::device::Device;
use crate::simulation::template::{UNITS, staff};

/// A year, in milliseconds.
const YEAR: i64 = 365 * 24 * 60 * 60 * 1000;
/// The power goes at one of so many operations: enough for a few exchanges.
const CUT_WITHIN: u64 = 60;
/// The device that is never withdrawn: somebody must be left to carry files.
const CARRIER: usize = 2;

impl World<'_> {
    /// Lets something happen that is not work.
    pub(super) fn trouble(&mut self, what: What, device: usize, dice: &mut Dice) -> Result<()> {
        match what {
            What::LostRequest
            | What::LostAnswer
            | What::CutBody
            | What::Twice
            | What::HeldUp
            | What::StaleAnswer
            | What::FalseAnswer => {
                self.network.trouble(what, dice.clone());
                self.sync(device, false)?;
                self.network.calm();
            }
            What::Arrive => {
                let (runtime, network) = (self.runtime, std::rc::Rc::clone(&self.network));
                let count = runtime.block_on(network.deliver_held_up(dice));
                self.say(|| format!("{count} late requests"));
            }
            What::CutDevice => self.device(device)?.disk.cut_after(Some(dice.below(CUT_WITHIN))),
            What::CutServer => self.server.borrow().disk.cut_after(Some(dice.below(CUT_WITHIN))),
            What::RestartDevice => self.restart(device)?,
            What::RestartServer => self.at_server(|world| {
                world.server.borrow_mut().stop()?;
                world.server.borrow_mut().start(world.runtime)
            })?,
            What::FullDevice => self.with_full_disk(device, dice)?,
            What::FullServer => {
                self.server.borrow().disk.full_after(Some(dice.below(6)));
                self.sync(device, false)?;
                self.server.borrow().disk.full_after(None);
            }
            What::BackUp => self.at_server(|world| world.server.borrow_mut().back_up(world.runtime))?,
            What::Restore => self.at_server(|world| world.server.borrow_mut().restore(world.runtime))?,
            What::Image => self.at_device(device, Device::copy)?,
            What::SetBack => self.set_back(device, Device::set_back)?,
            What::Twin => self.set_back(device, Device::change_places)?,
            What::Damage => self.damage(device, dice)?,
            What::Reinstall => self.reinstall(device)?,
            What::Revoke => self.revoke(device)?,
            What::Poison => self.poison(device, dice)?,
            What::MovePerson => {
                let person = self.device(device)?.person;
                if let Some(unit) = self.units.get_mut(person) {
                    *unit = usize::try_from(dice.below(UNITS.len() as u64))?;
                }
                let table = staff(&self.units);
                self.at_server(|world| world.server.borrow().import_staff(world.runtime, &table))?;
            }
            What::MoveUmkm => self.move_umkm(dice)?,
            What::DeviceClock => match dice.below(3) {
                0 => self.device(device)?.boot_anew(),
                _ => self.device(device)?.set_clock(jump(dice, 5)),
            },
            What::ServerClock => self.server.borrow().clock.pass(jump(dice, 1)),
            What::File => self.carry_file(device, dice)?,
            What::FileBack => self.carry_back(device)?,
            What::LogInAgain => {
                let shown = self.delivery(device)?;
                if shown.is_some_and(|shown| shown.findings.contains(&Finding::LogInAgain)) {
                    self.log_in_again(device)?;
                }
            }
            _ => {
                self.sync(device, false)?;
            }
        }
        Ok(())
    }

    /// What the operator does, which fails only for want of power.
    fn at_server(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        match work(self) {
            Err(error) if !self.server.borrow().disk.is_down() => Err(error),
            _ => Ok(()),
        }
    }

    /// What is done to a device with its app, which fails only for want of power.
    fn at_device(&mut self, device: usize, work: impl FnOnce(&mut Device) -> Result<()>) -> Result<()> {
        match work(self.device_mut(device)?) {
            Err(error) if !self.device(device)?.disk.is_down() => Err(error),
            _ => Ok(()),
        }
    }

    fn restart(&mut self, device: usize) -> Result<()> {
        if self.is_damaged(device) {
            return self.start_damaged(device);
        }
        self.at_device(device, |device| {
            device.stop()?;
            device.start().map_err(|error| anyhow!("device {} does not start: {error}", device.number))
        })
    }

    /// Works and sends while the disk is full.
    fn with_full_disk(&mut self, device: usize, dice: &mut Dice) -> Result<()> {
        self.device(device)?.disk.full_after(Some(dice.below(8)));
        self.is_full = true;
        let saved = self.work(What::Note, device, dice)?;
        self.sync(device, true)?;
        self.is_full = false;
        self.device(device)?.disk.full_after(None);
        self.restore_power()?;
        if let Some(typed) = saved {
            let here = self.look(device)?;
            for token in self.ledger.save(device, &here, typed) {
                self.fail(super::Fault::Lost, format!("device {device} with a full disk said that {token} is saved"));
            }
        }
        Ok(())
    }

    /// Whether the server, set back, has still to be told by this device what it had receipts for. Then all other copies are gone.
    fn is_owed(&mut self, device: usize) -> Result<bool> {
        // The app is asked while it runs: what power is about to take must not be counted.
        let (here, server) = (self.look(device)?, self.look_at_server()?);
        Ok(here.is_owed(&server) || self.is_damaged(device))
    }

    /// The device's disk is another than it was.
    fn set_back(&mut self, device: usize, how: fn(&mut Device) -> Result<()>) -> Result<()> {
        self.restore_power()?;
        if !self.device(device)?.has_image() || self.is_owed(device)? {
            return Ok(());
        }
        self.server.borrow_mut().forget_backup()?;
        self.at_device(device, how)?;
        self.restore_power()?;
        let (here, server) = (self.look(device)?, self.look_at_server()?);
        self.ledger.excuse(device, &here, |saved| server.holds(saved.key, &saved.token), "on a disk that was set back");
        Ok(())
    }

    fn damage(&mut self, device: usize, dice: &mut Dice) -> Result<()> {
        self.restore_power()?;
        if self.is_owed(device)? {
            return Ok(());
        }
        self.server.borrow_mut().forget_backup()?;
        self.device_mut(device)?.damage(dice)?;
        self.set_damaged(device, true);
        self.start_damaged(device)
    }

    fn reinstall(&mut self, device: usize) -> Result<()> {
        self.restore_power()?;
        let here = self.look(device)?;
        if self.is_owed(device)? || !here.has_all_arrived() || here.device.is_none() {
            return Ok(());
        }
        self.server.borrow_mut().forget_backup()?;
        self.at_device(device, Device::empty)?;
        self.restore_power()?;
        let server = self.look_at_server()?;
        let nothing = self.look(device)?;
        self.ledger.excuse(device, &nothing, |saved| server.holds(saved.key, &saved.token), "the device was emptied");
        self.enrol_where_needed(device)
    }

    fn revoke(&mut self, device: usize) -> Result<()> {
        self.restore_power()?;
        if device == CARRIER || self.is_owed(device)? {
            return Ok(());
        }
        let Some(id) = self.look(device)?.device else { return Ok(()) };
        self.server.borrow_mut().forget_backup()?;
        self.at_server(|world| world.server.borrow().revoke_device(world.runtime, id))
    }

    fn poison(&mut self, device: usize, dice: &mut Dice) -> Result<()> {
        self.restore_power()?;
        let here = self.look(device)?;
        let unsent: Vec<_> = here.changes.iter().filter(|change| change.is_own && change.outcome.is_none()).collect();
        let Some(change) = dice.choose(&unsent) else { return Ok(()) };
        self.at_server(|world| world.server.borrow_mut().end_on(world.runtime, &change.bytes))
    }

    /// What is unsent goes to another device as a file.
    fn carry_file(&mut self, device: usize, dice: &mut Dice) -> Result<()> {
        let step = 1 + usize::try_from(dice.below(self.devices.len() as u64 - 1))?;
        let carrier = (device + step) % self.devices.len();
        let path = self.device(device)?.file("unsent.lentera");
        let command = ExportUnsent { path: path.to_string_lossy().into_owned() };
        match self.device(device)?.call(self.runtime, command) {
            Ok(_) => self.take_file(carrier, &std::fs::read(path)?),
            Err(Error::NothingToExport) => Ok(()),
            Err(error) => self.judge(device, &error, false),
        }
    }

    /// Receipts that the device holds for others go to all of them as a file.
    fn carry_back(&mut self, device: usize) -> Result<()> {
        let path = self.device(device)?.file("receipts.lentera");
        let command = ExportReceipts { path: path.to_string_lossy().into_owned() };
        match self.device(device)?.call(self.runtime, command) {
            Ok(_) => {
                let file = std::fs::read(path)?;
                self.note_overtaken(&file)?;
                (0..self.devices.len()).filter(|other| *other != device).try_for_each(|other| self.take_file(other, &file))
            }
            Err(Error::NothingToExport) => Ok(()),
            Err(error) => self.judge(device, &error, false),
        }
    }

    /// Receipts in a file, of bundles that a server which was set back has no more.
    fn note_overtaken(&mut self, file: &[u8]) -> Result<()> {
        if !self.server.borrow().was_restored {
            return Ok(());
        }
        let LenteraFile::Receipts { receipts, .. } = LenteraFile::read(file)? else { return Ok(()) };
        let server = self.look_at_server()?;
        let bundles = receipts.iter().filter_map(|sealed| Some(peek::<Receipt>(&sealed.0).ok()?.bundle.0));
        self.overtaken.extend(bundles.filter(|bundle| !server.bundles.contains(bundle)));
        Ok(())
    }

    fn take_file(&mut self, device: usize, file: &[u8]) -> Result<()> {
        match self.device(device)?.call(self.runtime, TakeFile { content: STANDARD.encode(file) }) {
            Ok(taken) => {
                self.say(|| format!("device {device}: {taken:?}"));
                Ok(())
            }
            Err(error) => self.judge(device, &error, false),
        }
    }

    fn move_umkm(&mut self, dice: &mut Dice) -> Result<()> {
        let all: Vec<_> = self.look_at_server()?.rows.into_keys().filter(|(kind, _)| *kind == Kind::Umkm.number()).collect();
        let (Some((_, id)), Some(unit)) = (dice.choose(&all), dice.choose(&UNITS)) else { return Ok(()) };
        let id = UmkmId(Uuid::from_bytes(*id));
        self.at_server(|world| world.server.borrow().move_umkm(world.runtime, id, unit))
    }

    /// A withdrawn device's work goes by a colleague's, waits for a word of its owner, and is taken.
    pub(super) fn hand_over_by_file(&mut self, device: usize) -> Result<Option<String>> {
        let here = self.look(device)?;
        let Some(id) = here.device.filter(|_| !here.has_all_arrived()) else { return Ok(None) };
        let path = self.device(device)?.file("unsent.lentera");
        let command = ExportUnsent { path: path.to_string_lossy().into_owned() };
        // What cannot be handed over stays where it is, and is judged there.
        if self.device(device)?.call(self.runtime, command).is_err() {
            return Ok(None);
        }
        self.take_file(CARRIER, &std::fs::read(path)?)?;
        self.sync(CARRIER, false)?;
        let receipts = self.server.borrow().confirm_held(self.runtime, id)?;
        self.take_file(device, &receipts)?;
        self.check(device)?;
        let after = self.look(device)?;
        let arrived = |look: &OnDevice| look.changes.iter().filter(|change| change.outcome.is_some()).count();
        Ok((arrived(&after) > arrived(&here)).then(|| "it was handed over by file".to_owned()))
    }
}

/// Up to so many years, ahead or back.
fn jump(dice: &mut Dice, years: i64) -> i64 {
    let range = 2 * years * YEAR;
    i64::try_from(dice.below(range.unsigned_abs())).unwrap_or_default() - years * YEAR
}
