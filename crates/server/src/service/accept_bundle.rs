//! A bundle arrives: it is kept, with a receipt, or nothing happens.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use ed25519_dalek::VerifyingKey;
use lentera_protocol::bundle::{Bundle, Change};
use lentera_protocol::limits::BUNDLE_MAX;
use lentera_protocol::receipt::{Exception, Outcome, Receipt, WHOLE_BUNDLE};
use lentera_protocol::sync::Refusal;
use lentera_protocol::{Hash, sign};

use super::amend::{Amending, exceptions_of};
use super::judge::{Bearer, Case, Guard, Judgement, Sent};
use super::parts::{self, Assembled};
use super::scope::Own;
use super::{BUSY_SECONDS, Failure, Service};
use crate::storage::{Commit, Committed, Device, DocumentKey, HeldBundle, Parts, Place, Quarantined, Sender, Storage};

/// Numbers of bundles: from 1, and no device will ever have sealed so many that a database cannot count them.
const NUMBERS: RangeInclusive<u64> = 1..=i64::MAX.unsigned_abs();
/// How often a bundle is judged anew because what it was judged on changed meanwhile.
const ATTEMPTS: u32 = 8;

/// The server's word on a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is kept: the signed receipt, the same for every retry.
    Receipt(Vec<u8>),
    /// It is not taken: a code.
    Unreadable(&'static str),
}

/// How a bundle comes.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// It is handed over, by whomever.
    Sent,
    /// It was here before this server was restored from a backup.
    Returned {
        /// The receipt it was given then.
        receipt: Box<Receipt>,
        /// As it was signed.
        signed: Vec<u8>,
        /// It is of a key that its person uses no more: all that there is of that log comes, in order, whatever holes it has.
        is_earlier: bool,
    },
    /// It was held, and its owner confirmed it.
    Confirmed,
}

impl Way {
    /// Whether it may come from this device, though that is withdrawn or frozen.
    const fn passes(&self, device: &Device) -> bool {
        match self {
            Self::Sent => !device.is_barred(),
            // We had taken it before.
            Self::Returned { .. } | Self::Confirmed => true,
        }
    }
}

/// A bundle that was read, and has its place in its device's log.
struct Opened {
    device: Device,
    hash: Hash,
    bundle: Bundle,
    /// `None`: they cannot be unpacked.
    changes: Option<Vec<Change>>,
}

impl<S: Storage> Service<S> {
    /// Takes one sealed bundle. Whose it is, its own signature tells: it need not be the device that hands it over.
    ///
    /// # Errors
    /// A fault of the server's, or no time: nothing was changed, and the same bundle can be sent again.
    pub async fn accept_bundle(&self, sealed: &[u8]) -> Result<Verdict, Failure> {
        self.accept(sealed, &Way::Sent).await
    }

    pub(super) async fn accept(&self, sealed: &[u8], way: &Way) -> Result<Verdict, Failure> {
        if sealed.len() > BUNDLE_MAX {
            return Ok(Verdict::Unreadable("too_large"));
        }
        for _ in 0..ATTEMPTS {
            let opened = match self.open(sealed, way).await? {
                Ok(opened) => opened,
                Err(verdict) => return Ok(verdict),
            };
            if let Some(receipt) = self.commit(sealed, opened, way).await? {
                return Ok(Verdict::Receipt(receipt));
            }
        }
        Err(Refusal::Busy(BUSY_SECONDS).into())
    }

    /// Reads a bundle that has its place in its device's log: behind the last. A returned one of an earlier key may leave a hole before it,
    /// which others may fill or nobody: that all of them were here once, its receipt shows.
    async fn open(&self, sealed: &[u8], way: &Way) -> Result<Result<Opened, Verdict>, Failure> {
        let unreadable = |code| Ok(Err(Verdict::Unreadable(code)));
        let claimed = sign::peek::<Bundle>(sealed).ok().filter(|bundle| NUMBERS.contains(&bundle.number));
        let Some(claimed) = claimed else { return unreadable("malformed") };
        let hash = Hash::of(sealed);
        let Some(sender) = self.storage.sender(claimed.device, hash).await? else { return unreadable("unknown_device") };
        let Sender { device, receipt } = sender;
        let bundle = VerifyingKey::from_bytes(&device.key).ok().and_then(|key| Bundle::open(sealed, &key).ok());
        // Before this line nobody is known to have sent it, so nothing of it is kept.
        let Some(bundle) = bundle else { return unreadable("bad_signature") };
        let bundle = bundle.into_inner();
        if let Some(receipt) = receipt {
            return Ok(Err(Verdict::Receipt(receipt)));
        }
        if !way.passes(&device) {
            let (device, number, at) = (device.id, bundle.number, self.now());
            self.storage.hold(HeldBundle { device, number, hash, bytes: sealed.to_vec(), at }).await?;
            return unreadable("held");
        }
        let (last, last_hash) = device.last;
        if bundle.number > last + 1 && !matches!(way, Way::Returned { is_earlier: true, .. }) {
            return unreadable("gap");
        }
        let fits = match bundle.number {
            number if number > last + 1 => true,
            number if number == last + 1 => bundle.previous == last_hash,
            _ => self.fills_hole(hash, &bundle).await?,
        };
        if !fits {
            // Of two contents under one number one is false, and nobody can tell here what wrote it: a restored image, a copied key.
            if !matches!(way, Way::Confirmed) {
                self.storage.freeze_device(self.aside(&device, "fork", sealed)).await?;
            }
            return unreadable("fork");
        }
        let changes = bundle.read_changes().ok();
        Ok(Ok(Opened { device, hash, bundle, changes }))
    }

    /// Nothing is here under its number, and of its neighbours those that are name it and are named by it.
    async fn fills_hole(&self, hash: Hash, bundle: &Bundle) -> Result<bool, Failure> {
        let at = async |number| Ok::<_, Failure>(self.storage.bundle(bundle.device, number).await?);
        let names_it = |next: Vec<u8>| sign::peek::<Bundle>(&next).is_ok_and(|next| next.previous == hash);
        Ok(at(bundle.number).await?.is_none()
            && at(bundle.number - 1).await?.is_none_or(|before| Hash::of(&before) == bundle.previous)
            && at(bundle.number + 1).await?.is_none_or(names_it))
    }

    /// Judges its changes and keeps it; its receipt, or `None` where something changed meanwhile.
    async fn commit(&self, sealed: &[u8], opened: Opened, way: &Way) -> Result<Option<Vec<u8>>, Failure> {
        let Opened { device, hash, bundle, changes } = opened;
        let arrived = match way {
            Way::Returned { receipt, .. } => lentera_domain::Timestamp::from_millis(receipt.time),
            Way::Sent | Way::Confirmed => self.now(),
        };
        let is_readable = changes.is_some();
        let (mut sent, parts) = self.whole_changes(&device, &bundle, changes.unwrap_or_default()).await?;
        if let Way::Returned { receipt, .. } = way {
            refuse_again(&mut sent, receipt);
        }
        let mut keys: Vec<_> = sent.iter().map(|sent| DocumentKey { kind: sent.change.kind, id: sent.change.id }).collect();
        keys.sort_unstable();
        keys.dedup();
        let kept = if keys.is_empty() { Vec::new() } else { self.storage.documents(keys.clone()).await? };
        let kept: BTreeMap<_, _> = keys.into_iter().zip(kept).collect();
        let mut amending = Amending::of(kept.values().flat_map(|kept| &kept.waiting))?;
        let bearer = Bearer {
            device: device.id,
            number: bundle.number,
            key: device.key,
            generation: bundle.generation,
            author: device.employee.nip.clone(),
            own: self.own_streams(&device, bundle.scope_epoch).await?,
            arrived,
        };
        let guard = Guard { watch: self.watch.clone(), poisoned: self.poisoned.clone() };
        let case = Case { bearer, kept, guard };
        let mut judgement = self.judge(case, sent).await?;
        if !is_readable {
            judgement.quarantined.push(self.aside(&device, "malformed", sealed));
            let place = Place { device: device.id, number: bundle.number, index: WHOLE_BUNDLE };
            judgement.outcomes.insert(place, Some(Outcome::Refused("malformed".to_owned())));
        }
        let receipt = match way {
            Way::Returned { receipt, signed, .. } => {
                amending.add(receipt, self.storage.last_amendment(device.id).await?);
                signed.clone()
            }
            Way::Sent | Way::Confirmed => {
                let exceptions = exceptions_of(&judgement.outcomes, device.id, bundle.number);
                let receipt = Receipt {
                    device: device.id,
                    number: bundle.number,
                    bundle: hash,
                    exceptions,
                    time: arrived.millis(),
                    amendment: None,
                };
                sign::sign(&receipt, &self.key)
            }
        };
        let amendments = amending.amend(&judgement.outcomes, self.now(), &self.key);
        let Judgement { documents, changes, judged, waiting, settled, quarantined, .. } = judgement;
        let commit = Commit {
            device: device.id,
            number: bundle.number,
            after: device.last,
            hash,
            bytes: sealed.to_vec(),
            receipt: receipt.clone(),
            arrived,
            from_barred: !matches!(way, Way::Sent),
            documents,
            changes,
            judged,
            waiting,
            settled,
            amendments,
            quarantined,
            parts,
        };
        Ok(match self.storage.commit_bundle(commit).await? {
            Committed::Done => Some(receipt),
            Committed::Conflict => None,
        })
    }

    /// The changes of a bundle that are whole with it, and what becomes of a part.
    async fn whole_changes(&self, device: &Device, bundle: &Bundle, changes: Vec<Change>) -> Result<(Vec<Sent>, Parts), Failure> {
        let assembled = match changes.as_slice() {
            [change @ Change { part: Some(part), .. }] => {
                let before = if part.offset == 0 { Vec::new() } else { self.storage.parts(device.id).await? };
                Some(parts::assemble(before, bundle.number, change.clone()))
            }
            _ => None,
        };
        Ok(match assembled {
            Some(Assembled::Part(kept)) => (Vec::new(), Parts::Keep(kept)),
            Some(Assembled::Whole(change)) => (vec![Sent { index: 0, change, refused: None }], Parts::Drop),
            Some(Assembled::Bad(change)) => {
                (vec![Sent { index: 0, change, refused: Some(parts::BAD_PART.to_owned()) }], Parts::Drop)
            }
            None => {
                let sent = (0..).zip(changes).map(|(index, change)| {
                    let refused = change.part.is_some().then(|| parts::BAD_PART.to_owned());
                    Sent { index, change, refused }
                });
                (sent.collect(), Parts::Drop)
            }
        })
    }

    /// The streams of the device's person as of a scope epoch.
    async fn own_streams(&self, device: &Device, epoch: u32) -> Result<Own, Failure> {
        let nip = &device.employee.nip;
        let unit = if epoch == device.scope_epoch { None } else { self.storage.unit_at(nip.clone(), epoch).await? };
        Ok(Own::of(nip, unit.as_deref().unwrap_or(device.employee.unit.as_str())))
    }

    /// Judges where it holds up nobody else, and no more at one moment than there are processors.
    async fn judge(&self, case: Case, sent: Vec<Sent>) -> Result<Judgement, Failure> {
        if sent.is_empty() {
            return Ok(Judgement::default());
        }
        let _place = self.judging.acquire().await;
        Ok(tokio::task::spawn_blocking(move || case.judge(sent)).await?)
    }

    fn aside(&self, device: &Device, code: &str, sealed: &[u8]) -> Quarantined {
        let (code, bytes, at) = (code.to_owned(), sealed.to_vec(), self.now());
        Quarantined { device: device.id, code, key: None, change: None, bytes, at }
    }
}

/// What the receipt of a returned bundle refuses stays refused.
fn refuse_again(sent: &mut [Sent], receipt: &Receipt) {
    for Exception { index, outcome } in &receipt.exceptions {
        if let Outcome::Refused(code) = outcome {
            let refused = sent.iter_mut().filter(|sent| *index == WHOLE_BUNDLE || sent.index == *index);
            refused.for_each(|sent| sent.refused = Some(code.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
