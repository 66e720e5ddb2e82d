//! The office as every history finds it: made once, since passwords are slow to hash, and copied for each.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Result, anyhow};
use lentera_api::Enrol;
use lentera_domain::Nip;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::device::Device;
use super::network::Network;
use super::server::Server;

/// How many devices there are.
pub const DEVICES: usize = 4;
/// Whose they are: two of one person, one of a colleague, one of somebody elsewhere.
pub const OWNERS: [usize; DEVICES] = [0, 0, 1, 2];
/// The people.
pub const PEOPLE: [&str; 3] = ["197203151998032000", "198001012006041000", "199001012022212001"];
/// The units.
pub const UNITS: [&str; 2] = ["Bidang Perindustrian", "Bidang Perdagangan"];
/// Which unit each person is in.
pub const FIRST_UNITS: [usize; 3] = [0, 0, 1];
/// Everybody's password.
pub const PASSWORD: &str = "melati 88 biru";

const REGIONS: &str = "code,parent_code,name
63,,Kalimantan Selatan
63.11,63,Balangan
63.11.01,63.11,Juai
63.11.01.2001,63.11.01,Muara Ninian
63.11.01.2002,63.11.01,Mungkur Uyam
";

/// The staff's table, with each person in a unit.
pub fn staff(units: &[usize; 3]) -> String {
    let mut table = "nip,nama,jabatan,unit,atasan_nip\n".to_owned();
    for (number, (nip, unit)) in PEOPLE.iter().zip(units).enumerate() {
        let unit = UNITS.get(*unit).copied().unwrap_or_default();
        table.push_str(&format!("{nip},Pegawai {number} Contoh,Penyuluh,{unit},\n"));
    }
    table
}

/// Folders of an office with enrolled devices that have fetched what there is.
#[derive(Debug)]
pub struct Template {
    folder: TempDir,
}

impl Template {
    /// Makes it.
    ///
    /// # Errors
    /// Where a step fails.
    pub fn make(runtime: &Runtime) -> Result<Self> {
        let template = Self { folder: scratch()? };
        let server = Server::new(&template.server(), &template.folder.path().join("backup"), 0, None)?;
        let server = Rc::new(RefCell::new(server));
        server.borrow_mut().start(runtime)?;
        server.borrow().found(runtime, REGIONS)?;
        server.borrow().import_staff(runtime, &staff(&FIRST_UNITS))?;
        let network = Rc::new(Network::new(Rc::clone(&server)));
        for (number, person) in OWNERS.into_iter().enumerate() {
            let nip = PEOPLE.get(person).copied().unwrap_or_default();
            let invite = server.borrow().invite(runtime, Nip::parse(nip).ok())?;
            let image = template.folder.path().join("image");
            let mut device = Device::new(number, person, &template.device(number), &image, 0, Rc::clone(&network))?;
            let said = |error| anyhow!("enrolling device {number}: {error}");
            device.start().map_err(said)?;
            let first = nip.get(..8).unwrap_or_default().to_owned();
            let is_first = number == 0 || OWNERS.get(number - 1) != Some(&person);
            let command = Enrol {
                invite,
                nip: nip.to_owned(),
                password: if is_first { first } else { PASSWORD.to_owned() },
                new_password: if is_first { PASSWORD.to_owned() } else { String::new() },
            };
            device.call(runtime, command).map_err(said)?;
            device.sync(runtime).map_err(said)?;
            device.stop()?;
        }
        server.borrow_mut().stop()?;
        Ok(template)
    }

    /// Where the server's data lies.
    pub fn server(&self) -> PathBuf {
        self.folder.path().join("server")
    }

    /// Where a device's data lies.
    pub fn device(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("device{number}"))
    }
}

/// A folder for one history, in memory where the system has such a place.
///
/// # Errors
/// Where none can be made.
pub fn scratch() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    Ok(if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? })
}
