//! `cargo xtask bench`: what people would feel, measured, as JSON lines. Figures and their machine are kept in `docs/benchmarks.md`.
//!
//! `save`: an activity, to the end of its fsync. `open`: ten thousand activities, from a closed app to the first list. `sync`: bytes on the
//! wire and round trips of one and of thirty activities.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use lentera_api::{AddLogEntry, Call, Command, Enrol, Home, ListLogEntries, LogDay, Status};
use lentera_domain::log_entry::LogEntryForm;
use lentera_engine::{Engine, NativePlatform};
use lentera_tests::Office;
use serde_json::json;

const NIP: &str = "197203151998032000";
const PASSWORD: &str = "lentera-terang";

fn main() -> Result<()> {
    let wanted = std::env::args().nth(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run = |name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
    if run("save") || run("open") {
        runtime.block_on(save_and_open())?;
    }
    if run("sync") {
        runtime.block_on(sync())?;
    }
    Ok(())
}

async fn call<C: Call>(engine: &Engine, command: C) -> Result<C::Answer> {
    let command: Command = command.into();
    let answer = engine.dispatch(command).await.map_err(|error| anyhow!("{error:?}"))?;
    Ok(serde_json::from_value(answer)?)
}

fn open(data: &Path) -> Result<Engine> {
    let platform = NativePlatform::new().map_err(|error| anyhow!(error))?;
    Engine::open(data, Rc::new(platform), |_| {}).map_err(|error| anyhow!("{error:?}"))
}

async fn enrolled(data: &Path, invite: &str) -> Result<Engine> {
    let engine = open(data)?;
    let enrol = |password: &str, new_password: &str| Enrol {
        invite: invite.to_owned(),
        nip: NIP.to_owned(),
        password: password.to_owned(),
        new_password: new_password.to_owned(),
    };
    if call(&engine, enrol(PASSWORD, "")).await.is_err() {
        call(&engine, enrol(NIP.get(..8).unwrap_or_default(), PASSWORD)).await?;
    }
    engine.sync().await.map_err(|error| anyhow!("{error:?}"))?;
    Ok(engine)
}

/// An activity as people write them; `n` makes it one of many.
fn activity(today: &str, n: usize) -> AddLogEntry {
    const ACTIVITIES: [&str; 6] = [
        "Menyusun rekap harga bahan pokok di pasar Paringin",
        "Rapat koordinasi bidang tentang pendataan IKM",
        "Mendampingi pelaku usaha mengurus P-IRT",
        "Verifikasi berkas permohonan bantuan alat",
        "Membuat laporan bulanan untuk pimpinan",
        "Membalas surat masuk dari kecamatan",
    ];
    let hour = 7 + n % 9;
    let activity = ACTIVITIES.get(n % ACTIVITIES.len()).copied().unwrap_or_default();
    AddLogEntry {
        form: LogEntryForm {
            day: today.to_owned(),
            start: format!("{hour}.{:02}", n % 60),
            end: format!("{}.{:02}", hour + 1, n % 60),
            category: ["Administrasi", "Rapat", "Lapangan"].get(n % 3).copied().unwrap_or_default().to_owned(),
            activity: format!("{activity}, nomor {n}"),
            volume: (1 + n % 5).to_string(),
            unit: "dokumen".to_owned(),
            ..LogEntryForm::default()
        },
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

async fn save_and_open() -> Result<()> {
    const ENTRIES: usize = 10_000;
    let folder = tempfile::tempdir()?;
    let mut office = Office::make(&folder.path().join("office"), "Dinas Ukur")?;
    office.start()?;
    let data = folder.path().join("device");
    let engine = enrolled(&data, &office.invite(NIP)?).await?;
    let today = call(&engine, Status {}).await?.today;
    let mut times = Vec::with_capacity(ENTRIES);
    for n in 0..ENTRIES {
        // Seven a day, back through the years.
        let day = today.minus(u32::try_from(n / 7)?).to_string();
        let entry = activity(&day, n);
        let start = Instant::now();
        call(&engine, entry).await?;
        times.push(start.elapsed());
    }
    let first: Vec<_> = times.iter().take(1000).copied().collect();
    for (name, mut times) in [("first 1000", first), ("all 10000", times)] {
        times.sort_unstable();
        println!("{}", json!({"bench": "save", "of": name, "p50_ms": percentile(&times, 50), "p99_ms": percentile(&times, 99)}));
    }
    engine.sync().await.map_err(|error| anyhow!("{error:?}"))?;
    drop(engine);
    office.stop()?;

    let before = resident_kib()?;
    let start = Instant::now();
    let engine = open(&data)?;
    let home = call(&engine, Home {}).await?;
    let shown = start.elapsed();
    let day = call(&engine, LogDay { day: String::new() }).await?;
    let page = call(&engine, ListLogEntries { search: String::new(), offset: 0, limit: 100 }).await?;
    let listed = start.elapsed();
    ensure!(page.total as usize == ENTRIES && !home.today.entries.is_empty() && !day.entries.is_empty(), "entries are missing");
    let start = Instant::now();
    let found = call(&engine, ListLogEntries { search: "nomor 9999".to_owned(), offset: 0, limit: 100 }).await?;
    let searched = start.elapsed();
    ensure!(found.total == 1, "search found {}", found.total);
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "{}",
        json!({"bench": "open", "entries": ENTRIES, "waiting": home.light.waiting, "home_ms": ms(shown), "first_list_ms": ms(listed),
            "search_ms": ms(searched), "resident_kib": resident_kib()?, "grown_kib": resident_kib()?.saturating_sub(before)})
    );
    Ok(())
}

/// Memory of this process, from the system.
fn resident_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("this figure needs Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim_end_matches("kB").trim().parse()?)
}

async fn sync() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut office = Office::make(&folder.path().join("office"), "Dinas Ukur")?;
    office.start()?;
    let wire = Wire::to(office.url().trim_start_matches("http://").parse()?)?;
    let invite = office.run(&["invite", NIP, "--address", &format!("http://{}", wire.address)])?;
    let engine = enrolled(&folder.path().join("device"), &invite).await?;
    let today = call(&engine, Status {}).await?.today.to_string();
    for entries in [1, 30] {
        for n in 0..entries {
            call(&engine, activity(&today, n)).await?;
        }
        let (up, down) = wire.counted();
        let start = Instant::now();
        let exchange = engine.sync().await.map_err(|error| anyhow!("{error:?}"))?;
        let millis = start.elapsed().as_secs_f64() * 1000.0;
        let (up, down) = (wire.counted().0 - up, wire.counted().1 - down);
        ensure!(exchange.failed.is_none() && call(&engine, Status {}).await?.light.waiting == 0, "not all arrived");
        println!(
            "{}",
            json!({"bench": "sync", "entries": entries, "round_trips": exchange.round_trips, "bundles": exchange.receipts,
                "http_up": up, "http_down": down, "http_both": up + down, "ms": millis})
        );
    }
    Ok(())
}

/// Stands between client and server and counts the bytes of TCP, HTTP's own lines included.
struct Wire {
    address: SocketAddr,
    up: Arc<AtomicU64>,
    down: Arc<AtomicU64>,
}

impl Wire {
    fn to(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let wire = Self { address: listener.local_addr()?, up: Arc::default(), down: Arc::default() };
        let (up, down) = (Arc::clone(&wire.up), Arc::clone(&wire.down));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(server) else { continue };
                let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else { continue };
                let (up, down) = (Arc::clone(&up), Arc::clone(&down));
                thread::spawn(move || pump(client, server, &up));
                thread::spawn(move || pump(server_too, client_too, &down));
            }
        });
        Ok(wire)
    }

    fn counted(&self) -> (u64, u64) {
        (self.up.load(Ordering::SeqCst), self.down.load(Ordering::SeqCst))
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, counted: &AtomicU64) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        counted.fetch_add(count as u64, Ordering::SeqCst);
        let Some(piece) = buffer.get(..count) else { break };
        if to.write_all(piece).is_err() {
            break;
        }
    }
}
