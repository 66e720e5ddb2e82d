//! What the fuzzer keeps of typed text and of records, parsed again.
#![expect(clippy::panic, reason = "a test")]

#[path = "../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/domain.rs"]
mod targets;

#[test]
fn every_input_kept_by_the_fuzzer_is_taken_or_refused() {
    replay::all("typed", targets::typed);
    replay::all("forms", targets::forms);
    replay::all("records", targets::records);
}
