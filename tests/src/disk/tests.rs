//! SQLite keeps its word on this disk, and not on a lying one.

use rusqlite::{Connection, Error};

use super::*;

/// Opens as engine and server do.
fn connect(folder: &Path) -> Result<Connection, Error> {
    let connection = Connection::open(folder.join("test.sqlite"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 8)?;
    connection.execute_batch("CREATE TABLE IF NOT EXISTS kept (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL)")?;
    Ok(connection)
}

/// Writes until the power goes; the last number whose commit was answered.
fn work(folder: &Path, from: i64) -> i64 {
    let mut kept = from;
    let Ok(connection) = connect(folder) else { return kept };
    for number in from + 1..from + 12 {
        let size = 200 + (number % 7) * 900;
        if connection.execute("INSERT INTO kept VALUES (?, zeroblob(?))", [number, size]).is_err() {
            break;
        }
        kept = number;
    }
    kept
}

/// The last number that is there after the power came back, if all before it is there and whole.
fn look(folder: &Path) -> Option<i64> {
    let connection = connect(folder).ok()?;
    let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).ok()?;
    let count = "SELECT count(*), coalesce(max(number), 0) FROM kept";
    let (count, last): (i64, i64) = connection.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?))).ok()?;
    (whole == "ok" && count == last).then_some(last)
}

/// Cuts the power at every operation in turn; how often a commit that was answered is gone.
fn cut_everywhere(skips_sync: bool) -> usize {
    let mut lost = 0;
    for seed in 0..3 {
        for operation in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let disk = Disk::attach(folder.path()).unwrap();
            let mut dice = Dice::new(seed * 1000 + operation);
            let first = work(folder.path(), 0);
            disk.flush();
            disk.skip_sync(skips_sync);
            disk.cut_after(Some(operation));
            let kept = work(folder.path(), first);
            let went = disk.is_down();
            disk.cut();
            disk.restart(&mut dice).unwrap();
            lost += usize::from(look(folder.path()).is_none_or(|last| last < kept));
            if !went {
                assert!(operation > 30, "the work is too small to prove anything");
                break;
            }
        }
    }
    lost
}

#[test]
fn what_was_committed_survives_a_cut_at_every_write() {
    assert_eq!(cut_everywhere(false), 0);
}

#[test]
fn a_disk_that_only_says_synced_loses_commits() {
    let lost = cut_everywhere(true);
    assert!(lost > 10, "{lost}");
}

#[test]
fn a_full_disk_says_so_and_keeps_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::attach(folder.path()).unwrap();
    let connection = connect(folder.path()).unwrap();
    connection.execute("INSERT INTO kept VALUES (1, zeroblob(9))", []).unwrap();
    disk.full_after(Some(1));
    let full = connection.execute("INSERT INTO kept VALUES (2, zeroblob(9000))", []).unwrap_err();
    assert_eq!(full.sqlite_error_code(), Some(rusqlite::ErrorCode::DiskFull));
    disk.full_after(None);
    connection.execute("INSERT INTO kept VALUES (2, zeroblob(9))", []).unwrap();
    drop(connection);
    assert_eq!(look(folder.path()), Some(2));
}

#[test]
fn files_elsewhere_are_no_machines() {
    let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let disk = Disk::attach(here.path()).unwrap();
    disk.cut();
    assert_eq!(work(here.path(), 0), 0);
    assert_eq!(work(elsewhere.path(), 0), 11);
    assert_eq!(disk.operations(), 0);
}
