//! Work that reaches the server without its device having a network: as a `.lentera` file, on a colleague's device or in the operator's hand.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lentera_api::view::FileTaken;
use lentera_api::{Delivery, Error, ExportReceipts, ExportUnsent, Status, TakeFile};
use lentera_tests::story::{COLLEAGUE, Count, NIP, OFFICE, newcomer, note};
use lentera_tests::{Device, Office};
use tempfile::TempDir;

/// An office, a device with three entries that has lost its network for good, and a colleague's.
fn scene() -> Result<(TempDir, Office, Device, Device)> {
    let folder = tempfile::tempdir()?;
    let mut office = Office::make(&folder.path().join("server"), OFFICE)?;
    office.start()?;
    let cut_off = newcomer(&office, folder.path(), NIP)?;
    let colleague = newcomer(&office, folder.path(), COLLEAGUE)?;
    for n in 0..3 {
        note(&cut_off, n)?;
    }
    Ok((folder, office, cut_off, colleague))
}

fn export(device: &Device, file: &Path) -> Result<u32> {
    let exported = device.call(ExportUnsent { path: file.to_string_lossy().into_owned() })?;
    assert_eq!((exported.path.as_str(), exported.bytes), (file.to_string_lossy().as_ref(), fs::metadata(file)?.len()));
    Ok(exported.count)
}

fn take(device: &Device, file: &Path) -> Result<FileTaken> {
    device.call(TakeFile { content: STANDARD.encode(fs::read(file)?) })
}

#[test]
fn a_colleague_carries_it_and_brings_the_receipts_back() -> Result<()> {
    let (folder, mut office, cut_off, colleague) = scene()?;
    let (there, back) = (folder.path().join("kirim.lentera"), folder.path().join("terima.lentera"));
    ensure!(export(&cut_off, &there)? > 0);
    let written = fs::read(&there)?;
    let readable = |text: &str| written.windows(text.len()).any(|window| window == text.as_bytes());
    ensure!(!readable("Menyusun") && !readable(NIP), "who carries it can read it");

    // Given twice, carried once; the colleague has no network either for now.
    office.stop()?;
    let taken = take(&colleague, &there)?;
    ensure!(taken.parcels > 0 && taken.receipts == 0, "{taken:?}");
    assert_eq!(take(&colleague, &there)?, FileTaken { parcels: 0, receipts: 0 });
    assert_eq!(colleague.call(Delivery {})?.carried.waiting, taken.parcels);
    office.start()?;
    colleague.sync()?;
    let carried = colleague.call(Delivery {})?.carried;
    assert_eq!((carried.waiting, carried.delivered), (0, taken.parcels));
    ensure!(carried.receipts > 0, "no receipts came: {carried:?}");

    // It is on the server, and its device does not know yet.
    assert_eq!(office.ids("log_entry")?.len(), 3);
    assert_eq!(cut_off.call(Status {})?.light.waiting, 3);
    colleague.call(ExportReceipts { path: back.to_string_lossy().into_owned() })?;
    office.stop()?;
    ensure!(take(&cut_off, &back)?.receipts > 0);
    assert_eq!(cut_off.call(Status {})?.light.waiting, 0);
    office.start()?;
    ensure!(Count::take(&cut_off, &office)?.is_complete());

    // Its network is back, and nothing goes a second time.
    let bundles = office.ask("SELECT count(*) FROM bundle", |row| row.get::<_, i64>(0))?;
    note(&cut_off, 3)?;
    cut_off.sync()?;
    assert_eq!(office.ask("SELECT count(*) FROM bundle", |row| row.get::<_, i64>(0))?, [bundles[0] + 1]);
    let count = Count::take(&cut_off, &office)?;
    ensure!(count.is_complete() && count.saved == 4, "{count}");
    Ok(())
}

#[test]
fn the_operator_imports_it_and_gives_the_receipts_back() -> Result<()> {
    let (folder, mut office, cut_off, _) = scene()?;
    let (there, back) = (folder.path().join("kirim.lentera"), folder.path().join("terima.lentera"));
    export(&cut_off, &there)?;
    office.stop()?;
    let (file, receipts) = (there.to_string_lossy(), back.to_string_lossy());
    office.run(&["import", "bundle", &file, "--receipts", &receipts])?;
    assert_eq!(office.ids("log_entry")?.len(), 3);
    // A second time changes nothing and gives the same receipts, should the first ones have been lost.
    let first = fs::read(&back)?;
    office.run(&["import", "bundle", &file, "--receipts", &receipts])?;
    assert_eq!(fs::read(&back)?, first);
    ensure!(take(&cut_off, &back)?.receipts > 0);
    assert_eq!(cut_off.call(Status {})?.light.waiting, 0);
    ensure!(Count::take(&cut_off, &office)?.is_complete());
    Ok(())
}

#[test]
fn what_went_both_ways_is_there_once() -> Result<()> {
    let (folder, office, cut_off, colleague) = scene()?;
    let there = folder.path().join("kirim.lentera");
    export(&cut_off, &there)?;
    take(&colleague, &there)?;
    // The network comes back before the colleague gets to town.
    note(&cut_off, 3)?;
    cut_off.sync()?;
    colleague.sync()?;
    let count = Count::take(&cut_off, &office)?;
    ensure!(count.is_complete() && count.saved == 4, "{count}");
    assert_eq!(colleague.call(Delivery {})?.carried.waiting, 0);
    Ok(())
}

#[test]
fn files_that_are_none_damaged_or_of_another_office_are_refused_with_a_word() -> Result<()> {
    let (folder, office, cut_off, colleague) = scene()?;
    let there = folder.path().join("kirim.lentera");
    export(&cut_off, &there)?;
    let whole = fs::read(&there)?;

    let refused = |content: String| colleague.try_call(TakeFile { content });
    for content in
        [String::new(), "bukan base64!".into(), STANDARD.encode("PK\x03\x04"), STANDARD.encode(&whole[..whole.len() / 2])]
    {
        ensure!(matches!(refused(content.clone())?, Err(Error::BadFile { .. })), "{content:.40}");
    }
    let mut other = Office::make(&folder.path().join("lain"), "Dinas Lain")?;
    other.start()?;
    let stranger = newcomer(&other, &folder.path().join("perangkat"), NIP)?;
    assert_eq!(stranger.try_call(TakeFile { content: STANDARD.encode(&whole) })?.err(), Some(Error::OtherServersFile));
    assert_eq!(stranger.try_call(ExportUnsent { path: String::new() })?.err(), Some(Error::NothingToExport));

    // A changed letter inside is seen by the server, which alone can read it: nothing is taken, and the carrier is told nothing false.
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let damaged = folder.path().join("rusak.lentera");
    fs::write(&damaged, &changed)?;
    let receipts = folder.path().join("terima.lentera");
    // Whether it says so by failing or by a file without receipts, nothing may have been taken.
    office.try_run(&["import", "bundle", &damaged.to_string_lossy(), "--receipts", &receipts.to_string_lossy()])?;
    ensure!(office.ids("log_entry")?.is_empty(), "a damaged parcel was taken");
    if receipts.exists() {
        assert_eq!(take(&cut_off, &receipts)?.receipts, 0);
    }
    assert_eq!(cut_off.call(Status {})?.light.waiting, 3);
    Ok(())
}
