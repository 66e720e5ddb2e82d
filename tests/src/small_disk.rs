//! A disk that is soon full: a file system in memory of a few megabytes. Linux as root only.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process;

/// A mounted disk. Gone with this value, and what is on it.
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Why there can be none here; `None` where there can.
    pub fn missing() -> Option<&'static str> {
        (!cfg!(target_os = "linux") || !process::is_root()).then_some("this is not run as root on Linux")
    }

    /// Mounts a disk of so many kilobytes at `folder`, which is made.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn mount(folder: &Path, kilobytes: u32) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let options = format!("size={kilobytes}k,mode=700");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder).status()?;
        ensure!(status.success(), "cannot mount a disk in memory at {}", folder.display());
        Ok(Self { folder: folder.to_path_buf() })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Fills it, but for about so many kilobytes, as other apps do.
    ///
    /// # Errors
    /// When the system refuses for another reason than that it is full.
    pub fn fill_up_to(&self, kilobytes: u64) -> Result<()> {
        let mut filler = File::create(self.filler())?;
        loop {
            match filler.write_all(&[0; 4096]) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => return Err(error.into()),
            }
        }
        let length = filler.metadata()?.len();
        filler.set_len(length.checked_sub(kilobytes * 1024).context("the disk is fuller than that already")?)?;
        Ok(())
    }

    /// Removes what [`SmallDisk::fill_up_to`] wrote.
    ///
    /// # Errors
    /// When nothing was written.
    pub fn free(&self) -> Result<()> {
        Ok(fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("other-apps")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a program that a failed test left may still sit on it. Nobody is left to tell.
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}
