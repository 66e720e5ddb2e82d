//! No byte from outside reaches Automerge unchecked.
//!
//! Automerge 0.12 panics on many damaged changes, aborts on some by allocation, accepts some that it cannot save, and queues
//! what lacks a dependency without a word. So a foreign change is first measured without being decoded ([`prescan`]) and put to its
//! place, then decoded under `catch_unwind`, compared with its own bytes, applied to a copy, saved, loaded and read; only then is it
//! accepted. What ends the process all the same is known by its [`Watch`] at the next start.

pub mod prescan;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, Change, ROOT, ReadDoc, ValueRef};
use sha2::{Digest, Sha256};

use self::prescan::Measure;
#[cfg(not(target_arch = "wasm32"))]
pub use self::watch::FileWatch;
pub use self::watch::{NoWatch, Watch};
use crate::genesis::KIND_KEY;
use crate::projection::project_fields;
use crate::{Actor, ChangeHash, Document, Projection, project};

/// Bytes of one change at most. The longest record of today is about 30 KB, with every text at its limit in four-byte characters.
pub const CHANGE_BYTES_MAX: usize = 48 * 1024;
/// Operations of one change at most; a record has some twenty fields.
pub const CHANGE_OPS_MAX: u64 = 256;
/// Values that the operations of one change write over at most: each field may stand in conflict many times over.
pub const CHANGE_PREDECESSORS_MAX: u64 = 4096;
/// Dependencies of one change at most: one for each head that devices left apart.
pub const CHANGE_DEPS_MAX: u64 = 256;
/// Other writers that one change may name at most: those whose values it writes over.
pub const CHANGE_ACTORS_MAX: u64 = 256;
/// Numbers of a document's operations stay below this.
pub const OP_NUMBER_MAX: u64 = 1 << 31;
/// Changes of one document at most.
pub const DOCUMENT_CHANGES_MAX: usize = 10_000;

/// Why a change was not accepted. The codes travel in receipts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Larger than allowed, in bytes, operations, dependencies or changes of the document.
    #[error("too_large")]
    TooLarge,
    /// Not a change, or one that does not come out of the decoder as it went in.
    #[error("malformed")]
    Malformed,
    /// Its hash is not the one it was announced under.
    #[error("hash_mismatch")]
    HashMismatch,
    /// Written by another than the device that sends it.
    #[error("wrong_actor")]
    WrongActor,
    /// Its number is not the next of its writer in this document.
    #[error("wrong_seq")]
    WrongSeq,
    /// It builds on a change that is not here (yet).
    #[error("need")]
    Need(ChangeHash),
    /// The record it makes is not one: a field missing, of a wrong type or over its limit.
    #[error("bad_record")]
    BadRecord,
}

impl Refusal {
    /// The code in receipts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::HashMismatch => "hash_mismatch",
            Self::WrongActor => "wrong_actor",
            Self::WrongSeq => "wrong_seq",
            Self::Need(_) => "need",
            Self::BadRecord => "bad_record",
        }
    }
}

/// A foreign change that passed, and the document with it applied.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The change's name.
    pub hash: ChangeHash,
    /// The document with the change.
    pub document: Document,
    /// The record it now holds.
    pub projection: Projection,
    /// The change was here before: nothing is to be stored.
    pub known: bool,
}

/// The name of a change chunk, from its bytes alone; `None` for bytes that are none or over a limit.
pub fn change_hash(bytes: &[u8]) -> Option<ChangeHash> {
    prescan::measure(bytes).ok().map(|measure| measure.hash)
}

/// The name of any bytes for a [`Watch`]: SHA-256 of all of them.
pub fn watch_hash(bytes: &[u8]) -> ChangeHash {
    Sha256::digest(bytes).into()
}

/// Judges one foreign change to `document`, which holds the changes accepted so far. `actor` is the writer it must be of, where that
/// is known (the server knows it from the bundle; a device takes the server's word). `watch` is told before the bytes are decoded.
///
/// # Errors
/// A [`Refusal`]; nothing was changed.
pub fn examine(document: &Document, actor: Option<Actor>, bytes: &[u8], watch: &dyn Watch) -> Result<Accepted, Refusal> {
    let measure = prescan::measure(bytes)?;
    if actor.is_some_and(|actor| actor.as_bytes() != measure.actor.as_slice()) {
        return Err(Refusal::WrongActor);
    }
    if document.holds(&measure.hash) {
        let projection = project(document).map_err(|_| Refusal::BadRecord)?;
        return Ok(Accepted { hash: measure.hash, document: document.clone(), projection, known: true });
    }
    check_place(document, &measure)?;
    let name = watch_hash(bytes);
    watch.begin(name);
    let judged = catch_unwind(AssertUnwindSafe(|| decode_and_apply(document, &measure, bytes)));
    watch.end(name);
    judged.unwrap_or(Err(Refusal::Malformed))
}

/// It is the next change of its writer, and stands on changes that are here.
fn check_place(document: &Document, measure: &Measure) -> Result<(), Refusal> {
    let before = document.doc.get_changes_meta(&[]);
    // One of them is the genesis.
    if before.len() > DOCUMENT_CHANGES_MAX {
        return Err(Refusal::TooLarge);
    }
    // All begin with the genesis of their kind.
    if measure.deps.is_empty() {
        return Err(Refusal::Malformed);
    }
    let deps: Vec<_> = measure.deps.iter().copied().map(automerge::ChangeHash).collect();
    if let Some(missing) = document.doc.get_missing_deps(&deps).first() {
        return Err(Refusal::Need(missing.0));
    }
    let last_seq = before.iter().filter(|change| change.actor.to_bytes() == measure.actor).map(|change| change.seq).max();
    if measure.seq != last_seq.unwrap_or(0) + 1 {
        return Err(Refusal::WrongSeq);
    }
    // Numbers of operations go on from what it stands on, so that nobody can use them up for everybody.
    let last_op = before.iter().filter(|change| deps.contains(&change.hash)).map(|change| change.max_op).max();
    if measure.start_op != last_op.unwrap_or(0) + 1 { Err(Refusal::Malformed) } else { Ok(()) }
}

fn decode_and_apply(document: &Document, measure: &Measure, bytes: &[u8]) -> Result<Accepted, Refusal> {
    let change = Change::try_from(bytes).map_err(|_| Refusal::Malformed)?;
    let hash = change.hash();
    if hash.0 != measure.hash {
        return Err(Refusal::HashMismatch);
    }
    let encoded_again = Change::from(change.decode());
    if change.raw_bytes() != bytes || encoded_again.raw_bytes() != bytes || change.len() as u64 != measure.ops {
        return Err(Refusal::Malformed);
    }
    let mut document = document.clone();
    document.doc.apply_changes([change]).map_err(|_| Refusal::Malformed)?;
    let heads = document.doc.get_heads();
    // Loading makes every change anew from what was saved and compares the names of the last: this one stands byte for byte as sent.
    let loaded = Automerge::load(&document.doc.save_nocompress()).map_err(|_| Refusal::Malformed)?;
    if !heads.contains(&hash) || loaded.get_heads() != heads {
        return Err(Refusal::Malformed);
    }
    let fields = document.fields();
    if !is_flat(&document)
        || fields.get(KIND_KEY).and_then(serde_json::Value::as_i64) != Some(i64::from(document.id().kind.number()))
    {
        return Err(Refusal::BadRecord);
    }
    let projection = project_fields(document.id().kind, &fields).map_err(|_| Refusal::BadRecord)?;
    if !projection.is_within_limits() {
        return Err(Refusal::BadRecord);
    }
    Ok(Accepted { hash: hash.0, document, projection, known: false })
}

/// Every value is a scalar, losers of conflicts too.
fn is_flat(document: &Document) -> bool {
    document.doc.map_range(ROOT, ..).all(|item| {
        let losers = if item.conflict { document.doc.get_all(ROOT, item.key.as_ref()).unwrap_or_default() } else { Vec::new() };
        matches!(item.value, ValueRef::Scalar(_)) && losers.iter().all(|(value, _)| value.is_scalar())
    })
}

#[cfg(test)]
mod tests;
