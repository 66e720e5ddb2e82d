//! Clock, randomness and network of the tests, and the few words they are written with.

use std::cell::{Cell, RefCell, RefMut};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use lentera_api::{Command, Error};
use lentera_domain::Timestamp;
use lentera_engine::{Engine, Platform, Post, Response, TransportError};
use lentera_protocol::Hash;
use lentera_protocol::bundle::Boot;
use serde_json::{Value, json};

use crate::office::Office;

/// 2026-11-23 10:00 WITA.
pub const NOW: i64 = 1_795_399_200_000;
/// The member of staff.
pub const NIP: &str = "197203151998032000";

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Up,
    Down,
    /// The request arrives, the answer does not.
    AnswersLost,
    /// It breaks at every request of more than so many bytes, and nothing of that arrives.
    Narrow(usize),
}

/// Answers in the office's place, where it answers at all.
pub type Impostor = Box<dyn FnMut(&str, &[u8]) -> Option<Response>>;

/// The world around one engine.
pub struct World {
    pub now: Cell<i64>,
    pub boot: Cell<Option<Boot>>,
    seed: Cell<u64>,
    pub link: Cell<Link>,
    pub network: Cell<Option<bool>>,
    pub free_space: Cell<Option<u64>>,
    pub impostor: RefCell<Impostor>,
    office: RefCell<Office>,
}

impl World {
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            now: Cell::new(NOW),
            boot: Cell::new(Some(Boot { id: 1, millis: 0 })),
            seed: Cell::new(1),
            link: Cell::new(Link::Up),
            network: Cell::new(None),
            free_space: Cell::new(None),
            impostor: RefCell::new(Box::new(|_, _| None)),
            office: RefCell::new(Office::new()),
        })
    }

    pub fn office(&self) -> RefMut<'_, Office> {
        self.office.borrow_mut()
    }

    /// Time goes by, on both clocks.
    pub fn pass(&self, millis: i64) {
        self.now.set(self.now.get() + millis);
        self.boot.set(self.boot.get().map(|boot| Boot { millis: boot.millis + millis, ..boot }));
    }
}

impl Platform for World {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.get())
    }
    fn boot(&self) -> Option<Boot> {
        self.boot.get()
    }
    fn fill_random(&self, bytes: &mut [u8]) {
        let seed = self.seed.get();
        self.seed.set(seed + 1);
        bytes.iter_mut().zip(Hash::of(&seed.to_be_bytes()).0).for_each(|(byte, random)| *byte = random);
    }
    fn sleep(&self, _: u64) -> LocalBoxFuture<'static, ()> {
        futures::future::pending().boxed_local()
    }
    fn network(&self) -> Option<bool> {
        self.network.get()
    }
    fn free_space(&self, _: &Path) -> Option<u64> {
        self.free_space.get()
    }
    fn post(&self, post: Post) -> LocalBoxFuture<'static, Result<Response, TransportError>> {
        let answer = match self.link.get() {
            Link::Down => Err(TransportError::Unreachable),
            Link::Narrow(most) if post.body.len() > most => Err(TransportError::CutOff),
            link => {
                let answer = (self.impostor.borrow_mut())(&post.url, &post.body);
                let answer = answer.unwrap_or_else(|| self.office.borrow_mut().answer(&post.url, &post.body));
                if link == Link::AnswersLost { Err(TransportError::CutOff) } else { Ok(answer) }
            }
        };
        futures::future::ready(answer).boxed_local()
    }
}

/// One device with its folder.
pub struct Phone {
    pub world: Rc<World>,
    folder: tempfile::TempDir,
    engine: Option<Engine>,
}

impl Phone {
    /// A phone that nobody has enrolled.
    pub fn new() -> Self {
        let mut phone = Self { world: World::new(), folder: tempfile::tempdir().unwrap(), engine: None };
        phone.open();
        phone
    }

    pub fn enrolled() -> Self {
        Self::enrolled_as(NIP)
    }

    pub fn enrolled_as(nip: &str) -> Self {
        let phone = Self::new();
        // No two phones make the same names and keys.
        phone.world.seed.set(nip.parse::<u64>().unwrap());
        phone.call("enrol", json!({"invite": invite(), "nip": nip, "password": "rahasia-lama"}));
        phone
    }

    fn open(&mut self) {
        let world = Rc::clone(&self.world) as Rc<dyn Platform>;
        self.engine = Some(Engine::open(self.folder.path(), world, |_| {}).unwrap());
    }

    /// Ends the app.
    pub fn close(&mut self) {
        self.engine = None;
    }

    /// Ends the app, if it runs, and starts it.
    pub fn restart(&mut self) {
        self.close();
        self.open();
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The database of the only person here.
    pub fn database(&self) -> PathBuf {
        let mut people: Vec<_> = std::fs::read_dir(self.path().join("people")).unwrap().collect();
        assert_eq!(people.len(), 1);
        people.pop().unwrap().unwrap().path().join("lentera.sqlite")
    }

    /// Seals an activity without a network, and puts bundles of these sizes behind it, which nobody can read.
    pub fn seal_with(&self, sizes: impl IntoIterator<Item = usize>) {
        self.world.link.set(Link::Down);
        self.add("Rapat");
        self.sync();
        self.world.link.set(Link::Up);
        let sql = "INSERT INTO bundle (device, number, hash, sealed, sealed_at)
            SELECT device, ?1, ?2, ?3, sealed_at FROM bundle WHERE number = 1";
        let database = rusqlite::Connection::open(self.database()).unwrap();
        for (number, size) in (2_u8..).zip(sizes) {
            let sealed = vec![number; size];
            database.execute(sql, (number, Hash::of(&sealed).0, sealed)).unwrap();
        }
    }

    /// One number out of the database, from beside.
    pub fn number(&self, sql: &str) -> i64 {
        rusqlite::Connection::open(self.database()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub fn text(&self, sql: &str) -> String {
        rusqlite::Connection::open(self.database()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub fn try_call(&self, name: &str, arguments: Value) -> Result<Value, Error> {
        let command = Command::read(name, arguments)?;
        self.engine.as_ref().unwrap().dispatch(command).now_or_never().expect("no command waits in this world")
    }

    pub fn call(&self, name: &str, arguments: Value) -> Value {
        self.try_call(name, arguments).unwrap()
    }

    pub fn add(&self, text: &str) -> Value {
        self.call("add_log_entry", activity(text, "8", "9"))
    }

    /// Changes one field of an entry's form.
    pub fn edit(&self, id: &Value, field: &str, value: &str) -> Value {
        let opened = self.call("log_entry", json!({"id": id}))["form"].clone();
        let mut form = opened.clone();
        form[field] = value.into();
        self.call("edit_log_entry", json!({"id": id, "opened": opened, "form": form}))
    }

    pub fn sync(&self) -> Value {
        self.call("sync_now", json!({}))
    }

    /// How many records wait, and how many were refused.
    pub fn light(&self) -> (i64, i64) {
        let light = self.call("status", json!({}))["light"].clone();
        (light["waiting"].as_i64().unwrap(), light["refused"].as_i64().unwrap())
    }

    /// Texts of today's entries.
    pub fn entries(&self) -> Vec<String> {
        let day = self.call("log_day", json!({}));
        day["entries"].as_array().unwrap().iter().map(|row| row["entry"]["activity"].as_str().unwrap().to_owned()).collect()
    }
}

pub fn invite() -> String {
    let fingerprint = Hash::of(Office::key().verifying_key().as_bytes()).to_string();
    json!({"format": "lentera-invite-1", "office": "Dinas Contoh", "address": "http://office.test", "fingerprint": fingerprint})
        .to_string()
}

pub fn activity(text: &str, start: &str, end: &str) -> Value {
    json!({"form": {"day": "2026-11-23", "start": start, "end": end, "category": "Administrasi", "activity": text}})
}
