//! Changes from outside.

use std::cell::Cell;
use std::sync::Once;

use lentera_document::guard::{Accepted, Watch, change_hash, examine, prescan};
use lentera_document::{Actor, ChangeHash, Document, Fields, fields_of, project};
use lentera_domain::{Kind, RecordId, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Changes that the document of the same kind may hold already: those of the first released version.
const KEPT: [(Kind, &str); 4] = [
    (Kind::LogEntry, include_str!("../../crates/document/tests/fixtures/v1/log_entry.create.hex")),
    (Kind::Umkm, include_str!("../../crates/document/tests/fixtures/v1/umkm.create.hex")),
    (Kind::UmkmOwner, include_str!("../../crates/document/tests/fixtures/v1/umkm_owner.create.hex")),
    (Kind::Visit, include_str!("../../crates/document/tests/fixtures/v1/visit.create.hex")),
];

thread_local! {
    /// The guard is decoding: a panic of the decoder is what it is there for.
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

struct Decoding;

impl Watch for Decoding {
    fn begin(&self, _hash: ChangeHash) {
        DECODING.set(true);
    }

    fn end(&self, _hash: ChangeHash) {
        DECODING.set(false);
    }
}

/// Panics inside the guard are neither printed nor do they end the process; all others do as ever.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !DECODING.get() {
                before(panic);
            }
        }));
    });
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks_exact(2).filter_map(|pair| u8::try_from(pair.iter().fold(0, |byte, digit| byte * 16 + digit)).ok()).collect()
}

/// The chunk with the frame that a change must have: magic, type, length and checksum.
fn mended(body: &[u8]) -> Vec<u8> {
    let mut hashed = vec![1];
    let mut length = body.len();
    while length >= 0x80 {
        hashed.extend(u8::try_from(length & 0x7f).map(|low| low | 0x80));
        length >>= 7;
    }
    hashed.extend(u8::try_from(length));
    hashed.extend(body);
    let mut chunk = vec![0x85, 0x6f, 0x4a, 0x83];
    chunk.extend(Sha256::digest(&hashed).iter().take(4));
    chunk.extend(hashed);
    chunk
}

fn judge(bytes: &[u8], is_filled: bool) {
    let Some((kind, body)) = bytes.split_first() else { return };
    let Some((kind, create)) = KEPT.get(usize::from(*kind) % KEPT.len()) else { return };
    let id = RecordId { kind: *kind, id: Uuid::nil() };
    let kept: Vec<Vec<u8>> = if is_filled { vec![unhex(create)] } else { Vec::new() };
    let Ok(document) = Document::load(id, kept.iter().map(Vec::as_slice)) else { return };
    quiet();
    for chunk in [body.to_vec(), mended(body)] {
        if let Ok(accepted) = examine(&document, None, &chunk, &Decoding) {
            check(&document, &kept, &chunk, &accepted);
        }
    }
}

/// What was accepted is whole: it loads again from its bytes, shows the same, is known from then on, and can be written on.
fn check(before: &Document, kept: &[Vec<u8>], chunk: &[u8], accepted: &Accepted) {
    if accepted.known {
        return;
    }
    assert_eq!(change_hash(chunk), Some(accepted.hash));
    let all = kept.iter().map(Vec::as_slice).chain([chunk]);
    let loaded = Document::load(before.id(), all);
    assert!(loaded.as_ref().is_ok_and(|loaded| loaded.fields() == accepted.document.fields()), "does not load as it was judged");
    assert!(project(&accepted.document).is_ok_and(|record| record == accepted.projection));
    assert!(examine(&accepted.document, None, chunk, &Decoding).is_ok_and(|again| again.known));
    let mut next = accepted.document.clone();
    let later = fields_of(&serde_json::json!({ "a_key_of_a_later_version": 1 })).unwrap_or_default();
    let written = next.write(Actor::derive(&[200; 32], 0), Timestamp::from_millis(0), &Fields::default(), &later);
    let next = written.ok().flatten().map(|change| examine(&accepted.document, None, &change.bytes, &Decoding));
    assert!(next.is_some_and(|judged| judged.is_ok()), "nothing can be written on it");
    for conflict in accepted.document.conflicts() {
        assert!(conflict.values.len() > 1 && conflict.values.iter().filter(|value| value.shown).count() == 1, "{conflict:?}");
    }
}

/// A first change to a document of the kind that the first byte says; the rest is the chunk, or what is in it.
pub fn guard_empty(bytes: &[u8]) {
    judge(bytes, false);
}

/// A second change.
pub fn guard_filled(bytes: &[u8]) {
    judge(bytes, true);
}

/// What a change claims to be, without decoding it; and the bytes of one that a disk has damaged.
pub fn prescan(bytes: &[u8]) {
    for chunk in [bytes.to_vec(), mended(bytes)] {
        if let Ok(measure) = prescan::measure(&chunk) {
            assert!(measure.ops > 0 && measure.ops <= lentera_document::guard::CHANGE_OPS_MAX);
            assert_eq!(change_hash(&chunk), Some(measure.hash));
        }
    }
}
