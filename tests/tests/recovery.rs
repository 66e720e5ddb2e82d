//! What must not happen and does: a lost phone, a server set back, a damaged database, a server without a domain. The person is told in words,
//! and nothing is lost.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use lentera_api::view::{Cause, Finding};
use lentera_api::{AcknowledgeRescue, Delivery, Home, Invite, ListLogEntries, LogInAgain, ReadDraft, SaveDraft, Status};
use lentera_tests::office::Site;
use lentera_tests::story::{COLLEAGUE, Count, NIP, OFFICE, PASSWORD, newcomer, note};
use lentera_tests::{Device, Office};
use serde_json::json;
use tempfile::TempDir;

/// What a failing flash gives back.
const NONSENSE: [u8; 512] = [0x5a; 512];

fn scene() -> Result<(TempDir, Office, Device)> {
    let folder = tempfile::tempdir()?;
    let mut office = Office::make(&folder.path().join("server"), OFFICE)?;
    office.start()?;
    let device = newcomer(&office, folder.path(), NIP)?;
    Ok((folder, office, device))
}

/// The only device of a person, as the server names it.
fn device_id(office: &Office, nip: &str) -> Result<String> {
    let ids = office.ask(&format!("SELECT id FROM device WHERE nip = '{nip}'"), |row| row.get(0))?;
    ids.into_iter().next().context("no device")
}

fn cause(device: &Device) -> Result<Option<Cause>> {
    Ok(device.call(Delivery {})?.cause)
}

#[test]
fn a_revoked_device_is_told_and_what_it_held_counts_when_it_is_confirmed() -> Result<()> {
    let (folder, mut office, device) = scene()?;
    note(&device, 0)?;
    device.sync()?;
    let id = device_id(&office, NIP)?;
    office.run(&["revoke-device", &id])?;
    note(&device, 1)?;
    device.sync()?;
    assert_eq!(cause(&device)?, Some(Cause::Revoked));
    ensure!(device.call(Delivery {})?.findings.contains(&Finding::Revoked));
    ensure!(doctor(&device, &[])?.contains("dicabut"), "{}", doctor(&device, &[])?);
    let count = Count::take(&device, &office)?;
    ensure!(count.saved == 2 && count.arrived == 1, "{count}");

    // Its work comes by another way, is held, and counts by the operator's word.
    let (file, receipts) = (folder.path().join("kirim.lentera"), folder.path().join("terima.lentera"));
    device.call(lentera_api::ExportUnsent { path: file.to_string_lossy().into_owned() })?;
    office.stop()?;
    let imported = office.try_run(&["import", "bundle", &file.to_string_lossy(), "--receipts", &receipts.to_string_lossy()])?;
    let said = String::from_utf8_lossy(&imported.stderr).into_owned();
    ensure!(!imported.status.success() && said.contains("confirm-held"), "the operator is not told what to do: {said}");
    assert_eq!(office.ids("log_entry")?.len(), 1, "it counted before it was confirmed");
    office.run(&["confirm-held", &id])?;
    assert_eq!(office.ids("log_entry")?.len(), 2);
    office.start()?;
    let new = Device::at(&folder.path().join("new"));
    new.enrol(&office.invite(NIP)?, NIP, PASSWORD, "")?;
    new.sync()?;
    let count = Count::take(&new, &office)?;
    ensure!(count.is_complete() && count.saved == 2, "{count}");
    Ok(())
}

#[test]
fn a_server_set_back_to_an_older_copy_gets_back_what_it_forgot() -> Result<()> {
    let (folder, mut office, phone) = scene()?;
    let colleague = newcomer(&office, folder.path(), COLLEAGUE)?;
    note(&phone, 0)?;
    phone.sync()?;
    colleague.sync()?;
    office.stop()?;
    let copy = folder.path().join("copy");
    copy_folder(office.data(), &copy)?;

    // After the copy was made: new work of both, and a new device.
    office.start()?;
    for n in 1..4 {
        note(&phone, n)?;
        phone.sync()?;
    }
    note(&colleague, 0)?;
    colleague.sync()?;
    let laptop = Device::at(&folder.path().join("laptop"));
    laptop.enrol(&office.invite(NIP)?, NIP, PASSWORD, "")?;
    laptop.sync()?;
    note(&laptop, 4)?;
    laptop.sync()?;
    phone.sync()?;
    let before = office.ids("log_entry")?;
    assert_eq!(before.len(), 6);
    note(&phone, 5)?;

    office.stop()?;
    fs::remove_dir_all(office.data())?;
    copy_folder(&copy, office.data())?;
    office.start()?;
    assert_eq!(office.ids("log_entry")?.len(), 1);
    for _ in 0..3 {
        phone.sync()?;
        colleague.sync()?;
    }
    // The server does not know the new device any more; its person logs in again, and its work arrives, too.
    laptop.sync()?;
    assert_eq!(cause(&laptop)?, Some(Cause::LogInAgain));
    laptop.call(LogInAgain { password: PASSWORD.into(), new_password: String::new() })?;
    for device in [&laptop, &phone, &laptop] {
        device.sync()?;
    }
    let after = office.ids("log_entry")?;
    ensure!(before.iter().all(|id| after.contains(id)) && after.len() == 7, "before {before:?}, after {after:?}");
    for device in [&phone, &laptop] {
        assert_eq!(device.call(Status {})?.light.waiting, 0);
        assert_eq!(device.call(ListLogEntries { search: String::new(), offset: 0, limit: 10 })?.total, 6);
        assert_eq!(cause(device)?, None);
    }
    Ok(())
}

#[test]
fn a_damaged_list_is_made_anew_and_what_waits_still_goes() -> Result<()> {
    let (_folder, office, device) = scene()?;
    note(&device, 0)?;
    device.sync()?;
    note(&device, 1)?;
    device.call(SaveDraft { name: "log_entry/new".into(), content: json!({ "activity": "belum selesai" }) })?;
    let database = database(&device)?;
    damage(&database, "log_entry")?;

    let rescue = rescued(&device)?.context("nothing was rescued")?;
    ensure!(rescue.changes >= 2 && rescue.drafts == 1, "{rescue:?}");
    ensure!(fs::read(&rescue.kept_at)?.windows(NONSENSE.len()).any(|bytes| bytes == NONSENSE), "the damaged file was not kept");
    let draft = device.call(ReadDraft { name: "log_entry/new".into() })?.context("the draft is gone")?;
    assert_eq!(draft.content.get("activity"), Some(&json!("belum selesai")));
    ensure!(device.call(Delivery {})?.findings.contains(&Finding::Rescued));
    device.call(AcknowledgeRescue {})?;
    assert_eq!(device.call(Home {})?.rescue, None);
    note(&device, 2)?;
    device.sync()?;
    device.sync()?;
    let count = Count::take(&device, &office)?;
    ensure!(count.is_complete() && count.saved == 3, "{count}");
    Ok(())
}

#[test]
fn a_database_that_cannot_be_read_at_all_is_kept_and_the_server_gives_back_what_it_has() -> Result<()> {
    let (_folder, office, device) = scene()?;
    for n in 0..3 {
        note(&device, n)?;
    }
    device.sync()?;
    let database = database(&device)?;
    let file = File::options().write(true).open(&database)?;
    (&file).write_all(&[0xaa; 8192])?;
    drop(file);
    let damaged = fs::read(&database)?;

    for _ in 0..2 {
        // Whatever it answers, it must answer.
        device.call_text("home", "{}")?.unwrap_or_default();
    }
    let folder = database.parent().context("a folder")?.parent().context("a folder of people")?;
    let kept = find(folder, |name| name.contains(".damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm"))?;
    let [kept] = kept.as_slice() else { anyhow::bail!("kept: {kept:?}") };
    ensure!(fs::read(kept)? == damaged, "the damaged file was changed");
    if device.call(Status {})?.person.is_none() {
        device.enrol(&office.invite(NIP)?, NIP, PASSWORD, "")?;
    }
    device.sync()?;
    note(&device, 3)?;
    device.sync()?;
    let count = Count::take(&device, &office)?;
    ensure!(count.is_complete() && count.saved == 4, "{count}");
    Ok(())
}

#[test]
fn an_office_without_a_domain_has_tls_by_its_invite() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut office = Office::make_at(&folder.path().join("server"), OFFICE, Site::local()?.secure())?;
    office.start()?;
    let invite = office.invite(NIP)?;
    let parsed = Invite::parse(&invite)?;
    ensure!(parsed.address.starts_with("https://") && !parsed.ca.is_empty(), "{invite}");
    let device = newcomer(&office, folder.path(), NIP)?;
    note(&device, 0)?;
    device.sync()?;
    ensure!(Count::take(&device, &office)?.is_complete());

    // Without the office's authority in the invite, or with another's, nothing is said to it.
    let stranger = Device::at(&folder.path().join("stranger"));
    let mut other = Office::make_at(&folder.path().join("lain"), "Dinas Lain", Site::local()?.secure())?;
    other.start()?;
    let others = Invite::parse(&other.invite(NIP)?)?;
    for ca in [String::new(), others.ca] {
        let invite = serde_json::to_string(&Invite { ca, ..parsed.clone() })?;
        ensure!(stranger.enrol(&invite, NIP, PASSWORD, "").is_err(), "it trusts anyone");
        assert_eq!(stranger.call(Status {})?.person, None);
    }
    for name in ["server.key", "server-tls.key", "ca.key", "server-key.pem", "ca-key.pem"] {
        let file = office.data().join(name);
        if file.exists() {
            ensure!(is_private(&file)?, "{name} can be read by others");
        }
    }
    Ok(())
}

#[test]
fn the_doctor_says_why_in_words() -> Result<()> {
    let (_folder, mut office, device) = scene()?;
    let well = doctor(&device, &[])?;
    office.stop()?;
    note(&device, 0)?;
    device.sync()?;
    let down = doctor(&device, &[])?;
    ensure!(!well.is_empty() && down != well && down.contains("server"), "well: {well}\ndown: {down}");
    let english = doctor(&device, &["--language", "en"])?;
    ensure!(english != down && english.contains("server"), "{english}");
    ensure!(matches!(device.call(Delivery {})?.findings.first(), Some(Finding::ServerUnreachable { .. } | Finding::NoNetwork)));
    office.start()?;
    device.sync()?;
    assert_eq!(doctor(&device, &[])?.lines().next(), well.lines().next());
    Ok(())
}

fn doctor(device: &Device, arguments: &[&str]) -> Result<String> {
    let output = device.command(&[&["doctor"], arguments].concat())?.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// The one database of a device.
fn database(device: &Device) -> Result<PathBuf> {
    find(device.data(), |name| name == "lentera.sqlite")?.into_iter().next().context("no database")
}

/// Files below a folder whose name is wanted.
fn find(folder: &Path, wanted: impl Fn(&str) -> bool + Copy) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(find(&path, wanted)?);
        } else if path.file_name().is_some_and(|name| wanted(&name.to_string_lossy())) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Writes nonsense over a table's first page, as a failing flash does.
fn damage(database: &Path, table: &str) -> Result<()> {
    let connection = rusqlite::Connection::open(database)?;
    connection.pragma_update(None, "journal_mode", "DELETE")?;
    let page: i64 = connection.query_row("SELECT rootpage FROM sqlite_master WHERE name = ?1", [table], |row| row.get(0))?;
    let size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    drop(connection);
    let mut file = File::options().write(true).open(database)?;
    file.seek(SeekFrom::Start(u64::try_from((page - 1) * size)?))?;
    for _ in 0..usize::try_from(size)? / NONSENSE.len() {
        file.write_all(&NONSENSE)?;
    }
    Ok(())
}

/// Uses the device until it says that it was rescued; damage may show only when its page is read.
fn rescued(device: &Device) -> Result<Option<lentera_api::view::Rescue>> {
    for _ in 0..3 {
        device.call_text("list_log_entries", r#"{"limit":10}"#)?.unwrap_or_default();
        if let Ok(home) = device.try_call(Home {})?
            && home.rescue.is_some()
        {
            return Ok(home.rescue);
        }
    }
    Ok(None)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(unix)]
fn is_private(file: &Path) -> Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(file)?.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> Result<bool> {
    Ok(true)
}
