//! Devices and server are killed at random instants while they note, change, send and receive: what was said saved is there, what was said
//! arrived is on the server, and in the end everything is there exactly once. 50 kills; as many as `LENTERA_KILLS` says, from `LENTERA_SEED` on.
#![expect(clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lentera_api::view::{Delivered, LogEntryView};
use lentera_api::{ListConflicts, ListLogEntries};
use lentera_tests::dice::Dice;
use lentera_tests::story::{COLLEAGUE, FIRST_PASSWORD, NIP, OFFICE, PASSWORD};
use lentera_tests::{Device, Office, process};

const KILLS: u64 = 50;
const COLLEAGUES_FIRST_PASSWORD: &str = "19910417";

#[test]
fn killed_at_any_instant_nothing_saved_is_lost_and_everything_arrives_once() -> Result<()> {
    let number = |name: &str, otherwise| env::var(name).map_or(Ok(otherwise), |value| value.parse());
    let (kills, seed) = (number("LENTERA_KILLS", KILLS)?, number("LENTERA_SEED", 1)?);
    let folder = tempfile::tempdir()?;
    let mut office = Office::make(&folder.path().join("server"), OFFICE)?;
    office.start()?;
    let invite = office.invite(NIP)?;
    // Two devices of one person, who see each other's work, and one of another.
    let mut devices = Vec::new();
    for (name, nip, password, new_password) in [
        ("ponsel", NIP, FIRST_PASSWORD, PASSWORD),
        ("laptop", NIP, PASSWORD, ""),
        ("rekan", COLLEAGUE, COLLEAGUES_FIRST_PASSWORD, PASSWORD),
    ] {
        let device = Device::at(&folder.path().join(name));
        device.enrol(&invite, nip, password, new_password)?;
        devices.push(Busy::new(name, device, folder.path()));
    }
    let told = move || format!("seed {seed} (kills hit another instant each time)");
    let mut dice = Dice::new(seed);
    for device in &mut devices {
        device.start(dice.next())?;
    }
    for kill in 0..kills {
        sleep(Duration::from_millis(dice.below(350)));
        let victim = usize::try_from(dice.below(5))?;
        let house = victim == 4;
        let hit = |index: usize| house || victim == index;
        for (index, device) in devices.iter_mut().enumerate().filter(|(index, _)| hit(*index)) {
            device.kill().with_context(|| format!("kill {kill} of device {index}"))?;
        }
        if hit(3) {
            office.kill()?;
        }
        for device in devices.iter_mut().filter(|device| device.process.is_none()) {
            device.check(&office).with_context(|| format!("kill {kill}, {}, {}", device.name, told()))?;
            device.start(dice.next())?;
        }
        if hit(3) {
            office.start()?;
        }
    }
    let mut saved = BTreeMap::new();
    for device in &mut devices {
        device.kill()?;
        device.check(&office).with_context(told)?;
        device.device.sync()?;
        saved.extend(device.said.iter().map(|(activity, said)| (activity.clone(), said.saved.clone().expect("checked"))));
    }
    everything_is_there_once(&office, &devices, &saved).with_context(told)?;
    println!("crash: {kills} kills, {} saved, 0 lost, each arrived once", saved.len());
    Ok(())
}

/// The server has what the devices were told is saved, all of it, once and as it was told; and so have the devices.
fn everything_is_there_once(office: &Office, devices: &[Busy], saved: &BTreeMap<String, String>) -> Result<()> {
    let on_server = office
        .ask("SELECT body ->> 'activity', coalesce(body ->> 'output', '') FROM log_entry ORDER BY 1", |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
    let saved: Vec<_> = saved.clone().into_iter().collect();
    ensure!(on_server == saved, "on the server {}, saved {}: {:?}", on_server.len(), saved.len(), difference(&on_server, &saved));
    ensure!(office.ids("quarantine")?.is_empty(), "the server refused something");
    for device in devices {
        let rows = rows(&device.device, "")?;
        let elsewhere = rows.iter().find(|row| row.delivered != Delivered::Arrived);
        ensure!(elsewhere.is_none(), "{}: {elsewhere:?}", device.name);
        ensure!(device.device.call(ListConflicts {})?.is_empty(), "{} was changed by one device only", device.name);
    }
    // One person's devices show the same.
    devices[0].device.sync()?;
    let [phone, laptop] = [0, 1].map(|index| rows(&devices[index].device, ""));
    let shown = |rows: Vec<LogEntryView>| rows.into_iter().map(|row| (row.id, row.entry)).collect::<Vec<_>>();
    ensure!(shown(phone?) == shown(laptop?), "one person's devices differ");
    Ok(())
}

fn difference<T: PartialEq + Clone>(one: &[T], other: &[T]) -> (Vec<T>, Vec<T>) {
    let without = |from: &[T], these: &[T]| from.iter().filter(|item| !these.contains(item)).take(3).cloned().collect();
    (without(one, other), without(other, one))
}

/// All entries whose words are these, as the device shows them.
fn rows(device: &Device, search: &str) -> Result<Vec<LogEntryView>> {
    let mut rows = Vec::new();
    loop {
        let offset = u32::try_from(rows.len())?;
        let page = device.call(ListLogEntries { search: search.to_owned(), offset, limit: 500 })?;
        rows.extend(page.rows);
        if rows.len() >= page.total as usize {
            return Ok(rows);
        }
    }
}

/// What a device said of one entry.
#[derive(Debug, Default)]
struct Said {
    /// The output that it said is saved.
    saved: Option<String>,
    /// The one it was about to save when it was killed.
    tried: Option<String>,
}

/// A device with the program that keeps it busy.
struct Busy {
    name: &'static str,
    device: Device,
    output: std::path::PathBuf,
    process: Option<Child>,
    /// By the entry's activity, which never changes.
    said: BTreeMap<String, Said>,
}

impl Busy {
    fn new(name: &'static str, device: Device, folder: &Path) -> Self {
        Self { name, device, output: folder.join(format!("{name}.out")), process: None, said: BTreeMap::new() }
    }

    fn start(&mut self, seed: u64) -> Result<()> {
        let busy = Command::new(env!("CARGO_BIN_EXE_busy-device"))
            .arg(self.device.data())
            .args([self.name, &(seed % 1_000_000).to_string()])
            .stdin(Stdio::null())
            .stdout(File::create(&self.output)?)
            .spawn()?;
        self.process = Some(busy);
        Ok(())
    }

    /// Kills it and takes down what it had said.
    fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("it does not run")?;
        ensure!(process.try_wait()?.is_none(), "it ended by itself");
        process::kill(&mut process);
        for line in fs::read_to_string(&self.output)?.lines() {
            let [what, activity, output]: [String; 3] = serde_json::from_str(line)?;
            let said = self.said.entry(activity).or_default();
            if what == "saved" {
                *said = Said { saved: Some(output), tried: None };
            } else {
                said.tried = Some(output);
            }
        }
        Ok(())
    }

    /// Every save it acknowledged is there, what it was about to save is there whole or not at all, and what it calls arrived is on the server.
    fn check(&mut self, office: &Office) -> Result<()> {
        let mut there: BTreeMap<String, LogEntryView> = BTreeMap::new();
        for row in rows(&self.device, &format!("{}-", self.name))? {
            let twice = there.insert(row.form.activity.clone(), row);
            ensure!(twice.is_none(), "twice: {twice:?}");
        }
        for (activity, said) in &mut self.said {
            let found = there.remove(activity).map(|row| row.form.output);
            let allowed = found == said.saved || found.is_some() && found == said.tried;
            ensure!(allowed, "{activity}: {said:?}, found {found:?}");
            *said = Said { saved: found, tried: None };
        }
        self.said.retain(|_, said| said.saved.is_some());
        ensure!(there.is_empty(), "nobody noted {there:?}");
        let on_server: BTreeMap<String, String> = office
            .ask("SELECT body ->> 'activity', coalesce(body ->> 'output', '') FROM log_entry", |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .into_iter()
            .collect();
        for row in rows(&self.device, &format!("{}-", self.name))? {
            let arrived = row.delivered == Delivered::Arrived;
            let kept = on_server.get(&row.form.activity) == Some(&row.form.output);
            ensure!(!arrived || kept, "called arrived and not on the server: {row:?}");
        }
        Ok(())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process::kill(process);
        }
    }
}
