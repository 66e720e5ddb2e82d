//! What the fuzzer keeps of invites, read again.
#![expect(clippy::panic, reason = "a test")]

#[path = "../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/api.rs"]
mod targets;

#[test]
fn every_input_kept_by_the_fuzzer_is_taken_or_refused() {
    replay::all("invite", targets::invite);
}
