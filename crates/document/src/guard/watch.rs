//! What was being examined when a process died: `catch_unwind` does not help against an aborted allocation or a full stack.

use crate::ChangeHash;

/// Is told which foreign bytes are about to be decoded, and when that is over. A watch that lasts beyond the process names those that
/// ended it: bytes that did so twice are not decoded a third time.
pub trait Watch {
    /// The bytes of this name ([`super::watch_hash`]) are decoded next.
    fn begin(&self, hash: ChangeHash);
    /// That is over, whatever came of it.
    fn end(&self, hash: ChangeHash);
}

/// Watches nothing: for bytes of our own, tests, and a browser, whose tab is all that can die.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWatch;

impl Watch for NoWatch {
    fn begin(&self, _hash: ChangeHash) {}
    fn end(&self, _hash: ChangeHash) {}
}

#[cfg(not(target_arch = "wasm32"))]
pub use file::FileWatch;

#[cfg(not(target_arch = "wasm32"))]
mod file {
    use std::fs::{File, OpenOptions};
    use std::io::{self, Read, Seek, SeekFrom, Write};
    use std::path::Path;
    use std::sync::{Mutex, PoisonError};

    use super::Watch;
    use crate::ChangeHash;

    /// Bytes of one slot: 1 while it is in use or 0, and the name.
    const SLOT: usize = 33;
    /// Slots that the file has from the start, so that a full disk does not blind the watch. More are added when more threads need them.
    const SLOTS: usize = 64;
    /// Bytes of the file that are looked at when it is opened.
    const READ_MAX: u64 = 64 * 1024;

    /// A watch in a file. It lasts beyond the process, not beyond the power: nothing is flushed to the disk, a slot is two writes to the
    /// system's memory. One process at a time may have it open.
    #[derive(Debug)]
    pub struct FileWatch(Mutex<Slots>);

    #[derive(Debug)]
    struct Slots {
        file: File,
        /// What each slot holds.
        used: Vec<Option<ChangeHash>>,
    }

    impl FileWatch {
        /// Opens or makes the file, and tells which bytes were being examined when the last process that had it open ended.
        ///
        /// # Errors
        /// Those of the file system.
        pub fn open(path: &Path) -> io::Result<(Self, Vec<ChangeHash>)> {
            let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
            let mut bytes = Vec::new();
            (&mut file).take(READ_MAX).read_to_end(&mut bytes)?;
            let found = bytes.chunks_exact(SLOT).filter_map(|slot| match slot.split_first() {
                Some((1, hash)) => ChangeHash::try_from(hash).ok(),
                _ => None,
            });
            let found = found.collect();
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&[0; SLOT * SLOTS])?;
            Ok((Self(Mutex::new(Slots { file, used: vec![None; SLOTS] })), found))
        }

        fn slots(&self) -> std::sync::MutexGuard<'_, Slots> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl Watch for FileWatch {
        fn begin(&self, hash: ChangeHash) {
            let mut slots = self.slots();
            let free = slots.used.iter().position(Option::is_none).unwrap_or(slots.used.len());
            match slots.used.get_mut(free) {
                Some(slot) => *slot = Some(hash),
                None => slots.used.push(Some(hash)),
            }
            let mut bytes = [1; SLOT];
            bytes.iter_mut().skip(1).zip(hash).for_each(|(byte, from)| *byte = from);
            slots.write(free, &bytes);
        }

        fn end(&self, hash: ChangeHash) {
            let mut slots = self.slots();
            let Some(index) = slots.used.iter().position(|used| *used == Some(hash)) else { return };
            if let Some(slot) = slots.used.get_mut(index) {
                *slot = None;
            }
            slots.write(index, &[0]);
        }
    }

    impl Slots {
        /// A slot that cannot be written leaves these bytes unwatched, which is no reason not to take them.
        fn write(&mut self, index: usize, bytes: &[u8]) {
            let at = u64::try_from(index * SLOT).unwrap_or(u64::MAX);
            let _ = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(bytes));
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_file_is_looked_at_up_to_its_limit() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("watch");
            let most = usize::try_from(READ_MAX).unwrap() / SLOT;
            for (slots, found) in [(most, most), (most + 1, most)] {
                std::fs::write(&path, [1; SLOT].repeat(slots)).unwrap();
                assert_eq!(FileWatch::open(&path).unwrap().1.len(), found);
            }
        }
    }
}
