//! The last evening of the month: five thousand devices send thirty entries each, as good as all at once. Their requests are prepared beforehand,
//! the server has one processor to itself, the senders have another.

mod prepare;
mod send;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lentera_tests::Office;
use lentera_tests::office::Site;
use lentera_tests::process::{Place, say_skipped};
use serde_json::{Value, json};

/// Devices.
const DEVICES: usize = 5_000;
/// Entries of each.
const ENTRIES: usize = 30;
/// They begin within this time.
const ARRIVALS: Duration = Duration::from_secs(10);
/// File that tells the generator where the server is.
const PLAN: &str = "plan.json";
/// Kernel ticks of a second in /proc/PID/stat, the same on every Linux of today.
const TICKS: f64 = 100.0;

/// Makes the office, starts the server, lets the storm loose and counts what is there afterwards.
pub fn measure() -> Result<()> {
    if std::thread::available_parallelism()?.get() < 2 || Command::new("taskset").arg("--version").output().is_err() {
        say_skipped("bench sync-storm", "it needs two processors and taskset");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let mut office = Office::at(&folder.path().join("office"), Site { place: Place::on_processor(0), ..Site::local()? });
    let start = Instant::now();
    prepare::make_office(&office, folder.path())?;
    let heads = prepare::heads(&office)?;
    office.start()?;
    let plan = json!({ "address": office.address(), "heads": heads, "key": prepare::public_key(&office)? });
    fs::write(folder.path().join(PLAN), plan.to_string())?;
    eprintln!("storm: {DEVICES} devices enrolled in {:.0} s", start.elapsed().as_secs_f64());

    // More open files than a shell allows by itself: one for each device.
    let script = "ulimit -n 16384; exec taskset --cpu-list 1 \"$0\" storm-generator \"$1\"";
    let generator = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe()?)
        .arg(folder.path())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(generator.status.success(), "the generator failed: {}", generator.status);
    let mut seen: Value = serde_json::from_slice(&generator.stdout)?;
    let server = office.process().context("the server is gone")?;
    let (peak, busy) = (peak_kib(server)?, busy_seconds(server)?);
    // As by a power cut: what is counted now is on the disk.
    office.kill()?;
    let kept = office.ids("log_entry")?.len();
    let receipted = seen.get("receipted_entries").and_then(Value::as_u64).context("the generator counted nothing")?;
    ensure!(kept as u64 >= receipted, "{receipted} entries have a receipt, {kept} are there");
    let figures = seen.as_object_mut().context("no figures")?;
    figures.insert("bench".into(), json!("sync-storm"));
    figures.insert("devices".into(), json!(DEVICES));
    figures.insert("entries_on_disk".into(), json!(kept));
    figures.insert("lost".into(), json!(DEVICES * ENTRIES - kept));
    figures.insert("server_peak_mb".into(), json!(peak as f64 / 1024.0));
    figures.insert("server_cpu_s".into(), json!(busy));
    println!("{seen}");
    Ok(())
}

/// The other process: prepares all requests, then sends them.
pub fn generate(folder: &Path) -> Result<()> {
    let plan: Value = serde_json::from_slice(&fs::read(folder.join(PLAN))?)?;
    let start = Instant::now();
    let requests = prepare::requests(&plan)?;
    eprintln!("storm: {} requests prepared in {:.0} s", requests.len(), start.elapsed().as_secs_f64());
    let before = busy_seconds(std::process::id())?;
    let mut figures = send::all(&plan, requests)?;
    let seconds = figures.get("seconds").and_then(Value::as_f64).unwrap_or(f64::INFINITY);
    let busy = busy_seconds(std::process::id())? - before;
    if let Some(figures) = figures.as_object_mut() {
        figures.insert("generator_cpu_s".into(), json!(busy));
        figures.insert("generator_cpu_percent".into(), json!(100.0 * busy / seconds));
    }
    println!("{figures}");
    Ok(())
}

/// Most memory that a process ever had, in KiB.
fn peak_kib(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim_end_matches("kB").trim().parse()?)
}

/// Processor time of a process so far, in seconds.
fn busy_seconds(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // Behind the name, which may hold anything: field 3 and on; 14 and 15 are the times.
    let (_, fields) = stat.rsplit_once(") ").context("stat")?;
    let ticks: f64 = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap_or(0.0)).sum();
    Ok(ticks / TICKS)
}
