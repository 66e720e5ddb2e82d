//! A full disk on either side: nothing is acknowledged that is not kept, what was kept stays, and with space again it goes on.

use std::fs;

use anyhow::{Result, bail, ensure};
use lentera_api::view::Cause;
use lentera_api::{AddLogEntry, Delivery, Error, Language, ListLogEntries, SaveDraft, Status, sentence};
use lentera_tests::process::say_skipped;
use lentera_tests::story::{Count, NIP, OFFICE, PASSWORD, newcomer, note};
use lentera_tests::work::entry;
use lentera_tests::{Device, Office, SmallDisk};
use serde_json::json;

/// More saves than the space left has room for.
const ENOUGH: usize = 400;

#[test]
fn a_device_without_space_says_so_before_it_calls_anything_saved() -> Result<()> {
    if let Some(why) = SmallDisk::missing() {
        say_skipped("full disk of a device", why);
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut office = Office::make(&folder.path().join("server"), OFFICE)?;
    office.start()?;
    let disk = SmallDisk::mount(&folder.path().join("disk"), 6 * 1024)?;
    let device = newcomer(&office, disk.folder(), NIP)?;
    let today = device.call(Status {})?.today;
    note(&device, 0)?;
    disk.fill_up_to(400)?;

    let mut saved = 1;
    let refused = loop {
        match device.try_call(AddLogEntry { form: entry(today, 1, saved) })? {
            Ok(_) if saved < ENOUGH => saved += 1,
            Ok(_) => bail!("400 KB hold {ENOUGH} entries"),
            Err(error) => break error,
        }
    };
    assert_eq!(refused, Error::DiskFull);
    ensure!(sentence(&refused, Language::Id).contains("penuh"), "{}", sentence(&refused, Language::Id));
    let draft = json!({ "activity": "x".repeat(50_000) });
    assert_eq!(device.try_call(SaveDraft { name: "log_entry/new".into(), content: draft })?.err(), Some(Error::DiskFull));

    // What was acknowledged can be seen, and nothing else, as long as the disk is full and after.
    let total = |device: &Device| {
        device.call(ListLogEntries { search: String::new(), offset: 0, limit: 1 }).map(|page| page.total as usize)
    };
    assert_eq!(total(&device)?, saved);
    // The sync may not get through now: its own notes need space. It must not harm either.
    device.sync().map(drop).unwrap_or_default();
    assert_eq!(total(&device)?, saved);

    disk.free()?;
    note(&device, saved)?;
    device.sync()?;
    let count = Count::take(&device, &office)?;
    ensure!(count.is_complete() && count.saved == saved + 1, "{count}, saved {saved} and one");
    Ok(())
}

#[test]
fn a_server_without_space_gives_no_receipt_and_loses_none_it_gave() -> Result<()> {
    if let Some(why) = SmallDisk::missing() {
        say_skipped("full disk of the server", why);
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let disk = SmallDisk::mount(&folder.path().join("disk"), 6 * 1024)?;
    let mut office = Office::make(&disk.folder().join("server"), OFFICE)?;
    office.start()?;
    let device = newcomer(&office, folder.path(), NIP)?;
    note(&device, 0)?;
    device.sync()?;
    disk.fill_up_to(200)?;

    // Whole days are sent until the server has no room for one.
    let mut saved = 1;
    while device.call(Status {})?.light.waiting == 0 {
        ensure!(saved < ENOUGH, "200 KB hold {ENOUGH} entries");
        for _ in 0..15 {
            note(&device, saved)?;
            saved += 1;
        }
        device.sync()?;
    }
    let full = Count::take(&device, &office)?;
    ensure!(full.saved == saved && full.arrived < saved && full.arrived == full.on_server, "{full}, saved {saved}");
    let cause = device.call(Delivery {})?.cause;
    ensure!(matches!(cause, Some(Cause::Busy | Cause::BadAnswer)), "{cause:?}");

    // It stays up, goes down and comes back as it was.
    office.kill()?;
    assert_eq!(office.ids("log_entry")?.len(), full.on_server);
    disk.free()?;
    office.start()?;
    device.sync()?;
    let count = Count::take(&device, &office)?;
    ensure!(count.is_complete() && count.saved == saved, "{count}, saved {saved}");
    let second = Device::at(&folder.path().join("second"));
    second.enrol(&office.invite(NIP)?, NIP, PASSWORD, "")?;
    second.sync()?;
    ensure!(Count::take(&second, &office)? == count);
    ensure!(fs::metadata(disk.folder())?.is_dir());
    Ok(())
}
