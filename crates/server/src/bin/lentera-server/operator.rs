//! What the operator does, apart from running the server. Each command says in one line what came of it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use lentera_protocol::limits::FILE_MAX;
use lentera_protocol::parcel::LenteraFile;
use lentera_protocol::sync::Sealed;
use lentera_server::clock::{Clock, SystemClock};
use lentera_server::private_file;
use lentera_server::service::{Service, server_key};
use lentera_server::storage::{Imported, Sqlite};
use lentera_server::tls::TlsError;

use crate::data::DataFolder;
use crate::{parse_device, parse_nip, print, read};

/// Makes an office.
pub async fn init(data: &DataFolder, office: String, names: &[String]) -> Result<()> {
    ensure!(!office.trim().is_empty(), "Nama kantor belum diisi.");
    let exists = || format!("Kantor sudah ada di {}. Tidak ada yang diubah.", data.0.display());
    ensure!(!data.database().exists() || data.open().await.is_err(), exists());
    private_file::make_folder(&data.0).with_context(|| data.0.display().to_string())?;
    if !names.is_empty() {
        make_certificate(data, names)?;
    }
    let key = server_key::read_or_create(&data.key_file(), &SystemClock).context("server.key")?;
    let fingerprint = server_key::fingerprint(&key);
    let service = Service::new(Sqlite::open(&data.database())?, key, Arc::new(SystemClock));
    ensure!(service.create_office(office).await?, exists());
    print(&fingerprint.to_string())
}

/// Gives the server a new certificate.
pub fn renew_certificate(data: &DataFolder, names: &[String]) -> Result<()> {
    let had_one = data.authority().exists();
    print(&make_certificate(data, names)?)?;
    if !had_one {
        return print("Mulai sekarang server memakai TLS: bagikan undangan baru, lalu jalankan ulang server.");
    }
    print("Jalankan ulang server agar dipakai.")
}

fn make_certificate(data: &DataFolder, names: &[String]) -> Result<String> {
    match data.authority().renew(names, SystemClock.now()) {
        Ok(made) => {
            let end = made.not_after.day();
            Ok(format!("Sertifikat untuk {} berlaku sampai {end}.", made.names.join(", ")))
        }
        Err(TlsError::NoAuthority(_)) => bail!("Server ini belum memakai TLS. Sebutkan --name NAMA_ATAU_IP."),
        Err(TlsError::Name(name)) => bail!("{name:?} bukan nama atau alamat IP."),
        Err(error) => Err(error.into()),
    }
}

/// Takes the staff of a CSV file.
pub async fn import_staff(data: &DataFolder, file: &Path) -> Result<()> {
    let imported = data.open().await?.import_staff(&read(file)?).await?;
    print_imported("pegawai", imported)
}

/// Takes the regions of a CSV file.
pub async fn import_wilayah(data: &DataFolder, file: &Path) -> Result<()> {
    let imported = data.open().await?.import_wilayah(&read(file)?).await?;
    print_imported("wilayah", imported)
}

/// Takes the parcels of a `.lentera` file, as if their devices had sent them; their receipts go into a file of their own.
pub async fn import_bundle(data: &DataFolder, file: &Path, receipts: Option<&Path>) -> Result<()> {
    let service = data.open().await?;
    let size = std::fs::metadata(file).with_context(|| file.display().to_string())?.len();
    ensure!(size <= FILE_MAX as u64, "{} terlalu besar untuk berkas .lentera.", file.display());
    let parsed = LenteraFile::read(&read(file)?);
    let Ok(parsed) = parsed else { bail!("{} bukan berkas .lentera yang utuh. Salin ulang dari perangkatnya.", file.display()) };
    let own = server_key::fingerprint(service.key());
    let parcels = match parsed {
        LenteraFile::Parcels { server, parcels } if server == own => parcels,
        LenteraFile::Parcels { .. } => bail!("{} untuk server lain. Tidak ada yang dimasukkan.", file.display()),
        LenteraFile::Receipts { .. } => bail!("{} berisi tanda terima: buka di aplikasi, bukan di server.", file.display()),
    };
    let (mut signed, mut unreadable) = (Vec::new(), Vec::new());
    for parcel in &parcels {
        let taken = service.take_parcel(&parcel.0).await?;
        signed.extend(taken.receipts.into_iter().map(Sealed));
        unreadable.extend(taken.unreadable);
    }
    let count = signed.len();
    if let Some(out) = receipts {
        let answer = LenteraFile::Receipts { server: own, receipts: signed };
        private_file::write(out, &answer.write()).with_context(|| out.display().to_string())?;
    }
    print(&format!("{} paket dibuka, {count} kiriman diterima.", parcels.len()))?;
    if !unreadable.is_empty() {
        let reasons: Vec<_> = unreadable.iter().map(|code| reason(code)).collect();
        bail!("{} paket tidak seluruhnya diterima: {}.", unreadable.len(), reasons.join("; "));
    }
    Ok(())
}

/// Why something of a parcel was not taken, in words.
fn reason(code: &str) -> String {
    match code {
        "malformed" => "isinya rusak atau bukan untuk server ini".to_owned(),
        "unknown_device" => "perangkatnya tidak dikenal".to_owned(),
        "bad_signature" => "tanda tangannya tidak cocok".to_owned(),
        "gap" => "kiriman sebelumnya belum ada; masukkan berkas yang lebih dulu dibuat".to_owned(),
        "fork" => "perangkatnya tersalin; kuncinya dibekukan dan isinya disimpan".to_owned(),
        "held" | "revoked" => "perangkatnya dicabut atau dibekukan; isinya disimpan sampai dipastikan".to_owned(),
        code => code.to_owned(),
    }
}

/// Prints a one-time code.
pub async fn reset_password(data: &DataFolder, nip: &str) -> Result<()> {
    let nip = parse_nip(nip)?;
    let code = data.open().await?.reset_password(nip).await?.context("Tidak ada pegawai dengan NIP itu.")?;
    print(&code)
}

/// Withdraws a device.
pub async fn revoke_device(data: &DataFolder, id: &str) -> Result<()> {
    let id = parse_device(id)?;
    ensure!(data.open().await?.revoke_device(id).await?, "Tidak ada perangkat dengan nama itu.");
    Ok(())
}

/// Sets the rules of one starting day.
pub async fn set_rules(data: &DataFolder, file: &Path) -> Result<()> {
    let rules = serde_json::from_slice(&read(file)?).with_context(|| format!("{} tidak terbaca", file.display()))?;
    data.open().await?.set_log_rules(rules).await?;
    Ok(())
}

fn print_imported(what: &str, imported: Imported) -> Result<()> {
    let Imported { new, changed, same } = imported;
    print(&format!("{} {what}: {new} baru, {changed} berubah, {same} tetap.", new + changed + same))
}
