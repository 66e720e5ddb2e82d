//! A disk that loses power.
//!
//! All files that SQLite opens below one folder are one machine's disk. What is written shows at once, as with any system's page
//! cache, but is on the disk only once it is synced: when the power goes, an arbitrary part of what was not synced is taken back,
//! down to single sectors. The power can be made to go between any two writes. Files elsewhere are not touched by any of this.
//!
//! It stands between SQLite and its own file system layer (<https://www.sqlite.org/vfs.html>), as the default of the whole process:
//! engine and server open their databases as ever. Locks and shared memory are SQLite's own. A sync costs nothing here.

#[cfg(test)]
mod tests;
mod vfs;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use crate::dice::Dice;

/// The smallest piece that is on the disk whole or not at all, in bytes.
const SECTOR: usize = 512;
/// How long the threads of a program that ended may take to close their files.
const CLOSE_LIMIT: Duration = Duration::from_secs(20);

/// The disk of one machine. Ends with this value; the files stay.
#[derive(Debug)]
pub struct Disk(Arc<Machine>);

#[derive(Debug)]
struct Machine {
    folder: PathBuf,
    state: Mutex<State>,
    closed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The power is off: nothing works until it is switched on again.
    is_down: bool,
    /// How many more operations go through before the power goes.
    until_cut: Option<u64>,
    /// How many more go through before the disk is full.
    until_full: Option<u64>,
    /// A lying disk: it says synced, and is not.
    skips_sync: bool,
    /// Operations so far: writes, cuts, syncs, deletions.
    operations: u64,
    /// Files that are open.
    open: usize,
    /// What is not synced, by inode, in order.
    unsynced: HashMap<u64, Vec<Unsynced>>,
}

/// A write, or the cutting off of a file's end.
#[derive(Debug)]
struct Unsynced {
    /// The file's length before.
    length: u64,
    /// Where.
    offset: u64,
    /// What stood there before, as far as anything did.
    old: Vec<u8>,
    /// What stands there now; `None`: the file ends here.
    new: Option<Vec<u8>>,
}

/// Why an operation does not go through.
enum Failure {
    NoPower,
    Full,
}

impl Disk {
    /// Makes `folder` a machine's disk.
    ///
    /// # Errors
    /// Where there is no such folder.
    pub fn attach(folder: &Path) -> io::Result<Self> {
        vfs::register()?;
        let machine = Arc::new(Machine { folder: folder.canonicalize()?, state: Mutex::default(), closed: Condvar::new() });
        machines().write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&machine));
        Ok(Self(machine))
    }

    /// The power goes with the `operations`th operation from now, which may be done in part; `None`: it stays.
    pub fn cut_after(&self, operations: Option<u64>) {
        self.0.state().until_cut = operations;
    }

    /// From the `writes`th write on the disk is full; `None`: there is room.
    pub fn full_after(&self, writes: Option<u64>) {
        self.0.state().until_full = writes;
    }

    /// Whether the disk says of what is not synced that it is.
    pub fn skip_sync(&self, skips: bool) {
        self.0.state().skips_sync = skips;
    }

    /// Whether the power is off.
    pub fn is_down(&self) -> bool {
        self.0.state().is_down
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.0.state().operations
    }

    /// The power goes now.
    pub fn cut(&self) {
        self.0.state().is_down = true;
    }

    /// Waits until all files are closed: a program that ended may have threads that end a moment later.
    ///
    /// # Errors
    /// Where some stay open.
    pub fn wait_closed(&self) -> io::Result<()> {
        let (state, _) = self
            .0
            .closed
            .wait_timeout_while(self.0.state(), CLOSE_LIMIT, |state| state.open > 0)
            .unwrap_or_else(PoisonError::into_inner);
        if state.open == 0 { Ok(()) } else { Err(io::Error::other(format!("{} files are still open", state.open))) }
    }

    /// The power is back. Of what was not synced, `dice` leave nothing, all, all up to one moment, or any sectors at all.
    ///
    /// # Errors
    /// Where files are still open, or cannot be written.
    pub fn restart(&self, dice: &mut Dice) -> io::Result<()> {
        self.wait_closed()?;
        let mut state = self.0.state();
        let survival = dice.below(4);
        let mut unsynced: Vec<_> = std::mem::take(&mut state.unsynced).into_iter().collect();
        // Inodes are the system's choice: in the order of paths the same dice fall on the same files.
        let paths = inodes(&self.0.folder)?;
        unsynced.sort_by_key(|(inode, _)| paths.get(inode));
        for (inode, writes) in unsynced {
            if let Some(path) = paths.get(&inode) {
                settle(path, &writes, survival, dice)?;
            }
        }
        (state.is_down, state.until_cut, state.until_full) = (false, None, None);
        Ok(())
    }

    /// All that was written is on the disk: an orderly shutdown of the machine, or time that passed.
    pub fn flush(&self) {
        self.0.state().unsynced.clear();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        machines().write().unwrap_or_else(PoisonError::into_inner).retain(|machine| !Arc::ptr_eq(machine, &self.0));
    }
}

/// Paths of all files below `folder`, by inode.
fn inodes(folder: &Path) -> io::Result<HashMap<u64, PathBuf>> {
    let mut found = HashMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(inodes(&entry.path())?);
        } else {
            found.insert(entry.metadata()?.ino(), entry.path());
        }
    }
    Ok(found)
}

/// Takes back all writes, then does again those that reached the disk.
fn settle(path: &Path, writes: &[Unsynced], survival: u64, dice: &mut Dice) -> io::Result<()> {
    if survival == 1 {
        return Ok(());
    }
    let file = fs::File::options().write(true).open(path)?;
    for write in writes.iter().rev() {
        file.write_all_at(&write.old, write.offset)?;
        file.set_len(write.length)?;
    }
    let kept = match survival {
        0 => 0,
        2 => usize::try_from(dice.below(writes.len() as u64 + 1)).unwrap_or_default(),
        _ => writes.len(),
    };
    for (number, write) in writes.iter().take(kept).enumerate() {
        let torn = survival == 3 || number + 1 == kept;
        let Some(new) = &write.new else {
            if !torn || dice.below(2) == 0 {
                file.set_len(write.offset)?;
            }
            continue;
        };
        // Sectors lie where the disk has them, not where the write begins.
        let mut rest = new.as_slice();
        let mut offset = write.offset;
        while !rest.is_empty() {
            let to_boundary = SECTOR - (offset as usize) % SECTOR;
            let (sector, after) = rest.split_at_checked(to_boundary).unwrap_or((rest, &[]));
            if !torn || dice.below(2) == 0 {
                file.write_all_at(sector, offset)?;
            }
            offset += sector.len() as u64;
            rest = after;
        }
    }
    Ok(())
}

impl Machine {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts an operation. With power gone, the one that met it may still be done in part: `Ok(true)`.
    fn step(&mut self) -> Result<bool, Failure> {
        if self.is_down {
            return Err(Failure::NoPower);
        }
        self.operations += 1;
        match &mut self.until_cut {
            Some(0) => {
                self.is_down = true;
                Ok(true)
            }
            Some(left) => {
                *left -= 1;
                Ok(false)
            }
            None => Ok(false),
        }
    }

    fn find_room(&mut self) -> Result<(), Failure> {
        match &mut self.until_full {
            Some(0) => Err(Failure::Full),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn machines() -> &'static RwLock<Vec<Arc<Machine>>> {
    static MACHINES: RwLock<Vec<Arc<Machine>>> = RwLock::new(Vec::new());
    &MACHINES
}

fn machine_of(path: &Path) -> Option<Arc<Machine>> {
    let machines = machines().read().unwrap_or_else(PoisonError::into_inner);
    machines.iter().find(|machine| path.starts_with(&machine.folder)).cloned()
}
