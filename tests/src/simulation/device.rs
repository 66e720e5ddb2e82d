//! A device: the shipped engine on a data folder of its own; its clock, randomness, network and disk are ours.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result, anyhow};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use lentera_api::{Call, Command, Error};
use lentera_domain::{LogEntryId, Timestamp};
use lentera_engine::{Engine, Exchange, Platform, Post, Response, TransportError};
use lentera_protocol::bundle::Boot;
use rusqlite::OptionalExtension;
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::network::Network;
use super::{NOW, copy_folder};
use crate::dice::Dice;
use crate::disk::Disk;

/// What the engine takes for the system.
struct Machine {
    number: usize,
    disk: Rc<Disk>,
    network: Rc<Network>,
    now: Cell<i64>,
    boot: Cell<Boot>,
    dice: RefCell<Dice>,
}

impl Platform for Machine {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.get())
    }

    fn boot(&self) -> Option<Boot> {
        Some(self.boot.get())
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        let mut dice = self.dice.borrow_mut();
        bytes.iter_mut().for_each(|byte| *byte = dice.below(256) as u8);
    }

    fn sleep(&self, _: u64) -> LocalBoxFuture<'static, ()> {
        futures::future::ready(()).boxed_local()
    }

    fn post(&self, post: Post) -> LocalBoxFuture<'static, Result<Response, TransportError>> {
        let (number, disk, network) = (self.number, Rc::clone(&self.disk), Rc::clone(&self.network));
        async move {
            // Without power nothing is sent, whatever the program that was cut off would still do.
            if disk.is_down() { Err(TransportError::Unreachable) } else { network.carry(number, post).await }
        }
        .boxed_local()
    }
}

/// A device.
pub struct Device {
    /// Its place among the devices.
    pub number: usize,
    /// Its person's place among the people.
    pub person: usize,
    /// Its disk.
    pub disk: Rc<Disk>,
    folder: PathBuf,
    image: PathBuf,
    machine: Rc<Machine>,
    engine: Option<Engine>,
}

impl Device {
    /// The device with its data in `folder`; its app does not run yet.
    ///
    /// # Errors
    /// Where the folder cannot be used.
    pub fn new(number: usize, person: usize, folder: &Path, image: &Path, seed: u64, network: Rc<Network>) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let disk = Rc::new(Disk::attach(folder)?);
        let mut dice = Dice::new(seed.wrapping_mul(31) + number as u64 + 1);
        let boot = Boot { id: dice.next(), millis: 60_000 };
        let machine = Machine {
            number,
            disk: Rc::clone(&disk),
            network,
            now: Cell::new(NOW),
            boot: Cell::new(boot),
            dice: RefCell::new(dice),
        };
        Ok(Self {
            number,
            person,
            disk,
            folder: folder.to_owned(),
            image: image.to_owned(),
            machine: Rc::new(machine),
            engine: None,
        })
    }

    /// Starts the app.
    ///
    /// # Errors
    /// The engine's.
    pub fn start(&mut self) -> Result<(), Error> {
        self.engine = None;
        let machine: Rc<dyn Platform> = Rc::clone(&self.machine) as Rc<dyn Platform>;
        self.engine = Some(Engine::open(&self.folder, machine, |_| {})?);
        Ok(())
    }

    /// Ends the app.
    ///
    /// # Errors
    /// Where it keeps files open.
    pub fn stop(&mut self) -> Result<()> {
        self.engine = None;
        self.disk.wait_closed().with_context(|| format!("device {}", self.number))
    }

    /// The device gets its power back, with all its memory lost. The app is still to be started.
    ///
    /// # Errors
    /// Where files stay open.
    pub fn power_on(&mut self, dice: &mut Dice) -> Result<()> {
        self.stop()?;
        self.disk.restart(dice)?;
        self.boot_anew();
        Ok(())
    }

    /// The boot clock begins anew.
    pub fn boot_anew(&self) {
        let id = self.machine.dice.borrow_mut().next();
        self.machine.boot.set(Boot { id, millis: 20_000 });
    }

    /// So many milliseconds pass.
    pub fn pass(&self, millis: i64) {
        self.machine.now.set(self.machine.now.get() + millis);
        let boot = self.machine.boot.get();
        self.machine.boot.set(Boot { millis: boot.millis + millis, ..boot });
    }

    /// The wall clock alone is set, by so many milliseconds.
    pub fn set_clock(&self, by: i64) {
        self.machine.now.set(self.machine.now.get() + by);
    }

    /// Carries out a command as a screen would.
    ///
    /// # Errors
    /// The command's.
    pub fn call<C: Call>(&self, runtime: &Runtime, command: C) -> Result<C::Answer, Error> {
        let command: Command = command.into();
        let answer = self.dispatch(runtime, command)?;
        serde_json::from_value(answer).map_err(|error| Error::Internal { detail: error.to_string() })
    }

    fn dispatch(&self, runtime: &Runtime, command: Command) -> Result<serde_json::Value, Error> {
        let engine = self.engine.as_ref().ok_or(Error::NotEnrolled)?;
        runtime.block_on(engine.dispatch(command))
    }

    /// Sends and fetches until nothing more is to be said.
    ///
    /// # Errors
    /// The engine's; a failed exchange is told in the result.
    pub fn sync(&self, runtime: &Runtime) -> Result<Exchange, Error> {
        let engine = self.engine.as_ref().ok_or(Error::NotEnrolled)?;
        runtime.block_on(engine.sync())
    }

    /// Somebody looks at the app.
    pub fn come_to_front(&self) {
        self.engine.iter().for_each(|engine| engine.set_in_front(true));
    }

    /// The database of the person in use; `None` before enrolment.
    pub fn database(&self) -> Option<PathBuf> {
        let active = fs::read_to_string(self.folder.join("active")).ok()?;
        let database = self.folder.join("people").join(active.trim()).join("lentera.sqlite");
        database.exists().then_some(database)
    }

    /// Whether a copy of its disk is kept.
    pub fn has_image(&self) -> bool {
        self.image.exists()
    }

    /// Keeps a copy of its disk; the app is stopped for it and starts again.
    ///
    /// # Errors
    /// Where that fails.
    pub fn copy(&mut self) -> Result<()> {
        self.stop()?;
        copy_folder(&self.folder, &self.image)?;
        self.start().map_err(|error| anyhow!("device {}: {error}", self.number))
    }

    /// Puts the copy in the place of its disk.
    ///
    /// # Errors
    /// Where that fails.
    pub fn set_back(&mut self) -> Result<()> {
        self.stop()?;
        self.disk.flush();
        copy_folder(&self.image, &self.folder)?;
        self.boot_anew();
        self.start().map_err(|error| anyhow!("device {}: {error}", self.number))
    }

    /// The copy and its disk change places.
    ///
    /// # Errors
    /// Where that fails.
    pub fn change_places(&mut self) -> Result<()> {
        self.stop()?;
        self.disk.flush();
        let aside = self.image.with_extension("aside");
        copy_folder(&self.folder, &aside)?;
        copy_folder(&self.image, &self.folder)?;
        fs::remove_dir_all(&self.image)?;
        fs::rename(&aside, &self.image)?;
        self.boot_anew();
        self.start().map_err(|error| anyhow!("device {}: {error}", self.number))
    }

    /// Empties the device and starts the app, which then knows nobody.
    ///
    /// # Errors
    /// Where that fails.
    pub fn empty(&mut self) -> Result<()> {
        self.stop()?;
        self.disk.flush();
        clear(&self.folder)?;
        if self.has_image() {
            fs::remove_dir_all(&self.image)?;
        }
        self.start().map_err(|error| anyhow!("device {}: {error}", self.number))
    }

    /// Overwrites a piece of the database with rubbish while the app does not run. It is not started again.
    ///
    /// # Errors
    /// Where that fails.
    pub fn damage(&mut self, dice: &mut Dice) -> Result<()> {
        self.stop()?;
        self.disk.flush();
        let Some(database) = self.database() else { return Ok(()) };
        let mut bytes = fs::read(&database)?;
        let page = 4096;
        for _ in 0..=dice.below(3) {
            let at = page * usize::try_from(dice.below((bytes.len() / page) as u64))?;
            let zeroes = dice.one_in(2);
            for byte in bytes.iter_mut().skip(at).take(page) {
                *byte = if zeroes { 0 } else { dice.below(256) as u8 };
            }
        }
        Ok(fs::write(&database, bytes)?)
    }

    /// The planted bug: an edit of an activity that arrived is forgotten, so that the next one gets its seq. Gives its hash, and which
    /// activity's.
    ///
    /// # Errors
    /// Where that fails.
    pub fn forget_edit(&mut self) -> Result<Option<([u8; 32], LogEntryId)>> {
        self.stop()?;
        let forget = |database: PathBuf| {
            let last = "DELETE FROM change WHERE position = (
                SELECT max(position) FROM change AS last WHERE kind = 1 AND outcome = 'accepted'
                    AND EXISTS (SELECT 1 FROM change WHERE kind = 1 AND id = last.id AND position < last.position)
                    AND NOT EXISTS (SELECT 1 FROM change WHERE kind = 1 AND id = last.id AND position > last.position)
                ) RETURNING hash, id";
            let database = rusqlite::Connection::open(database)?;
            database.query_row(last, [], |row| Ok((row.get(0)?, LogEntryId(Uuid::from_bytes(row.get(1)?))))).optional()
        };
        let forgotten = self.database().map(forget).transpose()?.flatten();
        self.start().map_err(|error| anyhow!("device {}: {error}", self.number))?;
        Ok(forgotten)
    }

    /// A file of a person's on this device.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Removes all that is in `folder`.
fn clear(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    Ok(())
}
