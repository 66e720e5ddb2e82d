//! The main story without a window: a day's work and a visit noted with no signal reach the server.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lentera_api::view::{Delivered, LogEntryView};
use lentera_api::{
    AddLogEntry, Delivery, EditLogEntry, Enrol, Error, ListLogEntries, LogEntryDetail, ReadDraft, RecordVisit, RegisterUmkm,
    Status, SyncNow,
};
use lentera_domain::Timestamp;
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::visit::VisitForm;
use lentera_tests::story::{Count, FIRST_PASSWORD, NIP, OFFICE, PASSWORD, VILLAGE};
use lentera_tests::{Device, Office, process};
use serde_json::{Value, json};

/// How soon what waits must have arrived once the server is there.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(10);

#[test]
fn a_day_without_signal_reaches_the_server() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut office = Office::make(&folder.path().join("server"), OFFICE)?;
    office.start()?;
    let invite = office.invite(NIP)?;

    let phone = Device::at(&folder.path().join("phone"));
    change_the_first_password(&phone, &invite)?;

    office.stop()?;
    let noted = note_a_day(&phone)?;
    lose_power_while_typing(&phone)?;
    lose_power_while_saving(&phone)?;
    waiting_is_counted_and_named(&phone)?;
    let before = Count::take(&phone, &office)?;
    ensure!(before.saved >= 5 && before.arrived == 0, "{before}");

    office.start()?;
    let start = Instant::now();
    phone.sync()?;
    ensure!(start.elapsed() < ARRIVAL_LIMIT, "took {:?}", start.elapsed());
    assert_eq!(phone.call(Status {})?.light.waiting, 0);
    let after = Count::take(&phone, &office)?;
    ensure!(after.is_complete() && after.saved == before.saved, "{after}, before {before}");

    let laptop = Device::at(&folder.path().join("laptop"));
    laptop.enrol(&invite, NIP, PASSWORD, "")?;
    laptop.sync()?;
    assert_eq!(entries(&laptop)?, entries(&phone)?);
    assert_eq!(Count::take(&laptop, &office)?, after);

    edits_of_both_devices_meet(&mut office, &phone, &laptop, &noted)?;
    ensure!(Count::take(&phone, &office)? == after && Count::take(&laptop, &office)? == after);
    Ok(())
}

#[test]
fn a_server_that_dies_loses_nothing_it_gave_a_receipt_for() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut office = Office::make(&folder.path().join("server"), OFFICE)?;
    office.start()?;
    let phone = Device::at(&folder.path().join("phone"));
    phone.enrol(&office.invite(NIP)?, NIP, FIRST_PASSWORD, PASSWORD)?;
    for turn in 0..3 {
        note(&phone, "07.30", "09.00", &format!("Kegiatan {turn}"))?;
        phone.sync()?;
        let count = Count::take(&phone, &office)?;
        ensure!(count.is_complete() && count.saved == turn + 1, "turn {turn}: {count}");
        office.kill()?;
        office.start()?;
        ensure!(Count::take(&phone, &office)? == count);
    }
    Ok(())
}

fn change_the_first_password(phone: &Device, invite: &str) -> Result<()> {
    let enrol = Enrol {
        invite: invite.to_owned(),
        nip: NIP.to_owned(),
        password: FIRST_PASSWORD.to_owned(),
        new_password: String::new(),
    };
    assert_eq!(phone.try_call(enrol)?.err(), Some(Error::PasswordChangeNeeded));
    assert_eq!(phone.call(Status {})?.person, None);
    phone.enrol(invite, NIP, FIRST_PASSWORD, PASSWORD)?;
    let person = phone.call(Status {})?.person.context("nobody is enrolled")?;
    assert_eq!((person.nip.as_str(), person.office.as_str()), (NIP, OFFICE));
    Ok(())
}

/// Two activities, and a visit to an enterprise nobody knew.
fn note_a_day(phone: &Device) -> Result<Vec<LogEntryView>> {
    let first = note(phone, "07.30", "09.00", "Rekap harga pasar")?;
    let second = note(phone, "13.00", "14.45", "Laporan mingguan")?;
    let umkm = phone.call(RegisterUmkm {
        form: UmkmForm {
            name: "Dapur Melati".into(),
            owner_name: "Aluh Contoh".into(),
            village: VILLAGE.into(),
            product: "Kue kering".into(),
            ..UmkmForm::default()
        },
    })?;
    let visit = phone.call(RecordVisit {
        form: VisitForm {
            umkm: umkm.id.to_string(),
            day: today(phone)?,
            start: "9.15".into(),
            end: "11.15".into(),
            purposes: "pembinaan".into(),
            problem: "Label belum ada".into(),
            ..VisitForm::default()
        },
    })?;
    let by_itself = phone.call(LogEntryDetail { id: visit.log_entry })?;
    assert_eq!(by_itself.entry.visit, Some(visit.id));
    for entry in [&first, &second, &by_itself] {
        assert_eq!(entry.delivered, Delivered::Waiting);
    }
    Ok(vec![first, second])
}

/// Kills the program at many instants while a draft grows: what it had acknowledged is there, and never a half.
fn lose_power_while_typing(phone: &Device) -> Result<()> {
    let text = "Menyusun laporan bulanan";
    let mut acknowledged = 0;
    for (step, letters) in (1..=text.len()).enumerate() {
        let draft = json!({ "name": "log_entry/new", "content": { "activity": &text[..letters] } }).to_string();
        if cut(phone, "save_draft", &draft, step)? {
            acknowledged = letters;
        }
    }
    if acknowledged == 0 {
        let draft = json!({ "name": "log_entry/new", "content": { "activity": text } }).to_string();
        phone.call_text("save_draft", &draft)?.map_err(|error| anyhow::anyhow!("{error}"))?;
        acknowledged = text.len();
    }
    let draft = phone.call(ReadDraft { name: "log_entry/new".into() })?.context("the draft is gone")?;
    let kept = draft.content.get("activity").and_then(Value::as_str).context("the draft has no text")?;
    ensure!(text.starts_with(kept) && kept.len() >= acknowledged, "kept {kept:?}, acknowledged {acknowledged} letters");
    Ok(())
}

/// Kills the program at many instants while it saves: each entry is there whole or not at all, and there if it was acknowledged.
fn lose_power_while_saving(phone: &Device) -> Result<()> {
    let day = today(phone)?;
    for step in 0..12 {
        let activity = format!("Kegiatan terputus {step}");
        let form = LogEntryForm { output: "utuh".into(), ..form(&day, "15.00", "16.00", &activity) };
        let acknowledged = cut(phone, "add_log_entry", &json!({ "form": form }).to_string(), step)?;
        let found = phone.call(ListLogEntries { search: activity.clone(), offset: 0, limit: 500 })?.rows;
        let found: Vec<_> = found.iter().filter(|view| view.form.activity == activity).collect();
        ensure!(found.len() <= 1 && (!acknowledged || found.len() == 1), "{activity}: {} of it", found.len());
        ensure!(found.iter().all(|view| view.form.output == "utuh"), "{activity}: half of it");
    }
    Ok(())
}

/// Starts a call and kills it after a time that grows with `step`. True if it had answered before.
fn cut(phone: &Device, name: &str, arguments: &str, step: usize) -> Result<bool> {
    let mut call = phone.command(&["call", name, arguments])?.stdout(std::process::Stdio::piped()).spawn()?;
    sleep(Duration::from_millis(2 * u64::try_from(step)?));
    process::kill(&mut call);
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut call.stdout.take().context("no output")?, &mut answer)?;
    Ok(serde_json::from_str::<Value>(&answer).is_ok())
}

fn waiting_is_counted_and_named(phone: &Device) -> Result<()> {
    let delivery = phone.call(SyncNow {})?;
    ensure!(delivery.cause.is_some(), "nothing says why nothing was sent");
    assert_eq!(delivery.waiting, phone.call(Delivery {})?.waiting);
    assert_eq!(delivery.waiting.len(), usize::try_from(delivery.light.waiting)?);
    for title in ["Rekap harga pasar", "Laporan mingguan", "Dapur Melati"] {
        ensure!(delivery.waiting.iter().any(|record| record.title.contains(title)), "{title} is not named: {delivery:?}");
    }
    Ok(())
}

/// Another field of one record on each device, and the same field of another: nothing typed is lost where it need not be, and both show the same.
fn edits_of_both_devices_meet(office: &mut Office, phone: &Device, laptop: &Device, noted: &[LogEntryView]) -> Result<()> {
    let [first, second] = noted else { anyhow::bail!("two entries were noted") };
    office.stop()?;
    edit(phone, first, |form| form.activity = "Rekap harga pasar Paringin".into())?;
    edit(laptop, first, |form| form.output = "1 tabel harga".into())?;
    edit(phone, second, |form| form.activity = "Laporan dari ponsel".into())?;
    edit(laptop, second, |form| form.activity = "Laporan dari laptop".into())?;
    office.start()?;
    for device in [phone, laptop, phone] {
        device.sync()?;
    }
    assert_eq!(entries(phone)?, entries(laptop)?);
    let first = phone.call(LogEntryDetail { id: first.id })?.form;
    assert_eq!((first.activity.as_str(), first.output.as_str()), ("Rekap harga pasar Paringin", "1 tabel harga"));
    let second = phone.call(LogEntryDetail { id: second.id })?.form;
    ensure!(second.activity.starts_with("Laporan dari "), "{}", second.activity);
    Ok(())
}

fn edit(device: &Device, view: &LogEntryView, change: impl Fn(&mut LogEntryForm)) -> Result<()> {
    let mut form = view.form.clone();
    change(&mut form);
    let edited = device.call(EditLogEntry { id: view.id, opened: view.form.clone(), form })?;
    assert_eq!(edited.delivered, Delivered::Waiting);
    Ok(())
}

/// All entries as they are shown.
fn entries(device: &Device) -> Result<Vec<LogEntryView>> {
    Ok(device.call(ListLogEntries { search: String::new(), offset: 0, limit: 500 })?.rows)
}

fn note(device: &Device, start: &str, end: &str, activity: &str) -> Result<LogEntryView> {
    let form = form(&today(device)?, start, end, activity);
    device.call(AddLogEntry { form })
}

fn form(day: &str, start: &str, end: &str, activity: &str) -> LogEntryForm {
    LogEntryForm {
        day: day.to_owned(),
        start: start.to_owned(),
        end: end.to_owned(),
        category: "Administrasi".to_owned(),
        activity: activity.to_owned(),
        ..LogEntryForm::default()
    }
}

fn today(device: &Device) -> Result<String> {
    Ok(device.call(Status {})?.today.to_string())
}

/// The example is real where it must be and invented where people are meant.
#[test]
fn the_example_can_be_imported_as_it_is() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let office = Office::make(&folder.path().join("server"), OFFICE)?;
    for table in ["document", "log_entry", "umkm", "visit"] {
        ensure!(office.ids(table)?.is_empty(), "a new office has records");
    }
    let staff = std::fs::read_to_string(process::example().join("staff.csv"))?;
    for line in staff.lines().skip(1) {
        let nip = line.split(',').next().context("an empty line")?;
        ensure!(nip.ends_with("000"), "{nip} could be a real person's: no office gives the number 000");
    }
    let regions = std::fs::read_to_string(process::example().join("wilayah.csv"))?;
    let enterprises = std::fs::read_to_string(process::example().join("umkm.json"))?;
    for form in serde_json::from_str::<Vec<UmkmForm>>(&enterprises)? {
        form.parse(Timestamp::from_millis(1_795_399_200_000))?;
        ensure!(regions.contains(&format!("\n{},", form.village)), "{} lies nowhere", form.name);
    }
    Ok(())
}
