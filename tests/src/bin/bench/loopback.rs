//! Sending within this machine, without encryption: the measure for ratios.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use lentera_api::{AddLogEntry, Status};
use lentera_tests::Office;
use lentera_tests::work::entry;
use serde_json::json;

use crate::{NIP, call, enrolled};

/// Bytes of HTTP and milliseconds of one entry and of thirty.
pub async fn measure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut office = Office::make(&folder.path().join("office"), "Dinas Ukur")?;
    office.start()?;
    let wire = Wire::to(office.address())?;
    let invite = office.run(&["invite", NIP, "--address", &format!("http://{}", wire.address)])?;
    let engine = enrolled(&folder.path().join("device"), &invite).await?;
    let today = call(&engine, Status {}).await?.today;
    for entries in [1, 30] {
        for n in 0..entries {
            call(&engine, AddLogEntry { form: entry(today, entries as u64, n) }).await?;
        }
        let (up, down) = wire.counted();
        let start = Instant::now();
        let exchange = engine.sync().await.map_err(|error| anyhow!("{error:?}"))?;
        let millis = start.elapsed().as_secs_f64() * 1000.0;
        let (up, down) = (wire.counted().0 - up, wire.counted().1 - down);
        ensure!(exchange.failed.is_none() && call(&engine, Status {}).await?.light.waiting == 0, "not all arrived");
        println!(
            "{}",
            json!({"bench": "sync-loopback", "entries": entries, "round_trips": exchange.round_trips, "bundles": exchange.receipts,
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
