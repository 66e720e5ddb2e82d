//! A damaged database is set aside, whole and for ever, and a new one is made of what can be read of it.
//!
//! The steps can be cut at any instant: the new database is made beside (`lentera.sqlite.rescuing`), and only when it is complete does
//! it get the name (`lentera.sqlite.rescued-TIME`) that lets [`finish`] rename the damaged files to `lentera.sqlite.damaged-TIME` and
//! put it in their place. Nothing is ever written to the damaged files: they are read as a copy.

mod copy;
mod pages;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use lentera_api::view::Rescue;
use lentera_domain::{Nip, Timestamp};
use rusqlite::{Connection, params};

use super::identity::KeyState;
use super::{MIGRATIONS, Store, StoreError, bundle, identity, record, stream};

/// What belongs to a database beside its own file.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];
/// Milliseconds by which the office's zone (WITA) is ahead of UTC.
const WITA: i64 = 8 * 3_600_000;

/// Whether there is a database at `database`, or one that was rescued for it.
pub fn exists(database: &Path) -> bool {
    database.exists() || !rescued(database).is_empty()
}

/// Puts a rescued database in its place, where a rescue was cut short.
///
/// # Errors
/// Those of the file system.
pub fn finish(database: &Path) -> io::Result<()> {
    for (new, time) in rescued(database) {
        let damaged = beside(database, &format!(".damaged-{time}"));
        // The database itself last: as long as it is there, its companions are still its own.
        for companion in COMPANIONS {
            rename(&beside(database, companion), &beside(&damaged, companion))?;
        }
        rename(database, &damaged)?;
        sync_parent(database)?;
        rename(&new, database)?;
        sync_parent(database)?;
    }
    Ok(())
}

/// Makes a new database of what can be read of the one at `database`, and sets that aside.
///
/// # Errors
/// [`StoreError`], on a full disk for one; the damaged database is as it was then.
pub fn rescue(database: &Path, now: Timestamp) -> Result<(), StoreError> {
    let (reading, rescuing) = (beside(database, ".reading"), beside(database, ".rescuing"));
    remove(&reading)?;
    remove(&rescuing)?;
    fs::copy(database, &reading)?;
    // The index of the journal is made anew from the journal itself.
    let journal = beside(database, "-wal");
    if journal.exists() {
        fs::copy(&journal, beside(&reading, "-wal"))?;
    }
    let time = free_time(database, now);
    let kept_at = beside(database, &format!(".damaged-{time}"));
    make(&reading, &rescuing, &kept_at, now)?;
    remove(&reading)?;
    File::open(&rescuing)?.sync_all()?;
    rename(&rescuing, &beside(database, &format!(".rescued-{time}")))?;
    sync_parent(database)?;
    Ok(finish(database)?)
}

/// Makes the new database.
fn make(reading: &Path, rescuing: &Path, kept_at: &Path, now: Timestamp) -> Result<(), StoreError> {
    let version = |source: Connection| source.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0));
    let version = Connection::open(reading).and_then(version).unwrap_or(0);
    let mut new = Store::open_as(rescuing, version as usize)?;
    let unread = new.write(|transaction| copy::all(reading, transaction))?;
    new.migrate_to(MIGRATIONS.len())?;
    new.write(|transaction| {
        let counts = copy::mend(transaction)?;
        let missing = unread.and(counts.missing);
        if missing.is_fetched() {
            // What was lost and had arrived comes again.
            stream::clear(transaction)?;
        }
        match identity::find(transaction) {
            Ok(Some(identity)) => {
                // A number or a name that the lost rows used must not be used again.
                identity::raise_generation(transaction)?;
                // A device is not sent its own changes: where some were lost, now or at an earlier rescue, another key must ask for them.
                let is_lost = missing.is_log() || identity.key_state == KeyState::Frozen;
                let state = if is_lost { KeyState::Frozen } else { KeyState::Rescued };
                identity::set_key_state(transaction, state)?;
                // What was still to be asked about them is not read: all is asked again.
                bundle::return_earlier_keys(transaction, identity.device())?;
            }
            Ok(None) => {}
            // The person enrols again, and what was typed goes on then.
            Err(_) => drop(transaction.execute("DELETE FROM identity", [])?),
        }
        record::rebuild(transaction)?;
        transaction.execute(
            "INSERT INTO rescue (at, kept_at, changes, drafts, complete) VALUES (?, ?, ?, ?, ?)",
            params![now.millis(), kept_at.display().to_string(), counts.changes, counts.drafts, missing.is_nothing()],
        )?;
        Ok::<_, StoreError>(())
    })?;
    new.close_whole()
}

/// The last rescue that the person has not seen yet.
///
/// # Errors
/// [`StoreError`].
pub fn unseen(connection: &Connection) -> Result<Option<Rescue>, StoreError> {
    let sql = "SELECT at, kept_at, changes, drafts, complete FROM rescue WHERE acknowledged_at IS NULL ORDER BY position DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Rescue {
        at: Timestamp::from_millis(row.get(0)?),
        kept_at: row.get(1)?,
        changes: row.get(2)?,
        drafts: row.get(3)?,
        complete: row.get(4)?,
    }))
}

/// The person has seen that there was a rescue.
///
/// # Errors
/// [`StoreError`].
pub fn acknowledge(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    connection.execute("UPDATE rescue SET acknowledged_at = ? WHERE acknowledged_at IS NULL", [now.millis()])?;
    Ok(())
}

/// Whose work lies in a database whose identity was lost: who owns the entries that were written there. `None` where that cannot be told.
///
/// # Errors
/// [`StoreError`].
pub fn owner(connection: &Connection) -> Result<Option<Nip>, StoreError> {
    let sql = "SELECT DISTINCT owner FROM log_entry WHERE id IN (SELECT id FROM change WHERE intent IS NOT NULL)";
    let mut statement = connection.prepare(sql)?;
    let owners: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let [owner] = owners.as_slice() else { return Ok(None) };
    Ok(Nip::parse(owner).ok())
}

/// Rescued databases that are not in their place yet, each with its time.
fn rescued(database: &Path) -> Vec<(PathBuf, String)> {
    let Some((folder, name)) = database.parent().zip(database.file_name()) else { return Vec::new() };
    let prefix = format!("{}.rescued-", name.to_string_lossy());
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.filter_map(|entry| Some(entry.ok()?.path()));
    entries.filter_map(|path| Some((path.clone(), path.file_name()?.to_str()?.strip_prefix(&prefix)?.to_owned()))).collect()
}

/// `now` in UTC as `20261123T020000Z`, with a number behind it where that is taken.
fn free_time(database: &Path, now: Timestamp) -> String {
    let utc = now.plus_millis(-WITA);
    let (date, time) = (utc.day().date(), utc.time_of_day().minutes());
    let time = format!("{}T{:02}{:02}Z", date.format("%Y%m%d"), time / 60, time % 60);
    let taken = |time: &str| beside(database, &format!(".damaged-{time}")).exists();
    let numbered = (2_u32..).map(|number| format!("{time}-{number}"));
    std::iter::once(time.clone()).chain(numbered).find(|time| !taken(time)).unwrap_or(time)
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}

/// Removes a database of our own making, never a person's.
fn remove(database: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(beside(database, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
