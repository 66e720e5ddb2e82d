//! The engine: one data folder, one person in use, one thread.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;

use lentera_api::{Command, Error, Event};
use serde_json::Value;
use tokio::sync::{Mutex, Notify};

use crate::app;
use crate::data_folder::DataFolder;
use crate::platform::{Platform, stamp};
use crate::store::Store;
use crate::store::identity::{self, Identity};
use crate::store::record::Writing;
use crate::sync::driver;

/// The offline engine. Not `Send`: a host gives it a thread of its own.
pub struct Engine {
    pub(crate) platform: Rc<dyn Platform>,
    pub(crate) folder: DataFolder,
    /// The database of the person in use. Borrowed only between awaits, so commands and sync take turns.
    store: RefCell<Option<Store>>,
    on_event: Box<dyn Fn(Event)>,
    /// One exchange at a time.
    pub(crate) exchanging: Mutex<()>,
    /// Something is to be sent, or the network may be back.
    pub(crate) work: Notify,
    pub(crate) next_attempt_at: Cell<Option<lentera_domain::Timestamp>>,
    /// How many bundles the next request carries.
    pub(crate) budget: Cell<usize>,
}

impl Engine {
    /// Opens a data folder for this process alone, making it where it is missing.
    ///
    /// # Errors
    /// [`Error::AlreadyOpen`], [`Error::Storage`], [`Error::DiskFull`], [`Error::AppTooOld`] for data of a newer app.
    pub fn open(path: &Path, platform: Rc<dyn Platform>, on_event: impl Fn(Event) + 'static) -> Result<Self, Error> {
        let folder = DataFolder::open(path)?;
        let store = folder.active_database().map(|database| Store::open(&database)).transpose()?;
        Ok(Self {
            platform,
            folder,
            store: RefCell::new(store),
            on_event: Box::new(on_event),
            exchanging: Mutex::new(()),
            work: Notify::new(),
            next_attempt_at: Cell::new(None),
            budget: Cell::new(driver::BUDGET_START),
        })
    }

    /// Carries out one command.
    ///
    /// # Errors
    /// The command's; nothing was changed then.
    pub async fn dispatch(&self, command: Command) -> Result<Value, Error> {
        app::dispatch(self, command).await
    }

    /// Sends and fetches by itself, for ever.
    pub async fn run(&self) {
        driver::run(self).await;
    }

    /// The app came to the front, or the network is back: try now.
    pub fn wake(&self) {
        self.work.notify_one();
    }

    /// One exchange with the server, now, until nothing more is to be said. For hosts without [`Engine::run`].
    ///
    /// # Errors
    /// [`Error::NotEnrolled`]; a failed exchange is told in the result.
    pub async fn sync(&self) -> Result<crate::Exchange, Error> {
        driver::sync_now(self).await
    }

    pub(crate) fn emit(&self, event: Event) {
        (self.on_event)(event);
    }

    /// Tells the light as it is on disk now.
    pub(crate) fn emit_light(&self) {
        if let Ok(Some(light)) = self.with_store(|store| Ok(app::status::light(store.read())?)) {
            self.emit(Event::Light(light));
        }
    }

    /// Puts the database of a newly enrolled person in use.
    pub(crate) fn use_store(&self, store: Store) {
        *self.store.borrow_mut() = Some(store);
    }

    /// Runs `work` on the database in use; `None` where nobody is enrolled.
    pub(crate) fn with_store<T>(&self, work: impl FnOnce(&mut Store) -> Result<T, Error>) -> Result<Option<T>, Error> {
        self.store.borrow_mut().as_mut().map(work).transpose()
    }

    /// Reads for the enrolled person.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&rusqlite::Connection, &Identity) -> Result<T, Error>) -> Result<T, Error> {
        let read = |store: &mut Store| {
            let identity = identity::find(store.read())?.ok_or(Error::NotEnrolled)?;
            work(store.read(), &identity)
        };
        self.with_store(read)?.ok_or(Error::NotEnrolled)
    }

    /// Writes for the enrolled person because of `command`, as one transaction; then tells the light and wakes the sync.
    pub(crate) fn write<T>(
        &self,
        command: &Command,
        work: impl FnOnce(&rusqlite::Connection, &Writing<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let intent = serde_json::json!({ "command": command.name(), "arguments": command.arguments() }).to_string();
        let write = |store: &mut Store| {
            store.write(|transaction| {
                let identity = identity::find(transaction)?.ok_or(Error::NotEnrolled)?;
                let stamp = stamp(&*self.platform, identity.anchor);
                work(transaction, &Writing { identity: &identity, stamp, intent: &intent })
            })
        };
        let value = self.with_store(write)?.ok_or(Error::NotEnrolled)?;
        self.emit_light();
        self.wake();
        Ok(value)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("folder", &self.folder).finish_non_exhaustive()
    }
}
