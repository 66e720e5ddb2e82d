//! What the fuzzer keeps of damaged databases, read again.
#![expect(clippy::panic, reason = "a test")]

#[path = "../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/engine.rs"]
mod targets;

#[test]
fn every_page_kept_by_the_fuzzer_is_read_or_passed_over() {
    replay::all("database_pages", targets::database_pages);
}
