//! Sending over a link of 25 kbit/s and 350 ms one way, with TLS: IP bytes both ways without the TLS handshake, and seconds from the first byte of
//! the request to the receipt in the device's database.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lentera_api::{AddLogEntry, EditLogEntry, Enrol, ListLogEntries, Status};
use lentera_domain::log_entry::LogEntryForm;
use lentera_protocol::limits::BUNDLE_TARGET;
use lentera_tests::link::{Blackout, Cut, Flow, Terms};
use lentera_tests::office::Site;
use lentera_tests::process::say_skipped;
use lentera_tests::remote::{Remote, succeeded};
use lentera_tests::work::entry;
use lentera_tests::{Link, Office};
use rusqlite::Connection;
use serde_json::json;

use crate::{NIP, PASSWORD};

/// Tries of one figure without loss, and with.
const TRIES: usize = 3;
const TRIES_WITH_LOSS: usize = 20;
/// Packets of a hundred that are lost then.
const LOSS: f64 = 5.0;
/// Until a device has noticed that its connections are gone.
const TOLD: Duration = Duration::from_millis(200);
/// Tries of one sync at most.
const SYNCS_MAX: usize = 60;

/// The figures of the slow link.
pub fn measure() -> Result<()> {
    if let Some(why) = Link::missing() {
        say_skipped("bench sync-edge", why);
        return Ok(());
    }
    let scene = Scene::make()?;
    scene.days("1 entry", 1)?;
    scene.days("30 entries", 30)?;
    scene.among_many()?;
    scene.new_phone()
}

/// The figures of a link that goes dark again and again; of a person with one day's work.
pub fn measure_blackouts() -> Result<()> {
    match Link::missing() {
        Some(why) => say_skipped("bench sync-edge-blackouts", why),
        None => Scene::make()?.blackouts()?,
    }
    Ok(())
}

struct Scene {
    folder: tempfile::TempDir,
    link: Link,
    _office: Office,
    invite: String,
    /// So that no text is written twice.
    noted: std::cell::Cell<u64>,
}

/// One sync, as seen on the link.
struct Seen {
    bytes: u64,
    tls_bytes: u64,
    seconds: f64,
    /// Until the first screen, of a new phone.
    first_screen: Option<f64>,
    connections: usize,
    round_trips: u64,
}

impl Scene {
    fn make() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let link = Link::open(1, Terms::PLAIN)?;
        let mut office = Office::make_at(&folder.path().join("office"), "Dinas Ukur", Site::behind(&link).secure())?;
        office.start()?;
        let invite = office.invite(NIP)?;
        Ok(Self { folder, link, _office: office, invite, noted: std::cell::Cell::new(1) })
    }

    /// A device of this name, enrolled, with everything fetched, over the plain link.
    fn device(&self, name: &str) -> Result<Remote> {
        self.link.set(Terms::PLAIN);
        let mut device = self.open(name)?;
        self.enrol(&mut device)?;
        self.settle(&mut device)?;
        Ok(device)
    }

    fn open(&self, name: &str) -> Result<Remote> {
        let mut command = self.link.device().command(&std::env::current_exe()?);
        command.arg("client");
        Remote::open(command, &self.folder.path().join(name))
    }

    fn enrol(&self, device: &mut Remote) -> Result<()> {
        let (invite, nip) = (self.invite.clone(), NIP.to_owned());
        let password = PASSWORD.to_owned();
        if device
            .call(Enrol { invite: invite.clone(), nip: nip.clone(), password: password.clone(), new_password: String::new() })
            .is_err()
        {
            let first = NIP.get(..8).unwrap_or_default().to_owned();
            device.call(Enrol { invite, nip, password: first, new_password: password })?;
        }
        Ok(())
    }

    /// Sends and fetches until nothing is left.
    fn settle(&self, device: &mut Remote) -> Result<()> {
        let (exchange, _) = device.sync()?;
        ensure!(succeeded(&exchange) && device.call(Status {})?.light.waiting == 0, "not all arrived: {exchange}");
        Ok(())
    }

    fn note(&self, device: &mut Remote, entries: usize) -> Result<()> {
        let (today, seed) = (device.call(Status {})?.today, self.noted.replace(self.noted.get() + 1));
        for n in 0..entries {
            device.call(AddLogEntry { form: entry(today, seed, n) })?;
        }
        Ok(())
    }

    /// One sync to its receipts, tried until it gets through, over a new connection on these terms.
    fn sync(&self, device: &mut Remote, terms: Terms) -> Result<Seen> {
        self.link.set(Terms::PLAIN);
        self.link.cut(Cut::Told);
        std::thread::sleep(TOLD);
        self.link.set(terms);
        self.link.forget();
        let mut round_trips = 0;
        for _ in 0..SYNCS_MAX {
            let (exchange, at) = device.sync()?;
            round_trips += exchange.get("round_trips").and_then(serde_json::Value::as_u64).unwrap_or(0);
            if succeeded(&exchange) {
                // What the server says to connections that are gone is no part of this.
                let mut flows = self.link.flows();
                flows.retain(|flow| flow.request_at.is_some());
                let began = flows.iter().filter_map(|flow| flow.request_at).min().context("no request was seen")?;
                let sum = |of: fn(&Flow) -> u64| flows.iter().map(of).sum();
                ensure!(device.call(Status {})?.light.waiting == 0, "not all arrived");
                let seconds = at.saturating_duration_since(began).as_secs_f64();
                return Ok(Seen {
                    bytes: sum(|flow| flow.bytes),
                    tls_bytes: sum(|flow| flow.tls_bytes),
                    seconds,
                    first_screen: None,
                    connections: flows.len(),
                    round_trips,
                });
            }
        }
        anyhow::bail!("not through after {SYNCS_MAX} tries")
    }

    /// A day's entries: with a cold TLS session and a resumed one, without loss and with.
    fn days(&self, name: &str, entries: usize) -> Result<()> {
        let folder = format!("days-{entries}");
        drop(self.device(&folder)?);
        for (session, loss) in [("cold", 0.0), ("resumed", 0.0), ("cold", LOSS), ("resumed", LOSS)] {
            let mut device = self.open(&folder)?;
            let mut seen = Vec::new();
            for _ in 0..tries(loss) {
                self.link.set(Terms::PLAIN);
                if session == "cold" {
                    device = self.open_again(&folder, device)?;
                } else {
                    self.settle(&mut device)?;
                }
                self.note(&mut device, entries)?;
                seen.push(self.sync(&mut device, Terms::EDGE.losing(loss))?);
            }
            report(name, session, loss, &seen);
        }
        Ok(())
    }

    /// The same data folder in a new process, which has no connection and no TLS session.
    fn open_again(&self, folder: &str, device: Remote) -> Result<Remote> {
        drop(device);
        self.open(folder)
    }

    /// One change among a thousand documents.
    fn among_many(&self) -> Result<()> {
        let mut device = self.device("many")?;
        let today = device.call(Status {})?.today;
        for n in 0..1_000 {
            let day = today.minus(u32::try_from(n / 5)?);
            device.call(AddLogEntry { form: entry(day, 77, n) })?;
        }
        self.settle(&mut device)?;
        for loss in [0.0, LOSS] {
            let mut seen = Vec::new();
            for n in 0..tries(loss) {
                self.link.set(Terms::PLAIN);
                self.settle(&mut device)?;
                let offset = u32::try_from(n * 1_000 / tries(loss))?;
                let rows = device.call(ListLogEntries { search: String::new(), offset, limit: 1 })?.rows;
                let opened = rows.first().context("no entry")?.clone();
                let form = LogEntryForm { output: format!("Laporan selesai, {n} berkas ({loss})"), ..opened.form.clone() };
                device.call(EditLogEntry { id: opened.id, opened: opened.form, form })?;
                seen.push(self.sync(&mut device, Terms::EDGE.losing(loss))?);
            }
            report("1 change among 1,000 documents", "resumed", loss, &seen);
        }
        Ok(())
    }

    /// A new phone of a person with a year behind them.
    fn new_phone(&self) -> Result<()> {
        const ENTRIES: usize = 360;
        let office = self.folder.path().join("year-office");
        // An office of its own: the year is all there is.
        let link = Link::open(2, Terms::PLAIN)?;
        let mut server = Office::make_at(&office, "Dinas Ukur", Site::behind(&link).secure())?;
        server.start()?;
        let year = Self {
            folder: tempfile::tempdir()?,
            invite: server.invite(NIP)?,
            link,
            _office: server,
            noted: std::cell::Cell::new(1),
        };
        let mut old = year.device("old")?;
        let today = old.call(Status {})?.today;
        for n in 0..ENTRIES {
            let form = entry(today.minus(u32::try_from(n)?), 5, n);
            let view = old.call(AddLogEntry { form })?;
            let form = LogEntryForm { output: format!("{} ({n})", entry(today, 6, n).activity), ..view.form.clone() };
            old.call(EditLogEntry { id: view.id, opened: view.form, form })?;
        }
        year.settle(&mut old)?;
        drop(old);
        for (session, loss) in [("cold", 0.0), ("resumed", 0.0), ("cold", LOSS)] {
            let seen =
                (0..tries(loss)).map(|n| year.fetch_a_year(&format!("{session}-{loss}-{n}"), session, loss, ENTRIES as u64));
            report("new phone, 360 entries and 360 edits", session, loss, &seen.collect::<Result<Vec<_>>>()?);
        }
        Ok(())
    }

    /// A new phone fetches all of a person's entries.
    fn fetch_a_year(&self, name: &str, session: &str, loss: f64, entries: u64) -> Result<Seen> {
        let mut phone = self.open(name)?;
        self.link.set(Terms::PLAIN);
        self.enrol(&mut phone)?;
        if session == "cold" {
            phone = self.open_again(name, phone)?;
        }
        self.link.cut(Cut::Told);
        self.link.set(Terms::EDGE.losing(loss));
        self.link.forget();
        let (first, all) = phone.run(entries)?;
        let flows = self.link.flows();
        let began = flows.iter().filter_map(|flow| flow.request_at).min().context("no request was seen")?;
        let seconds = |at: Instant| at.saturating_duration_since(began).as_secs_f64();
        Ok(Seen {
            bytes: flows.iter().map(|flow| flow.bytes).sum(),
            tls_bytes: flows.iter().map(|flow| flow.tls_bytes).sum(),
            seconds: seconds(all),
            first_screen: first.map(seconds),
            connections: flows.len(),
            round_trips: 0,
        })
    }

    /// Thirty entries over a link that goes dark after every 4 KB, for two seconds, and takes all connections with it.
    fn blackouts(&self) -> Result<()> {
        const EVERY: u64 = 4 * 1024;
        let blackout = Blackout { every_bytes: EVERY, lasts: Duration::from_secs(2), cut: Cut::Told };
        let mut device = self.device("blackouts")?;
        for _ in 0..TRIES {
            self.link.set(Terms::PLAIN);
            self.settle(&mut device)?;
            let before = sealed(&self.folder.path().join("blackouts"))?;
            self.note(&mut device, 30)?;
            self.link.cut(Cut::Told);
            self.link.forget();
            self.link.set(Terms::EDGE.breaking(blackout));
            let start = Instant::now();
            let (_, end) = device.run(0)?;
            let (traffic, flows) = (self.link.traffic(), self.link.flows());
            // Of each request the head of HTTP and the header frame come with every try; beyond them only bundles are carried.
            let carried: u64 = flows.iter().map(|flow| flow.request_bytes).sum();
            let unique = sealed(&self.folder.path().join("blackouts"))? - before;
            println!(
                "{}",
                json!({"bench": "sync-edge", "case": "blackout after every 4 KB, 30 entries", "session": "resumed", "loss_percent": 0,
                    "ip_bytes": traffic.bytes(), "seconds": (end - start).as_secs_f64(), "cuts": traffic.blackouts,
                    "connections": flows.len(), "bundle_bytes": unique, "request_bytes": carried,
                    "twice_at_most": carried.saturating_sub(unique), "allowed": u64::from(traffic.blackouts) * BUNDLE_TARGET as u64})
            );
        }
        self.link.set(Terms::PLAIN);
        Ok(())
    }
}

const fn tries(loss: f64) -> usize {
    if loss > 0.0 { TRIES_WITH_LOSS } else { TRIES }
}

/// Bytes of all sealed bundles of a device.
fn sealed(data: &Path) -> Result<u64> {
    let people = std::fs::read_dir(data.join("people"))?.next().context("nobody is enrolled")??;
    let database = Connection::open(people.path().join("lentera.sqlite"))?;
    let bytes: i64 = database.query_row("SELECT coalesce(sum(length(sealed)), 0) FROM bundle", [], |row| row.get(0))?;
    Ok(u64::try_from(bytes)?)
}

fn report(case: &str, session: &str, loss: f64, seen: &[Seen]) {
    // The nearest rank: of twenty values the p95 is the worst but one.
    let of = |value: fn(&Seen) -> f64, percent: usize| {
        let mut values: Vec<f64> = seen.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values.get((values.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0.0)
    };
    let bytes = |seen: &Seen| (seen.bytes - seen.tls_bytes) as f64;
    let first_screen = |percent: usize| {
        let is_measured = seen.iter().all(|seen| seen.first_screen.is_some());
        is_measured.then(|| of(|seen| seen.first_screen.unwrap_or(0.0), percent))
    };
    println!(
        "{}",
        json!({"bench": "sync-edge", "case": case, "session": session, "loss_percent": loss, "tries": seen.len(),
            "ip_bytes_p50": of(bytes, 50), "ip_bytes_p95": of(bytes, 95), "tls_bytes_p50": of(|seen| seen.tls_bytes as f64, 50),
            "seconds_p50": of(|seen| seen.seconds, 50), "seconds_p95": of(|seen| seen.seconds, 95),
            "first_screen_s_p50": first_screen(50), "first_screen_s_p95": first_screen(95),
            "round_trips_max": of(|seen| seen.round_trips as f64, 100), "connections_max": of(|seen| seen.connections as f64, 100)})
    );
}
