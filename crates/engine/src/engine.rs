//! The engine: one data folder, one person in use, one thread.

use std::cell::{Cell, RefCell};
use std::path::Path;
use std::rc::Rc;

use lentera_api::{Command, Error, Event};
use lentera_document::guard::Watch;
use serde_json::Value;
use tokio::sync::{Mutex, Notify};

use crate::app;
use crate::data_folder::DataFolder;
use crate::platform::{Platform, stamp};
use crate::store::identity::{self, Identity};
use crate::store::record::Writing;
use crate::store::{Store, bundle, suspect};
use crate::sync::driver::{self, Notes};
use crate::sync::exchange::Budget;
use crate::sync::exchange::rows::Rows;
use crate::sync::schedule::Schedule;

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
    /// How much the next request carries.
    pub(crate) budget: Cell<Budget>,
    /// Knows what is being examined, if that ends the process.
    pub(crate) watch: Box<dyn Watch>,
    pub(crate) schedule: Cell<Schedule>,
    /// Tries that are not on the disk yet.
    pub(crate) notes: Cell<Notes>,
    /// The app is in front of its person: it is worth looking for the server often.
    pub(crate) in_front: Cell<bool>,
    /// The network came back and nothing was tried since.
    pub(crate) network_back: Cell<bool>,
}

impl Engine {
    /// Opens a data folder for this process alone, making it where it is missing.
    ///
    /// # Errors
    /// [`Error::AlreadyOpen`], [`Error::Storage`], [`Error::DiskFull`], [`Error::AppTooOld`] for data of a newer app.
    pub fn open(path: &Path, platform: Rc<dyn Platform>, on_event: impl Fn(Event) + 'static) -> Result<Self, Error> {
        let folder = DataFolder::open(path)?;
        let now = platform.now();
        let mut store = folder.active_database().map(|database| Store::open(&database, now)).transpose()?;
        let (watch, found) = folder.open_watch()?;
        if let Some(store) = &mut store {
            // By itself: what is examined next may end the process again, and must be known by then.
            store.write(|transaction| found.iter().try_for_each(|hash| suspect::note(transaction, *hash)))?;
            // What waited for a newer app may have it now.
            store.write(|transaction| Rows::new(transaction, now, &*watch).take_all_pending())?;
            ask_about_earlier_keys(store);
        }
        Ok(Self {
            platform,
            folder,
            store: RefCell::new(store),
            on_event: Box::new(on_event),
            exchanging: Mutex::new(()),
            work: Notify::new(),
            next_attempt_at: Cell::new(None),
            budget: Cell::new(Budget::START),
            watch,
            schedule: Cell::default(),
            notes: Cell::default(),
            in_front: Cell::new(true),
            network_back: Cell::new(false),
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

    /// There is work, or the person is back: try now.
    pub fn wake(&self) {
        self.work.notify_one();
    }

    /// The app came to the front, and tries now, or left it, and tries less often.
    pub fn set_in_front(&self, in_front: bool) {
        self.in_front.set(in_front);
        if in_front {
            self.store.borrow_mut().iter_mut().for_each(ask_about_earlier_keys);
            self.wake();
        }
    }

    /// The network is back: try within seconds, but not in the same second as everybody else.
    pub fn network_is_back(&self) {
        self.network_back.set(true);
        self.wake();
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

impl Drop for Engine {
    fn drop(&mut self) {
        driver::write_notes(self);
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// The server is to be asked for its last word on what earlier keys sealed. Where that cannot be noted now, the disk being full, it is
/// another time.
fn ask_about_earlier_keys(store: &mut Store) {
    if let Ok(Some(identity)) = identity::find(store.read()) {
        drop(store.write(|transaction| bundle::ask_about_earlier_keys(transaction, identity.device())));
    }
}
