//! The real program, its real files, real TLS: stopped, killed, renewed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "program/device.rs"]
mod device;
#[path = "program/office.rs"]
mod office;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use device::{Device, client};
use lentera_protocol::Hash;
use lentera_protocol::parcel::{self, LenteraFile};
use office::{LAILA, Office, SITI};
use tokio::time::timeout;

/// What a test waits for at most; it is never waited out.
const LONG: Duration = Duration::from_secs(60);

/// A sealed bundle and its receipt.
type Acknowledged = (Vec<u8>, Vec<u8>);

/// Devices that hand over bundle after bundle until they are told to stop or the server is gone; what each was promised.
struct Load {
    stop: Arc<AtomicBool>,
    promised: Arc<AtomicUsize>,
    devices: Vec<tokio::task::JoinHandle<(Device, Vec<Acknowledged>)>>,
}

impl Load {
    fn start(devices: Vec<Device>) -> Self {
        let (stop, promised) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let devices = devices.into_iter().map(|mut device| {
            let (stop, promised) = (Arc::clone(&stop), Arc::clone(&promised));
            tokio::spawn(async move {
                let mut kept = Vec::new();
                let mut unsent = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    unsent.resize_with(3, || device.log_something());
                    let Some(receipts) = device.sync(&unsent).await else {
                        // Gone, or no time: the same bundles ride again.
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        continue;
                    };
                    assert_eq!(receipts.len(), unsent.len());
                    promised.fetch_add(receipts.len(), Ordering::Relaxed);
                    kept.extend(unsent.drain(..).zip(receipts));
                }
                (device, kept)
            })
        });
        let devices = devices.collect();
        Self { stop, promised, devices }
    }

    async fn has_promised(&self, at_least: usize) {
        let enough = async {
            while self.promised.load(Ordering::Relaxed) < at_least {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, enough).await.unwrap();
    }

    async fn end(self) -> Vec<(Device, Vec<(Vec<u8>, Vec<u8>)>)> {
        self.stop.store(true, Ordering::Relaxed);
        let mut ended = Vec::new();
        for device in self.devices {
            ended.push(timeout(LONG, device).await.unwrap().unwrap());
        }
        ended
    }
}

async fn enrolled(office: &Office, count: u8) -> Vec<Device> {
    let mut devices = Vec::new();
    for seed in 1..=count {
        devices.push(Device::enrol(office, SITI, seed).await);
    }
    devices
}

/// Everything that was promised is there, under the very same receipt.
async fn assert_kept(ended: Vec<(Device, Vec<Acknowledged>)>) {
    for (mut device, kept) in ended {
        assert!(!kept.is_empty());
        for some in kept.chunks(50) {
            let bundles: Vec<_> = some.iter().map(|(bundle, _)| bundle.clone()).collect();
            let receipts = device.sync(&bundles).await.unwrap();
            assert!(some.iter().map(|(_, receipt)| receipt).eq(&receipts));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_ends_what_was_begun_and_loses_nothing() {
    let mut office = Office::make(true);
    office.start();
    let load = Load::start(enrolled(&office, 6).await);
    load.has_promised(60).await;
    // Well within the time that requests in progress get, and with success.
    timeout(LONG, office.stop()).await.unwrap();
    let promised = load.promised.load(Ordering::Relaxed);
    office.start();
    load.has_promised(promised + 60).await;
    office.kill();
    office.start();
    load.has_promised(promised + 120).await;
    assert_kept(load.end().await).await;
}

#[tokio::test]
async fn the_office_makes_its_own_certificate_and_renews_it() {
    let mut office = Office::make(true);
    let invite = office.invite();
    assert_eq!(invite["address"], "https://127.0.0.1:8311");
    // Beside the rest it must fit a QR code that a cracked screen can show.
    assert!(invite.to_string().len() < 900, "{invite}");
    let before = fs::read(office.data().join("tls/server.pem")).unwrap();
    office.start();
    let mut device = Device::enrol(&office, SITI, 1).await;
    let said = office.run(&["renew-certificate"]);
    assert!(said.contains("127.0.0.1") && said.contains("berlaku sampai"), "{said}");
    assert_ne!(fs::read(office.data().join("tls/server.pem")).unwrap(), before);
    timeout(LONG, office.stop()).await.unwrap();
    office.start();
    assert_eq!(office.invite(), invite);
    let bundle = device.log_something();
    assert_eq!(device.sync(&[bundle]).await.unwrap().len(), 1);
    // Who trusts others only is not connected.
    let stranger = reqwest::Client::builder().build().unwrap();
    assert!(stranger.get(format!("{}/healthz", office.url())).send().await.is_err());
    let known = client(&office.invite());
    assert!(known.get(format!("{}/healthz", office.url())).send().await.unwrap().status().is_success());
    #[cfg(unix)]
    for file in ["server.key", "tls/ca.key", "tls/server.key"] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(office.data().join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_used_as_it_is_given() {
    // Made by somebody else's authority, for this address.
    let authority = Office::make(true);
    let (cert, key) = (authority.data().join("tls/server.pem"), authority.data().join("tls/server.key"));
    let mut office = Office::make(false);
    office.start_with(&["--tls-cert", &path(&cert), "--tls-key", &path(&key)]);
    let known = client(&authority.invite());
    let url = format!("{}/healthz", office.url());
    assert!(url.starts_with("https://") && known.get(&url).send().await.unwrap().status().is_success(), "{url}");
    assert!(known.get(url.replace("https://", "http://")).send().await.is_err(), "nothing is answered in the clear");
}

#[test]
fn an_office_without_names_speaks_plainly_until_it_gets_one() {
    let office = Office::make(false);
    let invite = office.invite();
    assert_eq!((invite["address"].as_str(), invite.get("ca")), (Some("http://127.0.0.1:8311"), None));
    assert!(office.fail(&["renew-certificate"]).contains("--name"));
    assert!(office.fail(&["renew-certificate", "--name", "https://kantor"]).contains("bukan nama"));
    assert_eq!(office.invite(), invite);
    assert!(office.run(&["renew-certificate", "--name", "kantor.example", "--name", "10.0.0.7"]).contains("undangan baru"));
    let invite = office.invite();
    assert_eq!(invite["address"], "https://kantor.example:8311");
    assert!(invite["ca"].as_str().is_some_and(|ca| ca.len() > 300));
    // Another name is another certificate's: nothing to pin.
    let public = office.run(&["invite", "--address", "https://lain.example"]);
    assert!(!public.contains("\"ca\""), "{public}");
    assert!(office.fail(&["init", "--office", "Lagi", "--name", "10.0.0.8"]).contains("sudah ada"));
}

#[tokio::test]
async fn a_file_brings_what_no_network_did_and_takes_the_receipts_back() {
    let mut office = Office::make(false);
    office.start();
    let mut siti = Device::enrol(&office, SITI, 1).await;
    let bundles: Vec<_> = (0..3).map(|_| siti.log_something()).collect();
    let (file, back) = (office.data().join("kiriman.lentera"), office.data().join("tanda-terima.lentera"));
    let mut next = 0_u8;
    let random = |bytes: &mut [u8]| {
        bytes.iter_mut().for_each(|byte| {
            next = next.wrapping_mul(73).wrapping_add(41);
            *byte = next;
        });
    };
    let parcels = parcel::pack(&bundles, &office.key(), random).unwrap();
    let server = Hash::of(office.key().as_bytes());
    fs::write(&file, LenteraFile::Parcels { server, parcels: parcels.clone() }.write()).unwrap();
    // Beside the running server, and twice: the same receipts.
    for _ in 0..2 {
        let said = office.run(&["import", "bundle", &path(&file), "--receipts", &path(&back)]);
        assert!(said.contains("3 kiriman diterima"), "{said}");
        let Ok(LenteraFile::Receipts { server: own, receipts }) = LenteraFile::read(&fs::read(&back).unwrap()) else { panic!() };
        assert_eq!(own, server);
        let sent: Vec<_> = receipts.into_iter().map(|receipt| receipt.0).collect();
        assert_eq!(siti.sync(&bundles).await.unwrap(), sent);
    }
    fs::write(&file, LenteraFile::Parcels { server: Hash::of(b"another"), parcels }.write()).unwrap();
    assert!(office.fail(&["import", "bundle", &path(&file)]).contains("server lain"));
    assert!(office.fail(&["import", "bundle", &path(&back)]).contains("tanda terima"));
    fs::write(&file, b"PK").unwrap();
    assert!(office.fail(&["import", "bundle", &path(&file)]).contains("bukan berkas"));
    // A bundle whose predecessor is on its way by other means is not lost silently.
    let mut laila = Device::enrol(&office, LAILA, 2).await;
    laila.log_something();
    let late = pack(&office, laila.log_something());
    assert!(office.fail(&["import", "bundle", &path(&late)]).contains("lebih lama"));
}

#[tokio::test]
async fn what_a_withdrawn_device_still_has_waits_for_its_owners_word() {
    let mut office = Office::make(false);
    office.start();
    let mut device = Device::enrol(&office, SITI, 1).await;
    let id = device.id().to_string();
    let first = device.log_something();
    assert_eq!(device.sync(&[first]).await.unwrap().len(), 1);
    assert_eq!(office.run(&["devices", SITI]), format!("{id}  aktif, 1 kiriman\n"));
    assert!(office.run(&["devices", LAILA]).contains("Belum ada perangkat"));
    assert!(office.run(&["confirm-held", &id]).contains("Tidak ada kiriman yang ditahan"));
    office.run(&["revoke-device", &id]);
    assert!(office.run(&["devices", SITI]).contains("dicabut"));
    let file = pack(&office, device.log_something());
    assert!(office.fail(&["import", "bundle", &path(&file)]).contains("confirm-held"));
    let back = office.data().join("tanda-terima.lentera");
    assert!(office.run(&["confirm-held", &id, "--receipts", &path(&back)]).contains("1 kiriman diterima"));
    let Ok(LenteraFile::Receipts { receipts, .. }) = LenteraFile::read(&fs::read(&back).unwrap()) else { panic!() };
    assert_eq!(receipts.len(), 1);
    assert!(office.run(&["confirm-held", &id]).contains("Tidak ada kiriman yang ditahan"));
    assert!(office.run(&["devices", SITI]).contains("2 kiriman"));
}

#[tokio::test]
async fn an_enterprise_is_moved_to_a_unit_that_there_is() {
    let mut office = Office::make(false);
    office.start();
    let mut device = Device::enrol(&office, SITI, 1).await;
    let id = lentera_domain::UmkmId(uuid::Uuid::from_u128(7));
    let bundle = device.register(id);
    assert_eq!(device.sync(&[bundle]).await.unwrap().len(), 1);
    let (id, other) = (id.0.to_string(), uuid::Uuid::from_u128(8).to_string());
    assert!(office.fail(&["move-umkm", &id, "Bidang Perdagagan"]).contains("Periksa ejaannya"));
    assert!(office.fail(&["move-umkm", &other, "Bidang Perdagangan"]).contains("Tidak ada usaha"));
    assert!(office.fail(&["move-umkm", "halo", "Bidang Perdagangan"]).contains("UUID"));
    assert!(office.run(&["move-umkm", &id, "Bidang Perdagangan"]).contains("dipindahkan"));
    assert!(office.run(&["move-umkm", &id, "Bidang Perdagangan"]).contains("sudah di unit"));
}

/// A `.lentera` file with one bundle.
fn pack(office: &Office, bundle: Vec<u8>) -> PathBuf {
    let parcels = parcel::pack(&[bundle], &office.key(), |bytes| bytes.fill(7)).unwrap();
    let file = office.data().join("satu.lentera");
    fs::write(&file, LenteraFile::Parcels { server: Hash::of(office.key().as_bytes()), parcels }.write()).unwrap();
    file
}

fn path(file: &Path) -> String {
    file.to_str().unwrap().to_owned()
}

#[test]
fn says_in_plain_words_what_is_wrong() {
    let office = Office::make(false);
    for (arguments, words) in [
        (&["revoke-device", "halo"][..], "32 angka"),
        (&["revoke-device", "00000000000000000000000000000000"], "Tidak ada perangkat"),
        (&["reset-password", "198501012010011001"], "Tidak ada pegawai"),
        (&["invite", "123"], "salah"),
        (&["invite", "--address", "kantor.example"], "https://"),
        (&["serve", "--tls-cert", "x"], "--tls-key"),
        (&["serve", "--tls-cert", "tidak-ada.pem", "--tls-key", "tidak-ada.pem"], "tidak-ada.pem"),
        (&["serve", "--listen", "192.0.2.1:1"], "Tidak dapat mendengarkan"),
    ] {
        let said = office.fail(arguments);
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    let empty = tempfile::tempdir().unwrap();
    assert!(office::fail_in(empty.path(), &["serve"]).contains("Jalankan init"));
}
