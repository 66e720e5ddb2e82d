//! A change too large for one bundle comes in parts, each alone in its bundle.

use lentera_protocol::Hash;
use lentera_protocol::bundle::{Change, Part};
use lentera_protocol::limits::CHANGE_MAX;

use crate::storage::{DocumentKey, KeptPart};

/// The code of a part that does not continue those before it, or does not make the change it names.
pub const BAD_PART: &str = "bad_part";

/// What a part makes of those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assembled {
    /// There are more to come.
    Part(KeptPart),
    /// The whole change.
    Whole(Change),
    /// It has no place here; the part as it came.
    Bad(Change),
}

/// Puts a part, which came in the bundle of this `number`, behind those `before`.
pub fn assemble(before: Vec<KeptPart>, number: u64, change: Change) -> Assembled {
    let Some(part) = change.part else { return Assembled::Whole(change) };
    let key = DocumentKey { kind: change.kind, id: change.id };
    let length = part.length as usize;
    let reached = part.offset as usize + change.bytes.len();
    let belongs = |kept: &KeptPart| kept.key == key && (kept.part.whole, kept.part.length) == (part.whole, part.length);
    let follows = if part.offset == 0 {
        before.is_empty()
    } else {
        before
            .last()
            .is_some_and(|last| last.number + 1 == number && last.part.offset as usize + last.bytes.len() == part.offset as usize)
            && before.iter().all(belongs)
    };
    if change.bytes.is_empty() || length > CHANGE_MAX || reached > length || !follows {
        return Assembled::Bad(change);
    }
    if reached < length {
        return Assembled::Part(KeptPart { number, key, part, bytes: change.bytes });
    }
    let mut bytes: Vec<u8> = before.into_iter().flat_map(|kept| kept.bytes).collect();
    bytes.extend_from_slice(&change.bytes);
    if is_whole(&bytes, part) { Assembled::Whole(Change { bytes, part: None, ..change }) } else { Assembled::Bad(change) }
}

fn is_whole(bytes: &[u8], part: Part) -> bool {
    bytes.len() == part.length as usize && Hash::of(bytes) == part.whole
}
