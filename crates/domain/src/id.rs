//! Names of records.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Nip, Timestamp};

/// What a record is about. Its number is part of the wire format and never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One activity of one person's day (kegiatan harian).
    LogEntry,
    /// A small enterprise (usaha).
    Umkm,
    /// What the law protects about its owner, apart from [`Kind::Umkm`] so that fewer people receive it (UU 27/2022).
    UmkmOwner,
    /// One visit to an enterprise (kunjungan).
    Visit,
}

impl Kind {
    /// Every kind, by its number.
    pub const ALL: [Self; 4] = [Self::LogEntry, Self::Umkm, Self::UmkmOwner, Self::Visit];

    /// Its number on the wire.
    pub const fn number(self) -> u16 {
        match self {
            Self::LogEntry => 1,
            Self::Umkm => 2,
            Self::UmkmOwner => 3,
            Self::Visit => 4,
        }
    }

    /// The kind with this number; `None` for one that a newer version of the app made.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// The name of one record, and of the document that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordId {
    /// What it is.
    pub kind: Kind,
    /// Which one.
    pub id: Uuid,
}

/// A UUIDv7 of the time `now` and ten random bytes.
pub fn new_uuid(now: Timestamp, random: [u8; 10]) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(now.millis()).unwrap_or(0), &random).into_uuid()
}

macro_rules! record_ids {
    ($($(#[$doc:meta])* $name:ident => $kind:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The record's full name.
            pub const fn record(self) -> RecordId {
                RecordId { kind: Kind::$kind, id: self.0 }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

record_ids! {
    /// Names a log entry.
    LogEntryId => LogEntry,
    /// Names an enterprise.
    UmkmId => Umkm,
    /// Names a visit.
    VisitId => Visit,
}

impl UmkmId {
    /// The document of the owner's protected data: the same id, another kind.
    pub const fn owner(self) -> RecordId {
        RecordId { kind: Kind::UmkmOwner, id: self.0 }
    }
}

impl LogEntryId {
    /// The one log entry that `officer` gets from `visit`: derived, so that two devices cannot make two.
    pub fn of_visit(visit: VisitId, officer: &Nip) -> Self {
        let digest = Sha256::new()
            .chain_update(b"lentera log entry of visit 1\0")
            .chain_update(visit.0.as_bytes())
            .chain_update(officer.as_str().as_bytes())
            .finalize();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest.iter()).for_each(|(byte, from)| *byte = *from);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_distinct_and_come_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_number(kind.number()), Some(kind));
        }
        assert_eq!(Kind::from_number(0), None);
    }

    #[test]
    fn entry_of_a_visit_is_the_same_everywhere_and_its_own_per_officer() {
        let visit = VisitId(Uuid::from_u128(7));
        let siti = Nip::parse("197203151998032000").unwrap();
        let ahmad = Nip::parse("198001012006041000").unwrap();
        insta::assert_snapshot!(LogEntryId::of_visit(visit, &siti), @"fc0521ff-2996-8ab7-913a-8b81ab7c5119");
        assert_ne!(LogEntryId::of_visit(visit, &siti), LogEntryId::of_visit(visit, &ahmad));
        assert_eq!(LogEntryId::of_visit(visit, &siti).0.get_version_num(), 8);
    }
}
