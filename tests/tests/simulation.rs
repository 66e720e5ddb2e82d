//! The test of the test: the simulation sees bugs, and sees none where there are none.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use lentera_tests::simulation::{Bug, DEVICES, Fault, Outcome, Template, history, run};
use tokio::runtime::{Builder, Runtime};

/// Seeds that showed a bug of the programs, long ago: a frozen key thawed by a second rescue; values in conflict written over unseen; a
/// damaged database that was not read for a table of names alone; a bundle that was taken back over a hole; a bundle held back for a twin.
const WENT_WRONG_ONCE: [u64; 8] = [1339, 2112, 3866, 4912, 5217, 5589, 9078, 30222];
/// Each bug must be seen within so many seeds.
const SEEDS_MAX: u64 = 40;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What came of the first seed that shows `bug`.
fn first_seen(bug: Bug) -> Outcome {
    first_where(bug, |outcome| !outcome.failures.is_empty())
}

fn first_where(bug: Bug, is_seen: impl Fn(&Outcome) -> bool) -> Outcome {
    let runtime = runtime();
    let template = Template::make(&runtime).unwrap();
    let outcomes = (1..=SEEDS_MAX).map(|seed| run(&runtime, &template, seed, &history(seed, DEVICES), Some(bug), false));
    outcomes.into_iter().find(is_seen).expect("the bug was not seen")
}

#[test]
fn nothing_is_wrong_where_nothing_was_planted() {
    let runtime = runtime();
    let template = Template::make(&runtime).unwrap();
    for seed in (1..=5).chain(WENT_WRONG_ONCE) {
        let failures = run(&runtime, &template, seed, &history(seed, DEVICES), None, false).failures;
        assert!(failures.is_empty(), "seed {seed}: {failures:?}");
    }
}

#[test]
fn a_disk_that_does_not_sync_is_seen() {
    first_seen(Bug::LyingDisk);
}

#[test]
fn an_answer_before_the_commit_is_seen() {
    assert_eq!(first_seen(Bug::AnswerBeforeCommit).failures[0].fault, Fault::Lie);
}

#[test]
fn a_cursor_past_a_row_that_was_not_given_is_seen() {
    assert_eq!(first_seen(Bug::CursorPastRow).failures[0].fault, Fault::Diverged);
}

#[test]
fn a_dropped_dependent_change_is_seen() {
    assert_eq!(first_seen(Bug::DependentDropped).failures[0].fault, Fault::Lie);
}

#[test]
fn a_seq_given_twice_is_seen() {
    // That the edit before is gone shows, too; it is the guard that must see the second one of its seq.
    first_where(Bug::SeqReused, |outcome| outcome.seen.get("seqs given twice").is_some_and(|count| *count > 0));
}
