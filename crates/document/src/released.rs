//! For tests: the first released documents, which every later version reads.

use std::sync::LazyLock;

use lentera_domain::{Kind, RecordId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::guard::{NoWatch, examine};
use crate::{Document, Projection};

/// One document of the first version: made by one device, edited by another.
pub(crate) struct Released {
    /// Which record.
    pub(crate) id: RecordId,
    /// The genesis, as bytes of a change.
    pub(crate) genesis: Vec<u8>,
    /// The change that made the record.
    pub(crate) create: Vec<u8>,
    /// The change that edited it.
    pub(crate) edit: Vec<u8>,
    /// JSON of the record after both.
    pub(crate) json: &'static str,
}

impl Released {
    /// The document before `create`, or between both.
    pub(crate) fn before(&self, edit: bool) -> Document {
        let kept: &[&[u8]] = if edit { &[&self.create] } else { &[] };
        Document::load(self.id, kept.iter().copied()).unwrap()
    }
}

macro_rules! released {
    ($kind:ident, $id:literal, $name:literal) => {
        Released {
            id: RecordId { kind: Kind::$kind, id: Uuid::from_u128($id) },
            genesis: bytes(include_str!(concat!("../tests/fixtures/v1/", $name, ".genesis.hex"))),
            create: bytes(include_str!(concat!("../tests/fixtures/v1/", $name, ".create.hex"))),
            edit: bytes(include_str!(concat!("../tests/fixtures/v1/", $name, ".edit.hex"))),
            json: include_str!(concat!("../tests/fixtures/v1/", $name, ".json")),
        }
    };
}

/// One of each kind. The devices' keys are those of the Ed25519 seeds `[7; 32]` (generation 0) and `[8; 32]` (generation 1).
pub(crate) static RELEASED: LazyLock<[Released; 4]> = LazyLock::new(|| {
    [
        released!(LogEntry, 0x0191_0000_0000_7000_8000_0000_0000_0001, "log_entry"),
        released!(Umkm, 0x0191_0000_0000_7000_8000_0000_0000_0002, "umkm"),
        released!(UmkmOwner, 0x0191_0000_0000_7000_8000_0000_0000_0002, "umkm_owner"),
        released!(Visit, 0x0191_0000_0000_7000_8000_0000_0000_0004, "visit"),
    ]
});

/// The chunk with its checksum made right, so that what was done to it is not found by that alone.
pub(crate) fn mend(chunk: &mut [u8]) {
    if chunk.len() > 8 {
        let checksum = Sha256::digest(&chunk[8..]);
        chunk[4..8].copy_from_slice(&checksum[..4]);
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn the_first_released_documents_are_read_for_ever() {
    for (released, kind) in RELEASED.iter().zip(Kind::ALL) {
        assert_eq!(released.genesis, crate::genesis::genesis(kind), "{kind:?}");
        let made = examine(&released.before(false), None, &released.create, &NoWatch).unwrap();
        let edited = examine(&made.document, None, &released.edit, &NoWatch).unwrap();
        assert!(!made.known && !edited.known);
        let json: serde_json::Value = serde_json::from_str(released.json).unwrap();
        let again = match edited.projection {
            Projection::LogEntry(entry) => serde_json::to_value(entry),
            Projection::Umkm(umkm) => serde_json::to_value(umkm),
            Projection::UmkmOwner(owner) => serde_json::to_value(owner),
            Projection::Visit(visit) => serde_json::to_value(visit),
        };
        assert_eq!(again.unwrap(), json, "{kind:?}");
    }
}
