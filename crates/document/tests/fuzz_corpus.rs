//! What the fuzzer keeps of changes from outside, given to the guard again.
#![expect(clippy::panic, reason = "a test")]

#[path = "../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/document.rs"]
mod targets;

#[test]
fn every_input_kept_by_the_fuzzer_is_taken_or_refused() {
    replay::all("guard_empty", targets::guard_empty);
    replay::all("guard_filled", targets::guard_filled);
    replay::all("prescan", targets::prescan);
}
