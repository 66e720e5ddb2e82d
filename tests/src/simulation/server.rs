//! The server's machine: the shipped service on the shipped storage behind the shipped HTTP handler; its clock and its disk are ours.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use ed25519_dalek::SigningKey;
use lentera_document::guard::{self, FileWatch, Watch};
use lentera_domain::{Nip, Text, Timestamp, UmkmId};
use lentera_protocol::DeviceId;
use lentera_server::clock::Clock;
use lentera_server::http;
use lentera_server::service::Service;
use lentera_server::storage::{Sqlite, Storage};
use tokio::runtime::Runtime;

use super::planted::{Bug, Planted};
use super::{NOW, copy_folder};
use crate::dice::Dice;
use crate::disk::Disk;

/// The server's address, which nothing listens on.
pub const ADDRESS: &str = "http://office.test";
const KEY: [u8; 32] = [42; 32];
/// The key it signs with.
pub fn key() -> SigningKey {
    SigningKey::from_bytes(&KEY)
}

const OFFICE: &str = "Dinas Contoh";

/// Time and randomness of the server's machine.
#[derive(Debug)]
pub struct ServerClock {
    millis: AtomicI64,
    dice: Mutex<Dice>,
}

impl ServerClock {
    /// So many milliseconds pass, or are taken back.
    pub fn pass(&self, millis: i64) {
        self.millis.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }

    fn fill_random(&self, bytes: &mut [u8]) -> io::Result<()> {
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.iter_mut().for_each(|byte| *byte = dice.below(256) as u8);
        Ok(())
    }
}

/// The server's machine.
pub struct Server {
    folder: PathBuf,
    backup: PathBuf,
    /// Its disk.
    pub disk: Disk,
    /// Its clock.
    pub clock: Arc<ServerClock>,
    bug: Option<Bug>,
    /// It was set back at least once.
    pub was_restored: bool,
    running: Option<Running>,
}

/// The program, while it runs.
struct Running {
    router: Router,
    operator: Box<dyn Operator>,
}

/// What the operator does at the server's machine, whatever keeps its data.
trait Operator {
    fn found(&self, runtime: &Runtime, regions: &str) -> Result<()>;
    fn import_staff(&self, runtime: &Runtime, csv: &str) -> Result<()>;
    fn revoke_device(&self, runtime: &Runtime, device: DeviceId) -> Result<()>;
    fn invite(&self, runtime: &Runtime, nip: Option<Nip>) -> Result<String>;
    fn move_umkm(&self, runtime: &Runtime, id: UmkmId, unit: &str) -> Result<()>;
    fn confirm_held(&self, runtime: &Runtime, device: DeviceId) -> Result<Vec<u8>>;
}

impl<S: Storage> Operator for Arc<Service<S>> {
    fn found(&self, runtime: &Runtime, regions: &str) -> Result<()> {
        runtime.block_on(self.create_office(OFFICE.to_owned()))?;
        runtime.block_on(self.import_wilayah(regions.as_bytes()))?;
        Ok(())
    }

    fn import_staff(&self, runtime: &Runtime, csv: &str) -> Result<()> {
        runtime.block_on(Service::import_staff(self, csv.as_bytes()))?;
        Ok(())
    }

    fn revoke_device(&self, runtime: &Runtime, device: DeviceId) -> Result<()> {
        runtime.block_on(Service::revoke_device(self, device))?;
        Ok(())
    }

    fn invite(&self, runtime: &Runtime, nip: Option<Nip>) -> Result<String> {
        let invite = runtime.block_on(Service::invite(self, ADDRESS.to_owned(), None, nip))?.context("no office")?;
        Ok(serde_json::to_string(&invite)?)
    }

    fn move_umkm(&self, runtime: &Runtime, id: UmkmId, unit: &str) -> Result<()> {
        runtime.block_on(Service::move_umkm(self, id, Text::parse("unit", unit)?))?;
        Ok(())
    }

    fn confirm_held(&self, runtime: &Runtime, device: DeviceId) -> Result<Vec<u8>> {
        let taken = runtime.block_on(Service::confirm_held(self, device))?;
        Ok(self.receipts_file(taken.receipts))
    }
}

impl Server {
    /// A machine with its data in `folder`, not running yet.
    ///
    /// # Errors
    /// Where the folder cannot be used.
    pub fn new(folder: &Path, backup: &Path, seed: u64, bug: Option<Bug>) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let disk = Disk::attach(folder)?;
        disk.skip_sync(bug == Some(Bug::LyingDisk));
        let clock = ServerClock { millis: AtomicI64::new(NOW), dice: Mutex::new(Dice::new(seed ^ 0x5e_7e_12)) };
        Ok(Self {
            folder: folder.to_owned(),
            backup: backup.to_owned(),
            disk,
            clock: Arc::new(clock),
            bug,
            was_restored: false,
            running: None,
        })
    }

    /// Where its database lies.
    pub fn database(&self) -> PathBuf {
        self.folder.join("lentera-server.sqlite")
    }

    /// Starts the program.
    ///
    /// # Errors
    /// Where it does not start: without power, with a damaged database.
    pub fn start(&mut self, runtime: &Runtime) -> Result<()> {
        let storage = Sqlite::open(&self.database())?;
        self.running = Some(match self.bug {
            Some(bug) if bug.is_of_storage() => self.run(runtime, Planted::new(storage, bug))?,
            _ => self.run(runtime, storage)?,
        });
        Ok(())
    }

    fn run<S: Storage>(&self, runtime: &Runtime, storage: S) -> Result<Running> {
        let service = Service::new(storage, key(), Arc::clone(&self.clock) as Arc<dyn Clock>);
        let service = Arc::new(runtime.block_on(service.watching(&self.watch()))?);
        Ok(Running { router: http::router(Arc::clone(&service)), operator: Box::new(service) })
    }

    /// Ends the program and waits until its files are closed.
    ///
    /// # Errors
    /// Where they stay open.
    pub fn stop(&mut self) -> Result<()> {
        self.running = None;
        Ok(self.disk.wait_closed()?)
    }

    /// The machine gets its power back, if it was gone, and the program starts.
    ///
    /// # Errors
    /// Where it does not.
    pub fn start_again(&mut self, runtime: &Runtime, dice: &mut Dice) -> Result<()> {
        self.stop()?;
        self.disk.restart(dice)?;
        self.start(runtime).context("the server does not start again")
    }

    /// What answers requests; `None` while nothing does.
    pub fn router(&self) -> Option<Router> {
        self.running.as_ref().map(|running| running.router.clone())
    }

    /// Keeps a backup of the stopped server.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn back_up(&mut self, runtime: &Runtime) -> Result<()> {
        self.stop()?;
        copy_folder(&self.folder, &self.backup)?;
        self.start(runtime)
    }

    /// The backup is no more.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub fn forget_backup(&mut self) -> Result<()> {
        if self.backup.exists() {
            fs::remove_dir_all(&self.backup)?;
        }
        Ok(())
    }

    /// Puts the backup in the place of the data, if there is one.
    ///
    /// # Errors
    /// Where that fails.
    pub fn restore(&mut self, runtime: &Runtime) -> Result<()> {
        if !self.backup.exists() {
            return Ok(());
        }
        self.stop()?;
        self.disk.flush();
        copy_folder(&self.backup, &self.folder)?;
        self.was_restored = true;
        self.start(runtime)
    }

    /// The program ends twice while it examines these bytes, as far as its watch tells.
    ///
    /// # Errors
    /// Where it does not start again.
    pub fn end_on(&mut self, runtime: &Runtime, change: &[u8]) -> Result<()> {
        for _ in 0..2 {
            self.stop()?;
            let (watch, _) = FileWatch::open(&self.watch())?;
            watch.begin(guard::watch_hash(change));
            drop(watch);
            self.start(runtime)?;
        }
        Ok(())
    }

    fn watch(&self) -> PathBuf {
        self.folder.join("watch")
    }

    fn operator(&self) -> Result<&dyn Operator> {
        Ok(self.running.as_ref().context("the server does not run")?.operator.as_ref())
    }

    /// Makes the office.
    ///
    /// # Errors
    /// The service's.
    pub fn found(&self, runtime: &Runtime, regions: &str) -> Result<()> {
        self.operator()?.found(runtime, regions)
    }

    /// The operator's command of that name.
    ///
    /// # Errors
    /// The service's.
    pub fn import_staff(&self, runtime: &Runtime, csv: &str) -> Result<()> {
        self.operator()?.import_staff(runtime, csv)
    }

    /// The operator's command of that name.
    ///
    /// # Errors
    /// The service's.
    pub fn revoke_device(&self, runtime: &Runtime, device: DeviceId) -> Result<()> {
        self.operator()?.revoke_device(runtime, device)
    }

    /// An invite for a member of staff.
    ///
    /// # Errors
    /// The service's.
    pub fn invite(&self, runtime: &Runtime, nip: Option<Nip>) -> Result<String> {
        self.operator()?.invite(runtime, nip)
    }

    /// The operator's command of that name.
    ///
    /// # Errors
    /// The service's.
    pub fn move_umkm(&self, runtime: &Runtime, id: UmkmId, unit: &str) -> Result<()> {
        self.operator()?.move_umkm(runtime, id, unit)
    }

    /// The operator's command of that name; the file with receipts.
    ///
    /// # Errors
    /// The service's.
    pub fn confirm_held(&self, runtime: &Runtime, device: DeviceId) -> Result<Vec<u8>> {
        self.operator()?.confirm_held(runtime, device)
    }
}
