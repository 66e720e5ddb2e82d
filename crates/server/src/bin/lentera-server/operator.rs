//! What the operator does, apart from running the server. Each command says in one line what came of it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use lentera_domain::{Text, UmkmId};
use lentera_protocol::limits::FILE_MAX;
use lentera_server::clock::{Clock, SystemClock};
use lentera_server::private_file;
use lentera_server::service::{FileRefusal, Service, Taken, server_key};
use lentera_server::storage::{Imported, Moved, Sqlite};
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
    let service = data.open().await?.watching(&data.import_watch()).await?;
    let size = std::fs::metadata(file).with_context(|| file.display().to_string())?.len();
    ensure!(size <= FILE_MAX as u64, "{} terlalu besar untuk berkas .lentera.", file.display());
    let name = file.display();
    let taken = match service.take_file(&read(file)?).await? {
        Ok(taken) => taken,
        Err(FileRefusal::Malformed) => bail!("{name} bukan berkas .lentera yang utuh. Salin ulang dari perangkatnya."),
        Err(FileRefusal::OtherServer) => bail!("{name} untuk server lain. Tidak ada yang dimasukkan."),
        Err(FileRefusal::Receipts) => bail!("{name} berisi tanda terima: buka di aplikasi, bukan di server."),
    };
    finish(&service, taken, receipts)
}

/// Takes what is held of a device that was withdrawn or frozen.
pub async fn confirm_held(data: &DataFolder, id: &str, receipts: Option<&Path>) -> Result<()> {
    let id = parse_device(id)?;
    let service = data.open().await?.watching(&data.import_watch()).await?;
    let taken = service.confirm_held(id).await?;
    if taken.receipts.is_empty() && taken.unreadable.is_none() {
        return print("Tidak ada kiriman yang ditahan dari perangkat itu.");
    }
    finish(&service, taken, receipts)
}

/// Says what was taken, and puts the receipts into a file where one is wanted.
fn finish(service: &Service<Sqlite>, taken: Taken, receipts: Option<&Path>) -> Result<()> {
    let Taken { receipts: signed, unreadable } = taken;
    let count = signed.len();
    if let Some(out) = receipts {
        private_file::write(out, &service.receipts_file(signed)).with_context(|| out.display().to_string())?;
    }
    print(&format!("{count} kiriman diterima."))?;
    match unreadable {
        None => Ok(()),
        Some(code) => bail!("Tidak semuanya diterima: {}.", reason(code)),
    }
}

/// Why something was not taken, in words.
fn reason(code: &str) -> &str {
    match code {
        "malformed" => "ada isi yang rusak atau bukan untuk server ini",
        "unknown_device" => "ada perangkat yang tidak dikenal",
        "bad_signature" => "ada tanda tangan yang tidak cocok",
        "gap" => "kiriman sebelumnya belum ada; masukkan dulu berkas yang lebih lama",
        "fork" => "ada perangkat yang tersalin; kuncinya dibekukan dan isinya disimpan",
        "held" => "ada perangkat yang dicabut atau dibekukan; isinya disimpan sampai dipastikan dengan confirm-held",
        code => code,
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

/// Lists a person's devices, the oldest first.
pub async fn devices(data: &DataFolder, nip: &str) -> Result<()> {
    let devices = data.open().await?.devices(parse_nip(nip)?).await?;
    if devices.is_empty() {
        return print("Belum ada perangkat dengan NIP itu.");
    }
    for device in devices {
        let state = match (device.revoked_at, device.frozen_at) {
            (Some(at), _) => format!("dicabut {}", at.day()),
            (None, Some(at)) => format!("dibekukan {}", at.day()),
            (None, None) => "aktif".to_owned(),
        };
        print(&format!("{}  {state}, {} kiriman", device.id, device.last.0))?;
    }
    Ok(())
}

/// Makes an enterprise another unit's.
pub async fn move_umkm(data: &DataFolder, id: &str, unit: &str) -> Result<()> {
    let id = id.parse().map(UmkmId).ok().context("Nama usaha harus berupa UUID.")?;
    let Ok(unit) = Text::parse("unit", unit) else { bail!("Nama unit kosong atau terlalu panjang.") };
    match data.open().await?.move_umkm(id, unit).await? {
        Moved::Done(documents) => print(&format!("Usaha dipindahkan, bersama {} catatannya.", documents.saturating_sub(1))),
        Moved::Same => print("Usaha itu sudah di unit tersebut. Tidak ada yang diubah."),
        Moved::NoEnterprise => bail!("Tidak ada usaha dengan nama itu."),
        Moved::NoUnit => bail!("Tidak ada pegawai di unit itu. Periksa ejaannya, atau impor pegawainya dulu."),
    }
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
