//! The office of the storm, and what its devices will send.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use ed25519_dalek::SigningKey;
use lentera_document::{Actor, Document, Fields, fields_of};
use lentera_domain::{Day, LogEntryId, Nip, Timestamp};
use lentera_protocol::bundle::{self, Bundle, Change, Packed, Stamp};
use lentera_protocol::sign::sign;
use lentera_protocol::stream::Cursor;
use lentera_protocol::sync::Header;
use lentera_protocol::{DeviceId, Hash, VERSION, frame};
use lentera_server::service::server_key;
use lentera_server::storage::{Enrolled, Enrolment, Sqlite, Storage};
use lentera_tests::Office;
use lentera_tests::process;
use lentera_tests::work::entry;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{DEVICES, ENTRIES};

/// People of one unit.
const UNIT: usize = 20;
/// When the entries were noted: the moment does not matter, no clock refuses anything.
const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

/// The NIP of the `n`th person: born and appointed on days that exist, numbered through.
pub fn nip(n: usize) -> String {
    format!("19{:02}{:02}{:02}2010{:02}1{:03}", 60 + n / 1000 % 30, 1 + n / 28 % 12, 1 + n % 28, 1 + n / 336 % 12, n % 1000)
}

/// The key of the `n`th device.
pub fn key(n: usize) -> SigningKey {
    SigningKey::from_bytes(&Hash::of(format!("storm {n}").as_bytes()).0)
}

/// An office with all people and their devices.
pub fn make_office(office: &Office, folder: &Path) -> Result<()> {
    office.run(&["init", "--office", "Kabupaten Ukur"])?;
    office.run(&["import", "wilayah", &process::example().join("wilayah.csv").to_string_lossy()])?;
    let staff = folder.join("staff.csv");
    let mut file = File::create(&staff)?;
    writeln!(file, "nip,nama,jabatan,unit,atasan_nip")?;
    for n in 0..DEVICES {
        writeln!(file, "{},Pegawai Ukur {n},Pelaksana,Unit Kerja {},", nip(n), n / UNIT)?;
    }
    drop(file);
    office.run(&["import", "staff", &staff.to_string_lossy()])?;
    let storage = Sqlite::open(&office.data().join("lentera-server.sqlite"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut enrolled = tokio::task::JoinSet::new();
        for n in 0..DEVICES {
            // Those that wait at one moment share one write to the disk.
            if enrolled.len() >= 64 {
                enrolled.join_next().await.context("nobody enrols")???;
            }
            let (nip, storage) = (Nip::parse(&nip(n)).map_err(|error| anyhow!("{error:?}"))?, storage.clone());
            enrolled.spawn(async move {
                let enrolment = Enrolment { nip, key: key(n).verifying_key().to_bytes(), at: NOW, new_password: None };
                ensure!(storage.enrol_device(enrolment).await? == Enrolled::Done, "device {n} was not enrolled");
                Ok(())
            });
        }
        while let Some(enrolled) = enrolled.join_next().await {
            enrolled??;
        }
        Ok(())
    })
}

/// Where every device stands: at the end of what all have in common (people, rules, regions), as after a month of use.
pub fn heads(office: &Office) -> Result<Value> {
    let heads = office.ask("SELECT id, position, hash FROM stream", |row| {
        Ok(json!([row.get::<_, u32>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?]))
    })?;
    ensure!(!heads.is_empty(), "nothing is there that all have in common");
    Ok(Value::Array(heads))
}

/// The server's public key, by which receipts are told from anything else.
pub fn public_key(office: &Office) -> Result<Value> {
    let key = server_key::read(&office.data().join("server.key"))?;
    Ok(json!(key.verifying_key().to_bytes()))
}

/// What one device sends.
pub struct Prepared {
    /// Body of the request.
    pub body: Vec<u8>,
    /// Entries in each of its bundles.
    pub entries: Vec<usize>,
}

/// The requests of all devices, as they would be after a day without a network.
pub fn requests(plan: &Value) -> Result<Vec<Prepared>> {
    let heads: Vec<(u32, u64, Vec<u8>)> = serde_json::from_value(plan.get("heads").context("no heads")?.clone())?;
    let cursors: Vec<Cursor> = heads
        .into_iter()
        .map(|(stream, position, hash)| Ok(Cursor { stream, position, hash: hash.as_slice().try_into()?, below: None }))
        .collect::<Result<_>>()?;
    (0..DEVICES).map(|n| request(n, &cursors)).collect()
}

fn request(n: usize, cursors: &[Cursor]) -> Result<Prepared> {
    let key = key(n);
    let device = DeviceId::of_key(key.verifying_key().as_bytes());
    let actor = Actor::derive(key.verifying_key().as_bytes(), 0);
    let nip = Nip::parse(&nip(n)).map_err(|error| anyhow!("{error:?}"))?;
    let saved = Stamp { wall: NOW.millis(), boot: None, anchor: None, since_anchor: None };
    let mut waiting = Vec::with_capacity(ENTRIES);
    for number in 0..ENTRIES {
        let record = LogEntryId(Uuid::from_u128((n * 1000 + number + 1) as u128)).record();
        let day: Day = NOW.day().minus(u32::try_from(number / 4)?);
        let form = entry(day, n as u64, number);
        let fields = fields_of(&form.parse(nip.clone(), NOW).map_err(|error| anyhow!("{error:?}"))?)?;
        let change = Document::new(record)?.write(actor, NOW, &Fields::default(), &fields)?.context("nothing to write")?;
        waiting.push(Change { kind: record.kind.number(), id: *record.id.as_bytes(), bytes: change.bytes, saved, part: None });
    }
    let header = Header {
        version: VERSION,
        device,
        counter: 1,
        scope_epoch: 1,
        cursors: cursors.to_vec(),
        page_bytes: Some(16 * 1024),
        amendment: None,
    };
    let mut body = Vec::new();
    frame::push(&mut body, &sign(&header, &key));
    let (mut number, mut previous, mut entries) = (0, Hash::default(), Vec::new());
    let mut rest = waiting.as_slice();
    while !rest.is_empty() {
        let Packed::Whole(changes, count) = bundle::pack(rest)? else { anyhow::bail!("an entry in parts") };
        number += 1;
        let bundle = Bundle { device, number, previous, generation: 0, last_receipt: 0, scope_epoch: 1, sealed: saved, changes };
        let sealed = bundle.seal(&key);
        previous = Hash::of(&sealed);
        frame::push(&mut body, &sealed);
        entries.push(count);
        rest = rest.get(count..).unwrap_or_default();
    }
    Ok(Prepared { body, entries })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_person_has_a_number_of_their_own() {
        let all: std::collections::BTreeSet<_> = (0..DEVICES).map(nip).collect();
        assert_eq!(all.len(), DEVICES);
        all.iter().for_each(|nip| drop(Nip::parse(nip).unwrap()));
    }
}
