//! The data folder: `lock`, `active`, `watch`, and one folder a person under `people/`.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use lentera_api::Error;
use lentera_document::ChangeHash;
use lentera_document::guard::Watch;
use uuid::Uuid;

use crate::store::{rescue, storage_error};

/// A data folder that this process alone has.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Locked as long as it is open; the system lets go of it however the process ends.
    _lock: File,
}

impl DataFolder {
    /// Opens `path`, making it where it is missing, for this process alone.
    ///
    /// # Errors
    /// [`Error::AlreadyOpen`] if another process has it, [`Error::Storage`] if it cannot be used.
    pub fn open(path: &Path) -> Result<Self, Error> {
        make_private_folder(&path.join("people")).map_err(storage_error)?;
        let lock = File::options().create(true).truncate(false).write(true).open(path.join("lock")).map_err(storage_error)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::AlreadyOpen),
            Err(TryLockError::Error(error)) => Err(storage_error(error)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database of the person who used this device last; `None` before the first enrolment.
    pub fn active_database(&self) -> Option<PathBuf> {
        let name = fs::read_to_string(self.path.join("active")).ok()?;
        let folder = Uuid::try_parse(name.trim()).ok()?;
        let database = self.database(folder);
        rescue::exists(&database).then_some(database)
    }

    /// The database that person `folder` has or would have.
    pub fn database(&self, folder: Uuid) -> PathBuf {
        self.path.join("people").join(folder.to_string()).join("lentera.sqlite")
    }

    /// Folders and databases of all people enrolled here.
    pub fn people(&self) -> Vec<(Uuid, PathBuf)> {
        let Ok(folders) = fs::read_dir(self.path.join("people")) else { return Vec::new() };
        let folders = folders.filter_map(|folder| Uuid::try_parse(folder.ok()?.file_name().to_str()?).ok());
        folders.map(|folder| (folder, self.database(folder))).filter(|(_, database)| rescue::exists(database)).collect()
    }

    /// Makes the folder of a new person.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::DiskFull`].
    pub fn make_person(&self, folder: Uuid) -> Result<PathBuf, Error> {
        let database = self.database(folder);
        if let Some(parent) = database.parent() {
            make_private_folder(parent).map_err(storage_error)?;
            sync_folder(&self.path.join("people")).map_err(storage_error)?;
        }
        Ok(database)
    }

    /// Opens the file `watch`, which names foreign bytes while they are examined, and tells which were when the last process ended.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::DiskFull`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open_watch(&self) -> Result<(Box<dyn Watch>, Vec<ChangeHash>), Error> {
        let (watch, found) = lentera_document::guard::FileWatch::open(&self.path.join("watch")).map_err(storage_error)?;
        Ok((Box::new(watch), found))
    }

    /// In a browser nothing lasts beyond the tab but the database itself.
    ///
    /// # Errors
    /// None.
    #[cfg(target_arch = "wasm32")]
    pub fn open_watch(&self) -> Result<(Box<dyn Watch>, Vec<ChangeHash>), Error> {
        Ok((Box::new(lentera_document::guard::NoWatch), Vec::new()))
    }

    /// Makes `folder` the person who uses this device. Written beside and renamed, so that a power cut leaves the old or the new.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::DiskFull`].
    pub fn set_active(&self, folder: Uuid) -> Result<(), Error> {
        let write = || {
            let new = self.path.join("active.new");
            fs::write(&new, folder.to_string())?;
            File::open(&new)?.sync_all()?;
            fs::rename(&new, self.path.join("active"))?;
            sync_folder(&self.path)
        };
        write().map_err(storage_error)
    }
}

fn make_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a folder's own entries durable, where the system lets one.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_and_the_active_person_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataFolder::open(dir.path()).unwrap();
        assert_eq!(DataFolder::open(dir.path()).unwrap_err(), Error::AlreadyOpen);
        assert_eq!(first.active_database(), None);
        let person = Uuid::from_u128(1);
        fs::write(first.make_person(person).unwrap(), b"").unwrap();
        first.set_active(person).unwrap();
        drop(first);
        let again = DataFolder::open(dir.path()).unwrap();
        assert_eq!(again.active_database(), Some(again.database(person)));
        assert_eq!(again.people(), [(person, again.database(person))]);
    }
}
