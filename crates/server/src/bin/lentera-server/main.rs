//! `lentera-server`: the kabupaten server and its operator's commands.

mod data;
mod invite;
mod operator;
mod serve;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use lentera_domain::{FieldError, Nip};
use lentera_protocol::DeviceId;

use data::DataFolder;

/// Documents are thousands of small allocations each: the month's end takes 7 % less of the processor than with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Port of the server where nothing else is said.
const PORT: u16 = 8311;

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
        /// Nama atau alamat IP server seperti yang dilihat perangkat; boleh beberapa. Server lalu memakai TLS dengan sertifikat buatan
        /// sendiri, yang dibawa undangan.
        #[arg(long)]
        name: Vec<String>,
    },
    /// Memasukkan berkas.
    #[command(subcommand)]
    Import(Import),
    /// Mencetak undangan untuk aplikasi.
    Invite {
        /// NIP yang diundang; kosong untuk siapa saja.
        nip: Option<String>,
        /// Alamat server seperti yang dilihat perangkat; biasanya diambil dari sertifikat server.
        #[arg(long)]
        address: Option<String>,
    },
    /// Mencetak kode sekali pakai bagi yang lupa kata sandi; berlaku tujuh hari.
    ResetPassword {
        /// NIP.
        nip: String,
    },
    /// Menampilkan perangkat seorang pegawai dan keadaannya.
    Devices {
        /// NIP.
        nip: String,
    },
    /// Mencabut sebuah perangkat.
    RevokeDevice {
        /// Nama perangkat, 32 angka heksadesimal.
        id: String,
    },
    /// Menerima kiriman yang ditahan dari perangkat yang dicabut atau dibekukan, setelah pemiliknya memastikan itu miliknya.
    ConfirmHeld {
        /// Nama perangkat, 32 angka heksadesimal.
        id: String,
        /// Berkas .lentera baru untuk tanda terimanya.
        #[arg(long)]
        receipts: Option<PathBuf>,
    },
    /// Memindahkan sebuah usaha, beserta data pemilik dan kunjungannya, ke unit lain.
    MoveUmkm {
        /// UUID usaha.
        id: String,
        /// Nama unit, seperti di daftar pegawai.
        unit: String,
    },
    /// Menetapkan aturan kegiatan harian.
    #[command(subcommand)]
    Rules(Rules),
    /// Membuat sertifikat server baru, berlaku dua tahun. Undangan lama tetap berlaku.
    RenewCertificate {
        /// Nama atau alamat IP server; boleh beberapa. Kosong: seperti sertifikat sebelumnya.
        #[arg(long)]
        name: Vec<String>,
    },
    /// Menjalankan server.
    Serve(Serve),
}

#[derive(Subcommand)]
enum Import {
    /// Berkas CSV pegawai: nip, nama, jabatan, unit, atasan_nip. Semua atau tidak sama sekali.
    Staff { file: PathBuf },
    /// Berkas CSV wilayah: code, parent_code, name. Semua atau tidak sama sekali.
    Wilayah { file: PathBuf },
    /// Berkas .lentera berisi kiriman yang belum sampai, dari perangkat mana pun.
    Bundle {
        file: PathBuf,
        /// Berkas .lentera baru untuk tanda terimanya, agar dibawa kembali ke perangkat.
        #[arg(long)]
        receipts: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum Rules {
    /// Dari berkas JSON: effective_from, late_after_days, entries_per_day, minutes_per_day.
    Set { file: PathBuf },
}

#[derive(Args)]
struct Serve {
    /// Alamat yang didengarkan; 0.0.0.0:8311 untuk seluruh jaringan. Kosong: hanya komputer ini, 127.0.0.1:8311.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Berkas PEM rantai sertifikat; kosong: yang dibuat init.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Berkas PEM kunci sertifikat.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Catatan dalam JSON.
    #[arg(long)]
    log_json: bool,
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
    let data = DataFolder(arguments.data);
    match arguments.command {
        Command::Init { office, name } => operator::init(&data, office, &name).await,
        Command::Import(Import::Staff { file }) => operator::import_staff(&data, &file).await,
        Command::Import(Import::Wilayah { file }) => operator::import_wilayah(&data, &file).await,
        Command::Import(Import::Bundle { file, receipts }) => operator::import_bundle(&data, &file, receipts.as_deref()).await,
        Command::Invite { nip, address } => invite::invite(&data, nip, address).await,
        Command::ResetPassword { nip } => operator::reset_password(&data, &nip).await,
        Command::Devices { nip } => operator::devices(&data, &nip).await,
        Command::ConfirmHeld { id, receipts } => operator::confirm_held(&data, &id, receipts.as_deref()).await,
        Command::MoveUmkm { id, unit } => operator::move_umkm(&data, &id, &unit).await,
        Command::RevokeDevice { id } => operator::revoke_device(&data, &id).await,
        Command::Rules(Rules::Set { file }) => operator::set_rules(&data, &file).await,
        Command::RenewCertificate { name } => operator::renew_certificate(&data, &name),
        Command::Serve(arguments) => serve::serve(&data, arguments).await,
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| file.display().to_string())
}

fn parse_nip(typed: &str) -> Result<Nip> {
    Nip::parse(typed).map_err(|FieldError { .. }| anyhow::anyhow!("NIP {typed} salah."))
}

fn parse_device(typed: &str) -> Result<DeviceId> {
    let parse = || {
        let mut id = [0; 16];
        if typed.len() != 32 || !typed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (index, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(typed.get(index * 2..index * 2 + 2)?, 16).ok()?;
        }
        Some(DeviceId(id))
    };
    parse().context("Nama perangkat harus 32 angka heksadesimal.")
}

fn print(line: &str) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
