//! Changes that were taken while their kind was not known: no guard has seen them. Once it is known they are judged like any other, in
//! the order they came, before one of them counts.

use std::collections::VecDeque;

use lentera_document::Actor;
use lentera_document::guard::{self, Accepted, Refusal};
use lentera_protocol::Hash;

use super::{DEP_NOT_ACCEPTED, Guard, Standing, owner_of};
use crate::storage::{DocumentKey, JudgedChange, UNJUDGED_MAX, Unjudged};

impl Standing {
    /// Judges what no guard has seen. What passes is part of the document from now on; what does not is set aside.
    pub(super) fn judge_late(&mut self, key: DocumentKey, unjudged: Vec<(Vec<u8>, Unjudged)>, guard: &Guard) {
        let mut next = VecDeque::from(unjudged);
        // Of a server that set no limit.
        for (bytes, bearer) in next.split_off(next.len().min(UNJUDGED_MAX)) {
            self.set_aside_late(key, bytes, &bearer, Refusal::TooLarge.code());
        }
        let mut waiting = Vec::new();
        while let Some((bytes, bearer)) = next.pop_front() {
            match self.pass(&bytes, &bearer, guard) {
                Ok(accepted) => {
                    // One may have come before what it builds on: nobody looked.
                    next.extend(waiting.extract_if(.., |(dep, _)| *dep == accepted.hash).map(|(_, change)| change));
                    self.judged.push(JudgedChange { key, before: Hash::of(&bytes).0, hash: accepted.hash });
                    self.owner = owner_of(&accepted.projection).cloned();
                    (self.document, self.record) = (Some(accepted.document), Some(accepted.projection));
                }
                Err(Late::Need(dep)) => waiting.push((dep, (bytes, bearer))),
                Err(Late::Refused(code)) => self.set_aside_late(key, bytes, &bearer, code),
            }
        }
        for (_, (bytes, bearer)) in waiting {
            self.set_aside_late(key, bytes, &bearer, DEP_NOT_ACCEPTED);
        }
    }

    fn pass(&self, bytes: &[u8], bearer: &Unjudged, guard: &Guard) -> Result<Box<Accepted>, Late> {
        let Some(document) = &self.document else { return Err(Late::Refused(Refusal::Malformed.code())) };
        let actor = Actor::derive(&bearer.key, bearer.generation);
        guard.check(bytes).map_err(Late::Refused)?;
        match guard::examine(document, Some(actor), bytes, &*guard.watch) {
            Err(Refusal::Need(dep)) => Err(Late::Need(dep)),
            Err(refusal) => Err(Late::Refused(refusal.code())),
            Ok(accepted) if owner_of(&accepted.projection).is_some_and(|owner| *owner != bearer.author) => {
                Err(Late::Refused("wrong_owner"))
            }
            Ok(accepted) => Ok(Box::new(accepted)),
        }
    }

    fn set_aside_late(&mut self, key: DocumentKey, bytes: Vec<u8>, bearer: &Unjudged, code: &str) {
        let refused = self.set_aside(key, bearer.device, bytes, bearer.arrived, code);
        self.refused_late.push(refused);
    }
}

/// Why a change does not count.
enum Late {
    /// It builds on one that is not part of the document yet.
    Need(lentera_document::ChangeHash),
    /// It never will.
    Refused(&'static str),
}
