//! Saving, and opening again.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use lentera_api::{AddLogEntry, Home, ListLogEntries, LogDay, Status};
use lentera_tests::Office;
use lentera_tests::work::entry;
use serde_json::json;

use crate::{NIP, call, enrolled, open, percentile};

/// Ten thousand saves, and a start with all of them waiting.
pub async fn measure() -> Result<()> {
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
        let mut form = entry(today.minus(u32::try_from(n / 7)?), 1, n);
        form.activity = format!("{}, nomor {n}", form.activity);
        let start = Instant::now();
        call(&engine, AddLogEntry { form }).await?;
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
