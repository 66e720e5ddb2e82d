//! The loop that sends by itself, on a clock that runs as fast as the test.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use futures::task::noop_waker;
use lentera_api::Command;
use lentera_domain::Timestamp;
use lentera_engine::{Engine, Platform, Post, Response, TransportError};
use lentera_protocol::Hash;
use lentera_protocol::bundle::Boot;
use lentera_protocol::stream::{Cursor, Page, Row, pack};
use serde_json::{Value, json};

use crate::office::Office;
use crate::world::{NIP, NOW, activity, invite};

/// Requests of one command at most, as the engine has it.
const ROUND_TRIPS_MAX: usize = 1_000;
/// Those of them that bring nothing, one after another, likewise.
const IDLE_MAX: usize = 4;
const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// What answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    Up,
    Gone,
    Busy(u32),
}

/// A world whose time goes by while the engine sleeps.
struct Clockwork {
    now: Rc<Cell<i64>>,
    seed: Cell<u64>,
    server: Cell<Server>,
    network: Cell<Option<bool>>,
    office: RefCell<Office>,
    /// Answers of exchanges are on their way until this is over.
    slow: Rc<Cell<bool>>,
    /// When something was posted.
    posts: RefCell<Vec<i64>>,
}

impl Clockwork {
    fn new(seed: u64) -> Rc<Self> {
        Rc::new(Self {
            now: Rc::new(Cell::new(NOW)),
            seed: Cell::new(seed),
            server: Cell::new(Server::Up),
            network: Cell::new(None),
            office: RefCell::new(Office::new()),
            slow: Rc::default(),
            posts: RefCell::default(),
        })
    }

    /// Lengths of the waits between posts.
    fn waits(&self) -> Vec<i64> {
        self.posts.borrow().windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

impl Platform for Clockwork {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.get())
    }
    fn boot(&self) -> Option<Boot> {
        None
    }
    fn fill_random(&self, bytes: &mut [u8]) {
        let seed = self.seed.get();
        self.seed.set(seed + 1);
        bytes.iter_mut().zip(Hash::of(&seed.to_be_bytes()).0).for_each(|(byte, random)| *byte = random);
    }
    fn sleep(&self, millis: u64) -> LocalBoxFuture<'static, ()> {
        let (now, mut left) = (Rc::clone(&self.now), i64::try_from(millis).unwrap());
        // A tenth of a second a poll, so that whatever else is waited for gets its turn.
        std::future::poll_fn(move |_| {
            if left == 0 {
                return Poll::Ready(());
            }
            let step = left.min(100);
            left -= step;
            now.set(now.get() + step);
            Poll::Pending
        })
        .boxed_local()
    }
    fn network(&self) -> Option<bool> {
        self.network.get()
    }
    fn post(&self, post: Post) -> LocalBoxFuture<'static, Result<Response, TransportError>> {
        self.posts.borrow_mut().push(self.now.get());
        let answer = match self.server.get() {
            Server::Up => Ok(self.office.borrow_mut().answer(&post.url, &post.body)),
            Server::Gone => Err(TransportError::Unreachable),
            Server::Busy(seconds) => Ok(Response { status: 503, body: vec![], retry_after: Some(seconds) }),
        };
        let (slow, mut answer) = (Rc::clone(&self.slow), Some(answer));
        let is_exchange = post.url.ends_with("sync");
        std::future::poll_fn(move |_| {
            let on_its_way = is_exchange && slow.get();
            if on_its_way { Poll::Pending } else { answer.take().map_or(Poll::Pending, Poll::Ready) }
        })
        .boxed_local()
    }
}

struct Device {
    world: Rc<Clockwork>,
    engine: Engine,
    _folder: tempfile::TempDir,
}

impl Device {
    fn enrolled(seed: u64) -> Self {
        let (world, folder) = (Clockwork::new(seed), tempfile::tempdir().unwrap());
        let engine = Engine::open(folder.path(), Rc::clone(&world) as Rc<dyn Platform>, |_| {}).unwrap();
        let device = Self { world, engine, _folder: folder };
        device.call("enrol", json!({"invite": invite(), "nip": NIP, "password": "rahasia-lama"}));
        device.world.posts.borrow_mut().clear();
        device
    }

    fn call(&self, name: &str, arguments: Value) -> Value {
        let command = Command::read(name, arguments).unwrap();
        self.engine.dispatch(command).now_or_never().expect("no command waits in this world").unwrap()
    }

    /// Lets the loop run for so long.
    fn run(&self, millis: i64, mut each: impl FnMut(&Self)) {
        let (waker, end) = (noop_waker(), self.world.now.get() + millis);
        let mut context = Context::from_waker(&waker);
        let mut running = pin!(self.engine.run());
        while self.world.now.get() < end {
            let before = self.world.now.get();
            assert!(running.as_mut().poll(&mut context).is_pending());
            each(self);
            if self.world.now.get() == before {
                // It waits for work alone: time goes by all the same.
                self.world.now.set(before + 100);
            }
        }
    }

    fn waiting(&self) -> i64 {
        self.call("status", json!({}))["light"]["waiting"].as_i64().unwrap()
    }

    fn database(&self) -> std::path::PathBuf {
        let people = Path::new(self._folder.path()).join("people");
        std::fs::read_dir(people).unwrap().next().unwrap().unwrap().path().join("lentera.sqlite")
    }
}

#[test]
fn in_front_a_lost_server_is_looked_for_every_five_seconds_and_the_flash_is_spared() {
    let device = Device::enrolled(1);
    device.world.server.set(Server::Gone);
    device.call("add_log_entry", activity("Rekap", "8", "9"));
    let disk = rusqlite::Connection::open(device.database()).unwrap();
    let version = || disk.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0)).unwrap();
    let (mut last, mut writes) = (version(), 0);
    device.run(10 * MINUTE, |_| {
        let now = version();
        writes += i64::from(now != last);
        last = now;
    });
    let waits = device.world.waits();
    assert!(waits.len() >= 120 && waits.iter().all(|wait| *wait <= 5_500), "{waits:?}");
    // Sealing once, a minute's tries once, and request numbers now and then.
    assert!(writes <= 20, "{writes} writes");

    // All of it is told nevertheless, also before it is on the disk.
    let tries = device.world.posts.borrow().len() as i64;
    let attempts = device.call("delivery", json!({}))["attempts"].clone();
    assert_eq!(attempts.as_array().unwrap().len(), 1, "{attempts}");
    assert_eq!(attempts[0]["count"].as_i64(), Some(tries));
    assert_eq!(attempts[0]["last"].as_i64(), device.world.posts.borrow().last().copied());
    let on_disk = || disk.query_row("SELECT sum(count) FROM attempt", [], |row| row.get::<_, i64>(0)).unwrap();
    assert!(on_disk() < tries);

    let Device { world, engine, _folder } = device;
    drop(engine);
    assert_eq!(on_disk(), tries, "closing the app writes the rest");
    drop((world, _folder));
}

#[test]
fn in_the_background_tries_become_rare_and_the_front_tries_at_once() {
    let device = Device::enrolled(2);
    device.world.server.set(Server::Gone);
    device.call("add_log_entry", activity("Rekap", "8", "9"));
    device.engine.set_in_front(false);
    let (opened, mut tries) = (NOW + 6 * 60 * MINUTE, 0);
    device.run(6 * 60 * MINUTE + SECOND, |device| {
        if device.world.now.get() >= opened && device.world.server.get() == Server::Gone {
            tries = device.world.posts.borrow().len();
            device.world.server.set(Server::Up);
            device.engine.set_in_front(true);
        }
    });
    assert_eq!(device.waiting(), 0);
    let waits = &device.world.waits()[..tries - 1];
    assert!(waits.iter().all(|wait| *wait <= 300 * SECOND + 500));
    let late = &waits[waits.len() / 2..];
    assert!(late.iter().sum::<i64>() / i64::try_from(late.len()).unwrap() > 60 * SECOND, "{late:?}");
}

#[test]
fn when_the_network_is_back_each_device_tries_within_seconds_and_not_all_at_once() {
    let mut tried = Vec::new();
    for seed in 0..12 {
        let device = Device::enrolled(100 + seed * 1_000);
        device.world.server.set(Server::Gone);
        device.world.network.set(Some(false));
        device.call("add_log_entry", activity("Rekap", "8", "9"));
        device.engine.set_in_front(false);
        let back = device.world.now.get() + 60 * MINUTE;
        device.run(60 * MINUTE + 6 * SECOND, |device| {
            if device.world.now.get() < back || device.world.server.get() == Server::Up {
                return;
            }
            device.world.server.set(Server::Up);
            if seed % 2 == 0 {
                // Seen by looking; on other systems the engine is told.
                device.world.network.set(Some(true));
            } else {
                device.engine.network_is_back();
            }
        });
        assert_eq!(device.waiting(), 0, "seed {seed}");
        tried.push(device.world.posts.borrow().iter().find(|at| **at >= back).unwrap() - back);
    }
    assert!(tried.iter().all(|after| *after <= 5_500), "{tried:?}");
    let spread = tried.iter().max().unwrap() - tried.iter().min().unwrap();
    assert!(spread > SECOND, "{tried:?}");
}

#[test]
fn new_work_does_not_cut_short_what_a_busy_server_asked_for() {
    let device = Device::enrolled(3);
    device.world.server.set(Server::Busy(40));
    device.call("add_log_entry", activity("Rekap", "8", "9"));
    let mut added = 0;
    device.run(30 * MINUTE, |device| {
        if device.world.now.get() > NOW + (added + 1) * 10 * SECOND && added < 20 {
            added += 1;
            device.call("add_log_entry", activity("Lagi", "9", "10"));
        }
    });
    let waits = device.world.waits();
    assert!(waits.len() > 3 && waits.iter().all(|wait| *wait >= 40 * SECOND), "{waits:?}");
}

#[test]
fn what_waits_for_another_change_is_not_asked_for_without_end() {
    let device = Device::enrolled(4);
    device.world.office.borrow_mut().judge = Box::new(|_, _| {
        let outcome = lentera_protocol::receipt::Outcome::Need(Hash([1; 32]));
        vec![lentera_protocol::receipt::Exception { index: 0, outcome }]
    });
    device.call("add_log_entry", activity("Rekap", "8", "9"));
    device.run(10 * MINUTE, |_| {});
    assert_eq!(device.waiting(), 1);
    let posts = device.world.posts.borrow().len();
    assert!(posts < 20, "{posts} requests");
}

#[test]
fn an_answer_that_comes_after_another_person_was_enrolled_is_not_taken_for_theirs() {
    let device = Device::enrolled(5);
    let cursor = lentera_protocol::stream::Cursor { stream: 77, position: 9, hash: [1; 8], below: None };
    device.world.office.borrow_mut().pages.push(lentera_protocol::stream::Page { rows: vec![], cursor });
    device.world.slow.set(true);
    let mut first = pin!(device.engine.sync());
    let (waker, colleague) = (noop_waker(), "197911302005012001");
    assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    device.call("enrol", json!({"invite": invite(), "nip": colleague, "password": "rahasia-lama"}));
    device.world.slow.set(false);
    assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    assert_eq!(device.call("status", json!({}))["person"]["nip"], colleague);
    for person in std::fs::read_dir(device._folder.path().join("people")).unwrap() {
        let database = rusqlite::Connection::open(person.unwrap().path().join("lentera.sqlite")).unwrap();
        let cursors: i64 = database.query_row("SELECT count(*) FROM stream", [], |row| row.get(0)).unwrap();
        assert_eq!(cursors, 0);
    }
}

#[test]
fn a_server_that_always_brings_more_is_asked_so_often_and_no_more() {
    let device = Device::enrolled(7);
    let mut position = 0;
    let mut office = device.world.office.borrow_mut();
    office.more = true;
    office.tamper = Box::new(move |answer| {
        position += 1;
        let cursor = Cursor { stream: 1, position, hash: [1; 8], below: None };
        answer.pages = pack(&[Page { rows: vec![Row::Record(position.to_string())], cursor }]).unwrap();
    });
    drop(office);
    device.call("sync_now", json!({}));
    assert_eq!(device.world.posts.borrow().len(), ROUND_TRIPS_MAX);
}

#[test]
fn a_server_that_promises_more_and_brings_nothing_keeps_nobody_busy() {
    let device = Device::enrolled(6);
    device.world.office.borrow_mut().more = true;
    device.call("sync_now", json!({}));
    assert_eq!(device.world.posts.borrow().len(), IDLE_MAX);
    device.run(MINUTE, |_| {});
    let posts = device.world.posts.borrow().len();
    assert!(posts <= 130, "{posts} requests");
}
