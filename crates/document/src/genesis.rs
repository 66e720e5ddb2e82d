//! The first change of every document, the same bytes on every device for ever: two devices that make the same document
//! offline share one root. A later schema is another constant change on top, never an edited one.

use lentera_domain::Kind;

/// The genesis change of `kind`, byte for byte.
pub(crate) const fn genesis(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::LogEntry => include_bytes!("../genesis/log_entry.1.change"),
        Kind::Umkm => include_bytes!("../genesis/umkm.1.change"),
        Kind::UmkmOwner => include_bytes!("../genesis/umkm_owner.1.change"),
        Kind::Visit => include_bytes!("../genesis/visit.1.change"),
    }
}

/// The key under which every document tells its kind's number.
pub(crate) const KIND_KEY: &str = "kind";

#[cfg(test)]
mod tests {
    use super::*;
    use automerge::transaction::{CommitOptions, Transactable};
    use automerge::{ActorId, AutoCommit, Change, ROOT};

    /// How the constants were made.
    fn make(kind: Kind) -> Vec<u8> {
        let mut doc = AutoCommit::new();
        doc.set_actor(ActorId::from(*b"lentera-genesis\x01"));
        doc.put(ROOT, KIND_KEY, i64::from(kind.number())).unwrap();
        doc.commit_with(CommitOptions::default().with_time(0)).unwrap();
        doc.get_last_local_change().unwrap().raw_bytes().to_vec()
    }

    #[test]
    fn constants_are_what_they_were() {
        for kind in Kind::ALL {
            assert_eq!(genesis(kind), make(kind), "{kind:?}");
            let change = Change::from_bytes(genesis(kind).to_vec()).unwrap();
            assert_eq!((change.seq(), change.timestamp(), change.deps().len()), (1, 0, 0));
        }
    }
}
