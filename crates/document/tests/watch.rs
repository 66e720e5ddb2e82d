//! The watch outlives the process that it watches.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::PathBuf;
use std::process::Command;

use lentera_document::guard::{FileWatch, Watch, watch_hash};

/// Tells the child process that it is one, and which file to use.
const FILE: &str = "LENTERA_WATCH_TEST_FILE";

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("watch");
    (folder, path)
}

/// Runs only as the child of the test below: it dies in the middle of an examination, as an aborted allocation would make it.
#[test]
fn dies_as_a_child() {
    if let Some(path) = std::env::var_os(FILE) {
        let (watch, _) = FileWatch::open(&PathBuf::from(path)).unwrap();
        watch.begin(watch_hash(b"harmless"));
        watch.begin(watch_hash(b"poison"));
        watch.end(watch_hash(b"harmless"));
        std::process::abort();
    }
}

#[test]
fn names_what_the_last_process_died_of() {
    let (_folder, path) = file();
    let test = std::env::current_exe().unwrap();
    for _ in 0..2 {
        let child = Command::new(&test).args(["--exact", "dies_as_a_child"]).env(FILE, &path).output().unwrap();
        assert!(!child.status.success());
        assert_eq!(FileWatch::open(&path).unwrap().1, [watch_hash(b"poison")]);
        assert_eq!(FileWatch::open(&path).unwrap().1, [] as [[u8; 32]; 0]);
    }
}

#[test]
fn what_ended_is_forgotten_and_the_same_twice_is_twice() {
    let (_folder, path) = file();
    let (watch, found) = FileWatch::open(&path).unwrap();
    assert!(found.is_empty());
    let name = watch_hash(b"one");
    watch.begin(name);
    watch.begin(name);
    watch.end(name);
    watch.end(watch_hash(b"never begun"));
    assert_eq!(FileWatch::open(&path).unwrap().1, [name]);
}

#[test]
fn more_threads_than_slots_find_room() {
    let (_folder, path) = file();
    let (watch, _) = FileWatch::open(&path).unwrap();
    let names: Vec<_> = (0..200_u8).map(|n| watch_hash(&[n])).collect();
    names.iter().for_each(|name| watch.begin(*name));
    names.iter().skip(1).for_each(|name| watch.end(*name));
    assert_eq!(FileWatch::open(&path).unwrap().1, names[..1]);
}

#[test]
fn a_damaged_file_is_no_obstacle() {
    let (_folder, path) = file();
    for bytes in [vec![], vec![1; 10], vec![0xff; 100_000]] {
        std::fs::write(&path, bytes).unwrap();
        let (watch, _) = FileWatch::open(&path).unwrap();
        watch.begin(watch_hash(b"one"));
        assert_eq!(FileWatch::open(&path).unwrap().1, [watch_hash(b"one")]);
    }
}
