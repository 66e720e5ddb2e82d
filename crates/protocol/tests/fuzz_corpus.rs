//! What the fuzzer keeps of the wire formats, read again.
#![expect(clippy::panic, reason = "a test")]

#[path = "../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/protocol.rs"]
mod targets;

#[test]
fn every_input_kept_by_the_fuzzer_is_taken_or_refused() {
    replay::all("bundle", targets::bundle);
    replay::all("receipt", targets::receipt);
    replay::all("header", targets::header);
    replay::all("reply", targets::reply);
    replay::all("pages", targets::pages);
    replay::all("frames", targets::frames);
    replay::all("parcel", targets::parcel);
    replay::all("account", targets::account);
}
