//! Bad input through the real programs: what is refused is refused with a sentence, what is a fact is kept.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lentera_api::{AddLogEntry, ChangePassword, Enrol, Error, ListLogEntries, LogEntryDetail, Status};
use lentera_domain::error::Part;
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::rules::Effect;
use lentera_domain::{Day, FieldError, Reason};
use lentera_tests::story::{FIRST_PASSWORD, NIP, OFFICE, PASSWORD};
use lentera_tests::{Device, Office, process, wait};
use tempfile::TempDir;

/// An office with its server running, and a device that nobody is enrolled on.
fn office_and_device() -> Result<(TempDir, Office, Device)> {
    let folder = tempfile::tempdir()?;
    let mut office = Office::make(&folder.path().join("server"), OFFICE)?;
    office.start()?;
    let device = Device::at(&folder.path().join("device"));
    Ok((folder, office, device))
}

/// As [`office_and_device`], enrolled.
fn enrolled() -> Result<(TempDir, Office, Device)> {
    let (folder, office, device) = office_and_device()?;
    device.enrol(&office.invite(NIP)?, NIP, FIRST_PASSWORD, PASSWORD)?;
    device.sync()?;
    Ok((folder, office, device))
}

fn enrol(device: &Device, invite: &str, nip: &str, password: &str) -> Result<Option<Error>> {
    let (invite, nip, password) = (invite.to_owned(), nip.to_owned(), password.to_owned());
    Ok(device.try_call(Enrol { invite, nip, password, new_password: PASSWORD.to_owned() })?.err())
}

fn form(day: &str, start: &str, end: &str, activity: &str) -> LogEntryForm {
    LogEntryForm {
        day: day.to_owned(),
        start: start.to_owned(),
        end: end.to_owned(),
        category: "Rapat".to_owned(),
        activity: activity.to_owned(),
        ..LogEntryForm::default()
    }
}

#[test]
fn a_wrong_nip_is_refused_by_its_part() -> Result<()> {
    let (_folder, office, device) = office_and_device()?;
    let invite = office.invite(NIP)?;
    for (nip, reason) in [
        ("197213151998032000", Reason::Part { part: Part::Birth, value: "19721315".into() }),
        ("197203151960032000", Reason::Part { part: Part::Appointment, value: "196003".into() }),
        ("197203151998033000", Reason::Part { part: Part::Sex, value: "3".into() }),
        ("1972031519980320", Reason::DigitCount { found: 16, expected: "18".into() }),
        ("19720315199803200O", Reason::NotADigit { found: 'O', position: 18 }),
    ] {
        let refused = enrol(&device, &invite, nip, FIRST_PASSWORD)?;
        assert_eq!(refused, Some(Error::Field(FieldError::new("nip", reason))), "{nip}");
    }
    // A number that could be, but is nobody's: no other answer than to a wrong password.
    let nobody = enrol(&device, &invite, "197203151998031000", FIRST_PASSWORD)?;
    ensure!(matches!(nobody, Some(Error::WrongLogin { .. })), "{nobody:?}");
    assert_eq!(device.call(Status {})?.person, None);
    Ok(())
}

#[test]
fn wrong_passwords_are_counted_and_slowed() -> Result<()> {
    let (_folder, office, device) = office_and_device()?;
    let invite = office.invite(NIP)?;
    let mut left = Vec::new();
    for _ in 0..10 {
        match enrol(&device, &invite, NIP, "bukan sandinya")? {
            Some(Error::WrongLogin { tries_left }) => left.push(tries_left),
            Some(Error::TooManyTries { .. }) => break,
            other => anyhow::bail!("{other:?}"),
        }
    }
    ensure!(!left.is_empty() && left.len() < 10, "never slowed: {left:?}");
    ensure!(left.windows(2).all(|pair| matches!(pair, [more, fewer] if *fewer + 1 == *more)), "not counted: {left:?}");
    // The right one has to wait as well: else the pause would tell which it is.
    let right = enrol(&device, &invite, NIP, FIRST_PASSWORD)?;
    ensure!(matches!(right, Some(Error::TooManyTries { .. })), "{right:?}");
    // Others are not kept waiting.
    let other = "199104172019032000";
    assert_eq!(enrol(&device, &office.invite(other)?, other, "19910417")?, None);
    Ok(())
}

#[test]
fn impossible_times_and_texts_are_refused_by_field() -> Result<()> {
    let (_folder, _office, device) = enrolled()?;
    let today = device.call(Status {})?.today;
    let (day, tomorrow) = (today.to_string(), today.plus(1));
    let time = |value: &str| lentera_domain::TimeOfDay::parse(value);
    for (form, field, reason) in [
        (form(&day, "10.00", "9.00", "x"), "end", Reason::EndNotAfterStart { start: time("10.00")?, end: time("9.00")? }),
        (form(&day, "9.00", "9.00", "x"), "end", Reason::EndNotAfterStart { start: time("9.00")?, end: time("9.00")? }),
        (form(&day, "25:00", "26:00", "x"), "start", Reason::NoSuchTime { value: "25:00".into() }),
        (form(&tomorrow.to_string(), "8.00", "9.00", "x"), "day", Reason::FutureDay { day: tomorrow }),
        (form("2026-02-30", "8.00", "9.00", "x"), "day", Reason::NoSuchDay { value: "2026-02-30".into() }),
        (form(&day, "8.00", "9.00", " "), "activity", Reason::Missing),
        (form(&day, "8.00", "9.00", &"x".repeat(1001)), "activity", Reason::TooLong { length: 1001, max: 1000 }),
        (form(&day, "8.00", "9.00", "bel\u{7}"), "activity", Reason::ControlCharacter { position: 4 }),
        (form(&day, "8.00", "9.00", "nol\u{0}"), "activity", Reason::ControlCharacter { position: 4 }),
    ] {
        let refused = device.try_call(AddLogEntry { form })?.err();
        assert_eq!(refused, Some(Error::Field(FieldError::new(field, reason))));
    }
    assert_eq!(device.call(ListLogEntries { search: String::new(), offset: 0, limit: 10 })?.total, 0);
    Ok(())
}

#[test]
fn calls_with_wrong_arguments_are_refused() -> Result<()> {
    let (_folder, _office, device) = enrolled()?;
    for (name, arguments, code) in [
        ("add_log_entry", "{}", "bad_arguments"),
        ("add_log_entry", r#"{"form":{"day":3}}"#, "bad_arguments"),
        ("add_log_entry", r#"{"form":{"hari":"2026-11-23"}}"#, "bad_arguments"),
        ("status", r#"{"extra":1}"#, "bad_arguments"),
        ("status", "[]", "bad_arguments"),
        ("status", "{", "bad_arguments"),
        ("status", "", "bad_arguments"),
        ("list_umkm", r#"{"limit":-1}"#, "bad_arguments"),
        ("log_entry", r#"{"id":"x"}"#, "bad_arguments"),
        ("log_entry", r#"{"id":"0197f1d0-0000-7000-8000-000000000000"}"#, "not_found"),
        ("hapus_semua", "{}", "unknown_command"),
    ] {
        let refused = device.call_text(name, arguments)?.err().with_context(|| format!("{name} {arguments} was taken"))?;
        assert_eq!(refused.get("code").and_then(|code| code.as_str()), Some(code), "{name} {arguments}");
    }
    Ok(())
}

#[test]
fn servers_that_are_wrong_down_or_not_ours_get_nothing() -> Result<()> {
    let (folder, office, device) = office_and_device()?;
    let invite = office.invite(NIP)?;
    let at = |address: &str| invite.replace(&office.url(), address);

    let stranger = TcpListener::bind("127.0.0.1:0")?;
    let wrong = format!("http://{}", stranger.local_addr()?);
    thread::spawn(move || {
        for stream in stranger.incoming().flatten() {
            answer_as_a_website(stream);
        }
    });
    assert_eq!(enrol(&device, &at(&wrong), NIP, FIRST_PASSWORD)?, Some(Error::WrongAddress));

    let down = Office::empty(&folder.path().join("nobody"))?;
    assert_eq!(enrol(&device, &at(&down.url()), NIP, FIRST_PASSWORD)?, Some(Error::ServerUnreachable));

    let mut other = Office::make(&folder.path().join("other"), "Dinas Lain")?;
    other.start()?;
    assert_eq!(enrol(&device, &at(&other.url()), NIP, FIRST_PASSWORD)?, Some(Error::NotOurServer));

    for invite in ["", "halo", "{}", &invite.replace("lentera-invite-1", "lentera-invite-9"), &at("ftp://example.org")] {
        let refused = enrol(&device, invite, NIP, FIRST_PASSWORD)?;
        ensure!(matches!(refused, Some(Error::BadInvite { .. })), "{invite}: {refused:?}");
    }
    assert_eq!(enrol(&device, &invite, NIP, FIRST_PASSWORD)?, None);
    Ok(())
}

fn answer_as_a_website(mut stream: TcpStream) {
    let page = "<h1>Selamat datang</h1>";
    let answer = format!("HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}", page.len());
    // Whoever asked may have gone. What was asked is read first: an early close would look like a broken connection.
    let _ = stream.read(&mut [0; 4096]);
    let _ = stream.write_all(answer.as_bytes());
}

#[test]
fn a_csv_is_imported_whole_or_not_at_all() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let office = Office::empty(&folder.path().join("server"))?;
    office.run(&["init", "--office", OFFICE])?;
    let header = "nip,nama,jabatan,unit,atasan_nip";
    let good = "199104172019032000,Diyang Contoh,Pengelola Data,Bidang Perindustrian,";
    for (name, lines, complaint) in [
        ("encoding", [good.as_bytes(), b"198602142010011000,Utuh \xe9 Contoh,Analis,Bidang,"], &["Baris 3", "UTF-8"][..]),
        ("duplicate", [good.as_bytes(), good.as_bytes()], &["Baris 3, nip"][..]),
        ("nip", [good.as_bytes(), b"198613142010011000,Utuh Contoh,Analis,Bidang,"], &["Baris 3, nip"][..]),
        ("columns", [good.as_bytes(), b"198602142010011000,Utuh Contoh"], &["Baris 3"][..]),
        (
            "superior",
            [good.as_bytes(), b"198602142010011000,Utuh Contoh,Analis,Bidang,198602142010011999"],
            &["Baris 3, atasan_nip"][..],
        ),
    ] {
        let file = folder.path().join(format!("{name}.csv"));
        fs::write(&file, [header.as_bytes(), lines[0], lines[1], b""].join(&b'\n'))?;
        let output = office.try_run(&["import", "staff", &file.to_string_lossy()])?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(1), "{name}: {}", output.status);
        ensure!(complaint.iter().all(|word| said.contains(word)), "{name}: {said}");
        ensure!(office.invite("199104172019032000").is_err(), "{name}: the good line was imported");
    }
    // As Excel writes it.
    let excel = folder.path().join("excel.csv");
    fs::write(&excel, format!("\u{feff}{header}\r\n{good}\r\n"))?;
    office.run(&["import", "staff", &excel.to_string_lossy()])?;
    office.invite("199104172019032000")?;
    Ok(())
}

#[test]
fn a_second_process_on_one_data_folder_is_refused() -> Result<()> {
    let (_folder, office, device) = office_and_device()?;
    // A server that takes the call and never answers keeps the first process busy.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let invite = office.invite(NIP)?.replace(&office.url(), &format!("http://{}", silent.local_addr()?));
    let call = serde_json::json!({ "invite": invite, "nip": NIP, "password": FIRST_PASSWORD, "new_password": PASSWORD });
    let mut first = device.command(&["call", "enrol", &call.to_string()])?.stderr(std::process::Stdio::null()).spawn()?;
    // Its connection shows that it has the folder by now; trying the folder before that could take it away from it.
    silent.set_nonblocking(true)?;
    let connected = wait::blocking("the first process is under way", Duration::from_secs(60), || Ok(silent.accept().ok()));
    let refused = device.try_call(Status {});
    process::kill(&mut first);
    let _still_open = connected?;
    assert_eq!(refused?.err(), Some(Error::AlreadyOpen));
    device.call(Status {})?;
    Ok(())
}

#[test]
fn facts_that_break_a_rule_are_kept_and_say_how_they_count() -> Result<()> {
    let (_folder, _office, device) = enrolled()?;
    let today = device.call(Status {})?.today;
    let add = |day: Day, start: &str, end: &str| device.call(AddLogEntry { form: form(&day.to_string(), start, end, "Rapat") });

    let first = add(today, "8.00", "10.00")?;
    let second = add(today, "9.30", "11.00")?;
    assert_eq!(second.effects, [Effect::Overlaps { with: first.id, minutes: 30 }]);
    assert_eq!(device.call(LogEntryDetail { id: first.id })?.effects, [Effect::Overlaps { with: second.id, minutes: 30 }]);

    let late = add(today.minus(3), "8.00", "9.00")?;
    ensure!(late.effects.contains(&Effect::Late { days: 3, allowed: 2 }), "{:?}", late.effects);
    let in_time = add(today.minus(2), "8.00", "9.00")?;
    ensure!(!in_time.effects.iter().any(|effect| matches!(effect, Effect::Late { .. })), "{:?}", in_time.effects);
    let last_month = add(today.month().first_day().minus(1), "13.00", "14.00")?;
    ensure!(last_month.effects.contains(&Effect::EarlierMonth), "{:?}", last_month.effects);

    assert_eq!(device.call(ListLogEntries { search: String::new(), offset: 0, limit: 10 })?.total, 5);
    Ok(())
}

#[test]
fn every_script_is_kept_exactly_on_both_sides() -> Result<()> {
    let (folder, office, device) = enrolled()?;
    let today = device.call(Status {})?.today.to_string();
    let texts =
        ["👩🏽‍🌾 panen 🏮", "שלום \u{202e}عربي", "a\u{200b}b\u{feff}c", "  dua spasi  ", "e\u{301} bukan é", "baris\nbaru\t."];
    let ids: Vec<_> = texts
        .iter()
        .map(|text| Ok(device.call(AddLogEntry { form: form(&today, "8.00", "9.00", text) })?.id))
        .collect::<Result<_>>()?;
    device.sync()?;
    let second = Device::at(&folder.path().join("second"));
    second.enrol(&office.invite(NIP)?, NIP, PASSWORD, "")?;
    second.sync()?;
    for (id, text) in ids.into_iter().zip(texts) {
        for device in [&device, &second] {
            assert_eq!(device.call(LogEntryDetail { id })?.form.activity, text);
        }
    }
    Ok(())
}

#[test]
fn a_data_folder_that_cannot_be_used_is_said() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("file");
    fs::write(&file, "not a folder")?;
    for data in [file.as_path(), Path::new("/proc/lentera")] {
        let refused = Device::at(data).try_call(Status {})?.err();
        ensure!(matches!(refused, Some(Error::Storage { .. })), "{}: {refused:?}", data.display());
    }
    Ok(())
}

#[test]
fn a_forgotten_password_is_replaced_by_a_code_and_unsent_work_stays() -> Result<()> {
    let (_folder, office, device) = enrolled()?;
    let today = device.call(Status {})?.today.to_string();
    device.call(AddLogEntry { form: form(&today, "8.00", "9.00", "Rapat") })?;
    let code = office.run(&["reset-password", NIP])?.trim().to_owned();
    let new_password = "sandi-yang-baru".to_owned();
    device.call(ChangePassword { password: code.clone(), new_password: new_password.clone() })?;
    assert_eq!(device.call(Status {})?.light.waiting, 1, "unsent work is untouched");
    let again = device.try_call(ChangePassword { password: code, new_password: "sandi-lain-lagi".to_owned() })?;
    assert!(matches!(again, Err(Error::WrongLogin { .. })), "a code is good once: {again:?}");
    device.call(ChangePassword { password: new_password, new_password: "sandi-ketiga-kali".to_owned() })?;
    device.sync()?;
    assert_eq!(device.call(Status {})?.light.waiting, 0);
    Ok(())
}
