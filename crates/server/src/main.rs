//! `lentera-server`: the kabupaten server and its operator's commands.

use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};
use lentera_domain::{FieldError, Nip};
use lentera_protocol::DeviceId;
use lentera_server::clock::SystemClock;
use lentera_server::http;
use lentera_server::service::{Service, server_key};
use lentera_server::storage::{Imported, Sqlite};
use tokio::net::TcpListener;

/// Requests in progress when the server is stopped get this long to end.
const FAREWELL: Duration = Duration::from_secs(10);

/// Server kabupaten Lentera.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Folder data server.
    #[arg(long)]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Membuat kantor baru di folder data; mencetak sidik jari kunci server.
    Init {
        /// Nama kantor.
        #[arg(long)]
        office: String,
    },
    /// Mengimpor berkas CSV: semua atau tidak sama sekali.
    #[command(subcommand)]
    Import(Import),
    /// Mencetak undangan untuk aplikasi.
    Invite {
        /// NIP yang diundang; kosong untuk siapa saja.
        nip: Option<String>,
        /// Alamat server seperti yang dilihat perangkat.
        #[arg(long, default_value = "http://127.0.0.1:8311")]
        address: String,
    },
    /// Mencetak kode sekali pakai bagi yang lupa kata sandi; berlaku tujuh hari.
    ResetPassword {
        /// NIP.
        nip: String,
    },
    /// Mencabut sebuah perangkat.
    RevokeDevice {
        /// Nama perangkat, 32 angka heksadesimal.
        id: String,
    },
    /// Menetapkan aturan kegiatan harian.
    #[command(subcommand)]
    Rules(Rules),
    /// Menjalankan server.
    Serve {
        /// Alamat yang didengarkan.
        #[arg(long, default_value = "127.0.0.1:8311")]
        listen: SocketAddr,
        /// Catatan dalam JSON.
        #[arg(long)]
        log_json: bool,
    },
}

#[derive(Subcommand)]
enum Import {
    /// Pegawai: nip, nama, jabatan, unit, atasan_nip.
    Staff { file: PathBuf },
    /// Wilayah: code, parent_code, name.
    Wilayah { file: PathBuf },
}

#[derive(Subcommand)]
enum Rules {
    /// Dari berkas JSON: effective_from, late_after_days, entries_per_day, minutes_per_day.
    Set { file: PathBuf },
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let data = arguments.data.as_path();
    match arguments.command {
        Command::Init { office } => init(data, office).await,
        Command::Import(Import::Staff { file }) => {
            let imported = open(data).await?.import_staff(&read(&file)?).await?;
            print_imported("pegawai", imported)
        }
        Command::Import(Import::Wilayah { file }) => {
            let imported = open(data).await?.import_wilayah(&read(&file)?).await?;
            print_imported("wilayah", imported)
        }
        Command::Invite { nip, address } => invite(data, nip, &address).await,
        Command::ResetPassword { nip } => {
            let nip = parse_nip(&nip)?;
            let code = open(data).await?.reset_password(nip).await?.context("Tidak ada pegawai dengan NIP itu.")?;
            print(&code)
        }
        Command::RevokeDevice { id } => {
            let id = parse_device(&id).context("Nama perangkat harus 32 angka heksadesimal.")?;
            ensure!(open(data).await?.revoke_device(id).await?, "Tidak ada perangkat dengan nama itu.");
            Ok(())
        }
        Command::Rules(Rules::Set { file }) => {
            let rules = serde_json::from_slice(&read(&file)?).with_context(|| format!("{} tidak terbaca", file.display()))?;
            open(data).await?.set_log_rules(rules).await?;
            Ok(())
        }
        Command::Serve { listen, log_json } => serve(data, listen, log_json).await,
    }
}

fn database(data: &Path) -> PathBuf {
    data.join("lentera-server.sqlite")
}

fn key_file(data: &Path) -> PathBuf {
    data.join("server.key")
}

async fn init(data: &Path, office: String) -> Result<()> {
    ensure!(!office.trim().is_empty(), "Nama kantor belum diisi.");
    let mut folder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.recursive(true).create(data).with_context(|| data.display().to_string())?;
    let key = server_key::read_or_create(&key_file(data), &SystemClock).context("server.key")?;
    let fingerprint = server_key::fingerprint(&key);
    let service = Service::new(Sqlite::open(&database(data))?, key, Arc::new(SystemClock));
    ensure!(service.create_office(office).await?, "Kantor sudah ada di {}. Tidak ada yang diubah.", data.display());
    print(&fingerprint.to_string())
}

/// The service of an office that was made.
async fn open(data: &Path) -> Result<Service<Sqlite>> {
    let none = || format!("Belum ada kantor di {}. Jalankan init dulu.", data.display());
    ensure!(database(data).exists(), none());
    let key = server_key::read(&key_file(data)).context("server.key")?;
    let service = Service::new(Sqlite::open(&database(data))?, key, Arc::new(SystemClock));
    ensure!(service.office().await?.is_some(), none());
    Ok(service)
}

async fn invite(data: &Path, nip: Option<String>, address: &str) -> Result<()> {
    if !address.starts_with("http://") && !address.starts_with("https://") {
        bail!("Alamat harus dimulai dengan http:// atau https://.");
    }
    let nip = nip.map(|nip| parse_nip(&nip)).transpose()?;
    let address = address.trim_end_matches('/').to_owned();
    let invite = open(data).await?.invite(address, nip).await?.context("Tidak ada pegawai dengan NIP itu.")?;
    print(&serde_json::to_string(&invite)?)
}

async fn serve(data: &Path, listen: SocketAddr, log_json: bool) -> Result<()> {
    start_log(log_json);
    let service = Arc::new(open(data).await?);
    let listener = TcpListener::bind(listen).await.with_context(|| format!("Tidak dapat mendengarkan di {listen}."))?;
    print(&format!("listening on http://{}", listener.local_addr()?))?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, http::router(service)).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let signal = stop_signal()?;
    let farewell = async {
        signal.await;
        tracing::info!("stopping");
        drop(stop);
        // Who is cut now sends again: what arrived whole is kept.
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        served = server.into_future() => Ok(served?),
        () = farewell => Ok(()),
    }
}

/// Ends when the system or the operator asks the server to stop.
fn stop_signal() -> Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn start_log(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { log.json().init() } else { log.init() }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| file.display().to_string())
}

fn parse_nip(typed: &str) -> Result<Nip> {
    Nip::parse(typed).map_err(|FieldError { .. }| anyhow::anyhow!("NIP {typed} salah."))
}

fn parse_device(typed: &str) -> Option<DeviceId> {
    let mut id = [0; 16];
    if typed.len() != 32 || !typed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(typed.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(DeviceId(id))
}

fn print_imported(what: &str, imported: Imported) -> Result<()> {
    let Imported { new, changed, same } = imported;
    print(&format!("{} {what}: {new} baru, {changed} berubah, {same} tetap.", new + changed + same))
}

fn print(line: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
