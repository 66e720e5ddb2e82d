//! Real changes, damaged in every way one can think of, their checksum made right again so that it gets deep.

use std::sync::Once;

use crate::released::{RELEASED, Released, mend};

use super::*;

/// Automerge's panics are caught by the guard; ten thousand of them are not to be printed.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.location().is_some_and(|at| at.file().contains("automerge") || at.file().contains("hexane")) {
                print(info);
            }
        }));
    });
}

/// Whatever of `mutants` passes must be whole: it loads again from its bytes, and an honest change on top passes (tried with every
/// fourth, for the time it takes). Returns how many there were, and how many passed.
fn all_hold(released: &Released, edit: bool, mutants: impl Iterator<Item = Vec<u8>>) -> (usize, usize) {
    quiet();
    let before = released.before(edit);
    let honest = if edit { &released.edit } else { &released.create };
    let (mut count, mut passed) = (0, 0);
    for mut mutant in mutants {
        mend(&mut mutant);
        if mutant == *honest {
            continue;
        }
        count += 1;
        let Ok(accepted) = examine(&before, None, &mutant, &NoWatch) else { continue };
        passed += 1;
        let kept = accepted.document.doc.get_change_by_hash(&automerge::ChangeHash(accepted.hash)).unwrap();
        assert_eq!(kept.raw_bytes(), mutant, "it does not stand as it was sent");
        if passed % 4 != 1 {
            continue;
        }
        let kept = [released.create.as_slice()].into_iter().take(usize::from(edit)).chain([mutant.as_slice()]);
        let again = Document::load(released.id, kept).unwrap();
        assert_eq!(project(&again).unwrap(), accepted.projection);
        let next = forged(&accepted.document, 200, CommitOptions::default(), &[("later", 1.into())]);
        examine(&accepted.document, None, &next, &NoWatch).unwrap();
    }
    (count, passed)
}

fn replaced(bytes: &[u8], at: usize, value: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] = value;
    bytes
}

/// Each bit flipped, and each byte at the edges of LEB128.
fn single_bytes(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len()).flat_map(move |at| {
        let flips = (0..8).map(move |bit| bytes[at] ^ 1 << bit);
        flips.chain([0, 0x7f, 0xff]).map(move |value| replaced(bytes, at, value))
    })
}

/// Cut at each place, each byte left out, each doubled; the chunk's own length made right as far as one byte can say it.
fn lengths(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (12..bytes.len()).flat_map(move |at| {
        let cut = bytes[..at].to_vec();
        let left_out = [&bytes[..at], &bytes[at + 1..]].concat();
        let doubled = [&bytes[..=at], &bytes[at..]].concat();
        [cut, left_out, doubled].into_iter().flat_map(|mutant| [with_length(&mutant), mutant])
    })
}

/// The chunk with the length it has, written in as many bytes as before (two in all released ones over 127 bytes, else one).
fn with_length(chunk: &[u8]) -> Vec<u8> {
    let mut chunk = chunk.to_vec();
    let width = if chunk[9] & 0x80 == 0 { 1 } else { 2 };
    let length = chunk.len() - 9 - width;
    if width == 1 {
        chunk[9] = (length & 0x7f) as u8;
    } else {
        chunk[9] = (length & 0x7f) as u8 | 0x80;
        chunk[10] = (length >> 7) as u8;
    }
    chunk
}

fn every_byte_of(kind: usize) {
    let released = &RELEASED[kind];
    let mut totals = (0, 0);
    for edit in [false, true] {
        let bytes = if edit { &released.edit } else { &released.create };
        let (count, passed) = all_hold(released, edit, single_bytes(bytes).chain(lengths(bytes)));
        totals = (totals.0 + count, totals.1 + passed);
    }
    // Some are honest changes of another text or time: those pass, and hold.
    assert!(totals.0 > 3_000 && (50..totals.0 / 2).contains(&totals.1), "{totals:?}");
}

#[test]
fn every_byte_of_a_log_entry() {
    every_byte_of(0);
}

#[test]
fn every_byte_of_an_enterprise() {
    every_byte_of(1);
}

#[test]
fn every_byte_of_an_owner() {
    every_byte_of(2);
}

#[test]
fn every_byte_of_a_visit() {
    every_byte_of(3);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 3_000, rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..Default::default() })]
    /// A few damages at once, anywhere.
    #[test]
    fn several_at_once(kind in 0usize..4, edit: bool, damages in proptest::collection::vec((9usize..400, 0u8..=255), 1..6)) {
        let released = &RELEASED[kind];
        let mut mutant = if edit { released.edit.clone() } else { released.create.clone() };
        for (at, value) in damages {
            let length = mutant.len();
            mutant[9 + at % (length - 9)] = value;
        }
        all_hold(released, edit, std::iter::once(mutant));
    }

    /// A stretch of one change put into another.
    #[test]
    fn grafts(from in 0usize..8, into in 0usize..8, start in 9usize..400, length in 1usize..60, at in 9usize..400) {
        let change = |n: usize| if n.is_multiple_of(2) { &RELEASED[n / 2].create } else { &RELEASED[n / 2].edit };
        let source = change(from);
        let start = start.min(source.len());
        let graft = &source[start..(start + length).min(source.len())];
        let mut mutant = change(into).clone();
        let at = at.min(mutant.len());
        mutant.splice(at..(at + graft.len()).min(change(into).len()), graft.iter().copied());
        all_hold(&RELEASED[into / 2], into % 2 == 1, [with_length(&mutant), mutant].into_iter());
    }
}
