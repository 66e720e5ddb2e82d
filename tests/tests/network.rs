//! The real device and the real server in two network namespaces, with a link between them as it is in the field: slow, lossy, breaking.
#![cfg(target_os = "linux")]

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lentera_api::{Enrol, Status};
use lentera_protocol::limits::BUNDLE_TARGET;
use lentera_tests::link::{Blackout, Cut, Terms};
use lentera_tests::office::Site;
use lentera_tests::process::say_skipped;
use lentera_tests::remote::Remote;
use lentera_tests::story::{Count, FIRST_PASSWORD, NIP, OFFICE, PASSWORD, note};
use lentera_tests::{Device, Link, Office, process, wait};
use tempfile::TempDir;

/// A link that is fast enough for a test and slow enough to be broken in the middle of something.
const SLOW: Terms = Terms { rate_kbit: 100, delay: Duration::from_millis(40), ..Terms::PLAIN };
/// How often a device tries before the test gives up.
const TRIES: usize = 60;
/// When a device must have noticed that nobody answers any more, with some time to spare.
const NOTICED: Duration = Duration::from_secs(40);

struct Scene {
    _folder: TempDir,
    link: Link,
    office: Office,
    device: Device,
}

/// A device enrolled over a link that is still good; `None` where there can be no link, which is said.
fn scene(test: &str, secure: bool) -> Result<Option<Scene>> {
    if let Some(why) = Link::missing() {
        say_skipped(test, why);
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    let link = Link::open(7, Terms::PLAIN)?;
    let site = Site::behind(&link);
    let site = if secure { site.secure() } else { site };
    let mut office = Office::make_at(&folder.path().join("server"), OFFICE, site)?;
    office.start()?;
    let device = Device::within(&folder.path().join("device"), link.device());
    device.enrol(&office.invite(NIP)?, NIP, FIRST_PASSWORD, PASSWORD)?;
    device.sync()?;
    Ok(Some(Scene { _folder: folder, link, office, device }))
}

impl Scene {
    fn note(&self, entries: usize) -> Result<()> {
        (0..entries).try_for_each(|n| note(&self.device, n).map(drop))
    }

    fn is_waiting(&self) -> Result<bool> {
        Ok(self.device.call(Status {})?.light.waiting > 0)
    }

    /// Tries until nothing waits; how often that took.
    fn sync_until_arrived(&self) -> Result<usize> {
        for tries in 1..=TRIES {
            self.device.sync()?;
            if !self.is_waiting()? {
                return Ok(tries);
            }
        }
        anyhow::bail!("not through after {TRIES} tries: {:?}", self.link.traffic())
    }

    /// Everything is on the server, once, and the device knows.
    fn check(&self, entries: usize) -> Result<()> {
        let count = Count::take(&self.device, &self.office)?;
        ensure!(count.is_complete() && count.saved == entries, "{count}, noted {entries}");
        Ok(())
    }
}

#[test]
fn a_day_arrives_over_edge_with_every_twentieth_packet_lost() -> Result<()> {
    let Some(scene) = scene("a slow and lossy link", true)? else { return Ok(()) };
    scene.note(5)?;
    scene.link.set(Terms::EDGE.losing(5.0));
    scene.link.forget();
    let start = Instant::now();
    scene.sync_until_arrived()?;
    let took = start.elapsed();
    scene.link.set(Terms::PLAIN);
    scene.check(5)?;
    // The link was what it was said to be: three round trips of 700 ms at least, and TLS was on.
    let flows = scene.link.flows();
    ensure!(took > Duration::from_millis(2_100), "in {took:?}");
    ensure!(flows.iter().all(|flow| flow.tls_bytes > 500), "not encrypted: {flows:?}");
    Ok(())
}

#[test]
fn a_link_that_breaks_after_every_4_kb_carries_thirty_entries() -> Result<()> {
    let Some(scene) = scene("a link that breaks", false)? else { return Ok(()) };
    scene.note(30)?;
    let blackout = Blackout { every_bytes: 4 * 1024, lasts: Duration::from_millis(300), cut: Cut::Told };
    // As an app that stays open: it learns what the link carries.
    let mut device = Remote::open(scene.link.device().command(env!("CARGO_BIN_EXE_open-device").as_ref()), scene.device.data())?;
    scene.link.set(SLOW.breaking(blackout));
    scene.link.forget();
    let mut tries = 0;
    while device.call(Status {})?.light.waiting > 0 {
        tries += 1;
        ensure!(tries <= TRIES, "not through after {TRIES} tries: {:?}", scene.link.traffic());
        device.sync()?;
    }
    drop(device);
    let (traffic, flows) = (scene.link.traffic(), scene.link.flows());
    scene.link.set(Terms::PLAIN);
    scene.check(30)?;
    ensure!(traffic.blackouts > 0, "it never broke: {traffic:?}");
    let bundles = scene.office.ask("SELECT coalesce(sum(length(bytes)), 0) FROM bundle", |row| row.get::<_, i64>(0))?;
    let carried: u64 = flows.iter().map(|flow| flow.request_bytes).sum();
    // Beside bundles a request carries the head of HTTP and the signed header.
    let heads = 500 * flows.len() as u64;
    let twice = carried.saturating_sub(u64::try_from(bundles.first().copied().context("no bundles")?)? + heads);
    let allowed = u64::from(traffic.blackouts) * BUNDLE_TARGET as u64;
    ensure!(twice <= allowed, "{twice} bytes were sent twice, {} cuts allow {allowed}", traffic.blackouts);
    Ok(())
}

#[test]
fn a_server_that_vanishes_in_the_middle_of_its_answer_is_found_again() -> Result<()> {
    let Some(mut scene) = scene("a server that vanishes", false)? else { return Ok(()) };
    scene.note(10)?;
    // Its bundles are on the server before the first byte of the answer can come through.
    scene.link.set(Terms { delay: Duration::from_millis(400), ..SLOW });
    scene.link.forget();
    let mut sync = scene.device.command(&["sync"])?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let office = &scene.office;
    let kept = wait::blocking("the server has the day", Duration::from_secs(10), || {
        Ok((office.ids("log_entry")?.len() == 10).then_some(()))
    });
    scene.link.darken();
    scene.office.kill()?;
    scene.link.lighten();
    scene.link.set(Terms::PLAIN);
    scene.office.start()?;
    let start = Instant::now();
    let noticed = wait::blocking("the device noticed", NOTICED, || Ok(sync.try_wait()?));
    process::kill(&mut sync);
    kept?;
    noticed.with_context(|| format!("after {:?}", start.elapsed()))?;
    scene.sync_until_arrived()?;
    scene.check(10)
}

#[test]
fn a_connection_that_a_router_forgot_does_not_hold_the_device_up_for_long() -> Result<()> {
    let Some(scene) = scene("a router that forgets", true)? else { return Ok(()) };
    scene.note(10)?;
    scene.link.set(SLOW.breaking(Blackout { every_bytes: 3 * 1024, lasts: Duration::from_millis(200), cut: Cut::Silent }));
    scene.link.forget();
    let start = Instant::now();
    let mut sync = scene.device.command(&["sync"])?.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let noticed = wait::blocking("the device noticed", NOTICED, || Ok(sync.try_wait()?));
    process::kill(&mut sync);
    noticed.with_context(|| format!("after {:?}", start.elapsed()))?;
    ensure!(scene.link.traffic().blackouts > 0 && scene.is_waiting()?, "nothing was cut: {:?}", scene.link.traffic());
    scene.link.set(Terms::PLAIN);
    scene.sync_until_arrived()?;
    scene.check(10)
}

#[test]
fn an_enrolment_that_was_cut_can_be_done_again() -> Result<()> {
    let Some(scene) = scene("an enrolment that is cut", true)? else { return Ok(()) };
    let invite = scene.office.invite(NIP)?;
    let enrol =
        || Enrol { invite: invite.clone(), nip: NIP.to_owned(), password: PASSWORD.to_owned(), new_password: String::new() };
    let laptop = Device::within(&scene.device.data().with_file_name("laptop"), scene.link.device());
    // Cut at many places of the exchange, the last ones after the server's commit.
    let mut cuts = 0;
    for every_bytes in [200, 1_200, 2_000, 2_600, 3_000, 3_400] {
        scene.link.set(SLOW.breaking(Blackout { every_bytes, lasts: Duration::from_millis(100), cut: Cut::Told }));
        if laptop.try_call(enrol())?.is_ok() {
            break;
        }
        cuts += 1;
        ensure!(laptop.call(Status {})?.person.is_none(), "half enrolled");
    }
    ensure!(cuts > 0, "it was never cut");
    scene.link.set(Terms::PLAIN);
    if laptop.call(Status {})?.person.is_none() {
        laptop.call(enrol())?;
    }
    note(&laptop, 0)?;
    laptop.sync()?;
    assert_eq!(laptop.call(Status {})?.light.waiting, 0);
    Ok(())
}
