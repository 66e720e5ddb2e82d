//! What both tellings of the main story share: who it is about, and what is counted at its end.

use std::fmt;
use std::path::Path;

use anyhow::{Result, ensure};
use lentera_api::view::{Delivered, LogEntryView};
use lentera_api::{AddLogEntry, ListLogEntries, ListUmkm, Status, UmkmDetail};

use crate::work::entry;
use crate::{Device, Office};

/// Name of the office.
pub const OFFICE: &str = "Dinas Contoh Kabupaten Balangan";
/// The first of the example's staff.
pub const NIP: &str = "197203151998032000";
/// The password that a new account of theirs has.
pub const FIRST_PASSWORD: &str = "19720315";
/// The password they choose.
pub const PASSWORD: &str = "lampu minyak tanah";
/// Their superior.
pub const SUPERIOR: &str = "197511202003121000";
/// A colleague in the same unit.
pub const COLLEAGUE: &str = "199104172019032000";
/// Another one.
pub const THIRD: &str = "199308152022211000";
/// A desa of the example.
pub const VILLAGE: &str = "63.11.01.2001";
/// Its name.
pub const VILLAGE_NAME: &str = "Muara Ninian";

/// Enrols a member of staff who has never logged in on a device of their own in `folder`, and fetches what there is.
///
/// # Errors
/// When that is refused.
pub fn newcomer(office: &Office, folder: &Path, nip: &str) -> Result<Device> {
    let device = Device::at(&folder.join(nip));
    let first_password = nip.get(..8).unwrap_or_default();
    device.enrol(&office.invite(nip)?, nip, first_password, PASSWORD)?;
    device.sync()?;
    Ok(device)
}

/// Notes the `n`th of a person's activities, for today.
///
/// # Errors
/// When that is refused.
pub fn note(device: &Device, n: usize) -> Result<LogEntryView> {
    let form = entry(device.call(Status {})?.today, 1, n);
    device.call(AddLogEntry { form })
}

/// How many of a device's records are where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Records the device shows.
    pub saved: usize,
    /// Those of them that it calls arrived.
    pub arrived: usize,
    /// Records in the server's database.
    pub on_server: usize,
}

impl Count {
    /// Counts, and compares record by record while doing so.
    ///
    /// # Errors
    /// When the server lacks a record that the device calls arrived, or has one that the device does not know.
    pub fn take(device: &Device, office: &Office) -> Result<Self> {
        let mut count = Self { saved: 0, arrived: 0, on_server: 0 };
        for (table, records) in records(device)? {
            let arrived = records.iter().filter(|(_, delivered)| *delivered == Delivered::Arrived);
            let mut arrived: Vec<&String> = arrived.map(|(id, _)| id).collect();
            arrived.sort_unstable();
            let on_server = office.ids(table)?;
            ensure!(on_server.iter().eq(arrived.iter().copied()), "{table}: arrived {arrived:?}, on the server {on_server:?}");
            count.saved += records.len();
            count.arrived += arrived.len();
            count.on_server += on_server.len();
        }
        Ok(count)
    }

    /// True when everything saved has arrived and is there once.
    pub fn is_complete(&self) -> bool {
        self.saved == self.arrived && self.arrived == self.on_server
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "saved {}, arrived {}, on the server {}", self.saved, self.arrived, self.on_server)
    }
}

type Records = Vec<(String, Delivered)>;

/// The ids of all records of a device, by the server's table for them.
fn records(device: &Device) -> Result<[(&'static str, Records); 3]> {
    let entries = device.call(ListLogEntries { search: String::new(), offset: 0, limit: 500 })?.rows;
    let umkm = device.call(ListUmkm { search: String::new(), offset: 0, limit: 500 })?.rows;
    let mut visits = Vec::new();
    for one in &umkm {
        visits.extend(device.call(UmkmDetail { id: one.id })?.visits);
    }
    Ok([
        ("log_entry", entries.iter().map(|entry| (entry.id.to_string(), entry.delivered)).collect()),
        ("umkm", umkm.iter().map(|umkm| (umkm.id.to_string(), umkm.delivered)).collect()),
        ("visit", visits.iter().map(|visit| (visit.id.to_string(), visit.delivered)).collect()),
    ])
}
