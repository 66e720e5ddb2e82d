//! A bundle arrives: it is kept, with a receipt, or nothing happens.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;
use lentera_protocol::bundle::{Bundle, Change};
use lentera_protocol::limits::BUNDLE_MAX;
use lentera_protocol::receipt::{Exception, Outcome, Receipt, WHOLE_BUNDLE};
use lentera_protocol::sync::Refusal;
use lentera_protocol::{Hash, sign};

use super::amend::{Amending, exceptions_of};
use super::judge::{Bearer, Case, Judgement, Sent};
use super::parts::{self, Assembled};
use super::scope::Own;
use super::{BUSY_SECONDS, Failure, Service};
use crate::storage::{Commit, Committed, Device, DocumentKey, HeldBundle, Parts, Place, Quarantined, Sender, Storage};

/// How often a bundle is judged anew because what it was judged on changed meanwhile.
const ATTEMPTS: u32 = 8;

/// The server's word on a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is kept: the signed receipt, the same for every retry until it is amended.
    Receipt(Vec<u8>),
    /// It is not taken: a code.
    Unreadable(&'static str),
}

/// How a bundle comes.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// It is handed over, by whomever.
    Sent,
    /// It was here before this server was restored from a backup: the receipt it was given then, as it was signed.
    Returned(Box<Receipt>, Vec<u8>),
    /// It was held, and its owner confirmed it.
    Confirmed,
}

impl Way {
    /// Whether it may come from this device, though that is withdrawn or frozen.
    fn passes(&self, device: &Device) -> bool {
        match self {
            Self::Sent => !device.is_barred(),
            // We had taken it before.
            Self::Returned(receipt, _) => {
                [device.revoked_at, device.frozen_at].into_iter().flatten().all(|barred| receipt.time < barred.millis())
            }
            Self::Confirmed => true,
        }
    }
}

/// A bundle that was read, and is the next of its device.
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

    /// Reads a bundle that is the next of its device.
    async fn open(&self, sealed: &[u8], way: &Way) -> Result<Result<Opened, Verdict>, Failure> {
        let unreadable = |code| Ok(Err(Verdict::Unreadable(code)));
        let Ok(claimed) = sign::peek::<Bundle>(sealed) else { return unreadable("malformed") };
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
        if bundle.number > last + 1 {
            return unreadable("gap");
        }
        if (bundle.number, bundle.previous) != (last + 1, last_hash) {
            // Of two contents under one number one is false, and nobody can tell here what wrote it: a restored image, a copied key.
            if !matches!(way, Way::Confirmed) {
                self.storage.freeze_device(self.aside(&device, "fork", sealed)).await?;
            }
            return unreadable("fork");
        }
        let changes = bundle.read_changes().ok();
        Ok(Ok(Opened { device, hash, bundle, changes }))
    }

    /// Judges its changes and keeps it; its receipt, or `None` where something changed meanwhile.
    async fn commit(&self, sealed: &[u8], opened: Opened, way: &Way) -> Result<Option<Vec<u8>>, Failure> {
        let Opened { device, hash, bundle, changes } = opened;
        let arrived = match way {
            Way::Returned(receipt, _) => lentera_domain::Timestamp::from_millis(receipt.time),
            Way::Sent | Way::Confirmed => self.now(),
        };
        let is_readable = changes.is_some();
        let (mut sent, parts) = self.whole_changes(&device, &bundle, changes.unwrap_or_default()).await?;
        if let Way::Returned(receipt, _) = way {
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
        let case = Case { bearer, kept, watch: self.watch.clone(), poisoned: self.poisoned.clone() };
        let mut judgement = self.judge(case, sent).await?;
        if !is_readable {
            judgement.quarantined.push(self.aside(&device, "malformed", sealed));
            let place = Place { device: device.id, number: bundle.number, index: WHOLE_BUNDLE };
            judgement.outcomes.insert(place, Some(Outcome::Refused("malformed".to_owned())));
        }
        let receipt = match way {
            Way::Returned(receipt, signed) => {
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
        let Judgement { documents, changes, waiting, settled, quarantined, .. } = judgement;
        let commit = Commit {
            device: device.id,
            number: bundle.number,
            previous: bundle.previous,
            hash,
            bytes: sealed.to_vec(),
            receipt: receipt.clone(),
            arrived,
            from_barred: !matches!(way, Way::Sent),
            documents,
            changes,
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
mod tests {
    use super::super::testing::{AHMAD, LAILA, Office, SITI, STAMP, TestDevice, log_entry, umkm};
    use super::*;
    use lentera_document::Actor;
    use lentera_protocol::receipt::{Exception, Outcome};

    async fn accept(office: &Office, sealed: &[u8]) -> Verdict {
        office.service.accept_bundle(sealed).await.unwrap()
    }

    async fn receipt(office: &Office, sealed: &[u8]) -> Receipt {
        match accept(office, sealed).await {
            Verdict::Receipt(receipt) => {
                sign::verify::<Receipt>(&receipt, &office.service.key().verifying_key()).unwrap().into_inner()
            }
            Verdict::Unreadable(code) => panic!("{code}"),
        }
    }

    fn refused(index: u32, code: &str) -> Exception {
        Exception { index, outcome: Outcome::Refused(code.into()) }
    }

    #[tokio::test]
    async fn a_retry_gets_the_same_receipt_and_stores_nothing() {
        let office = Office::open().await;
        let mut device = TestDevice::enrol(&office, SITI, 2).await;
        let sealed = device.seal(&log_entry(device.actor(), 1, SITI, &["Rapat", "Rapat staf"]));
        let first = accept(&office, &sealed).await;
        office.clock.pass(60_000);
        assert_eq!(accept(&office, &sealed).await, first);
        assert_eq!((office.count("bundle"), office.count("change"), office.count("log_entry")), (1, 2, 1));
        assert_eq!(office.count("stream_row WHERE change IS NOT NULL"), 2);
        assert_eq!(office.count("log_entry WHERE body LIKE '%Rapat staf%' AND status = 'noted'"), 1);
        let receipt = receipt(&office, &sealed).await;
        assert_eq!((receipt.number, receipt.bundle, receipt.exceptions), (1, Hash::of(&sealed), vec![]));
    }

    #[tokio::test]
    async fn a_gap_waits_and_a_fork_is_kept_as_evidence() {
        let office = Office::open().await;
        let mut device = TestDevice::enrol(&office, SITI, 2).await;
        let first = device.seal(&log_entry(device.actor(), 1, SITI, &["a"]));
        let second = device.seal(&log_entry(device.actor(), 2, SITI, &["b"]));
        assert_eq!(accept(&office, &second).await, Verdict::Unreadable("gap"));
        assert_eq!(receipt(&office, &first).await.number, 1);
        assert_eq!(receipt(&office, &second).await.number, 2);
        let mut image = TestDevice { key: device.key.clone(), number: 0, previous: Hash::default() };
        let other_first = image.seal(&log_entry(device.actor(), 3, SITI, &["c"]));
        let other_third = TestDevice { number: 2, ..image }.seal(&log_entry(device.actor(), 3, SITI, &["c"]));
        for fork in [&other_first, &other_third, &other_third] {
            assert_eq!(accept(&office, fork).await, Verdict::Unreadable("fork"));
        }
        assert_eq!(office.codes(), ["fork", "fork"]);
        assert_eq!(office.count("log_entry"), 2);
    }

    #[tokio::test]
    async fn what_is_no_bundle_of_a_known_device_changes_nothing() {
        let office = Office::open().await;
        let mut device = TestDevice::enrol(&office, SITI, 2).await;
        let mut stranger =
            TestDevice { key: ed25519_dalek::SigningKey::from_bytes(&[9; 32]), number: 0, previous: Hash::default() };
        let changes = log_entry(device.actor(), 1, SITI, &["a"]);
        assert_eq!(accept(&office, &stranger.seal(&changes)).await, Verdict::Unreadable("unknown_device"));
        let mut damaged = device.seal(&changes);
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(accept(&office, &damaged).await, Verdict::Unreadable("bad_signature"));
        assert_eq!(accept(&office, b"halo").await, Verdict::Unreadable("malformed"));
        assert_eq!(accept(&office, &vec![0; BUNDLE_MAX + 1]).await, Verdict::Unreadable("too_large"));
        let nonsense = Bundle {
            device: device.id(),
            number: 1,
            previous: Hash::default(),
            generation: 0,
            last_receipt: 0,
            scope_epoch: 1,
            sealed: STAMP,
            changes: vec![1, 2, 3],
        };
        assert_eq!(accept(&office, &nonsense.seal(&device.key)).await, Verdict::Unreadable("malformed"));
        assert!(office.storage.revoke_device(device.id(), office.service.now()).await.unwrap());
        let mut again = TestDevice { number: 0, previous: Hash::default(), ..device };
        assert_eq!(accept(&office, &again.seal(&changes)).await, Verdict::Unreadable("revoked"));
        assert_eq!((office.count("bundle"), office.count("change")), (0, 0));
        assert_eq!(office.codes(), ["malformed"]);
    }

    #[tokio::test]
    async fn a_refused_change_strands_only_what_builds_on_it() {
        let office = Office::open().await;
        let mut device = TestDevice::enrol(&office, SITI, 2).await;
        let other = Actor::derive(&[5; 32], 0);
        let mut changes = log_entry(other, 1, SITI, &["x", "y"]);
        changes.extend(log_entry(device.actor(), 2, SITI, &["z"]));
        // Honest bytes that build on the refused change, under the right actor: the second of two, without the first.
        changes.push(log_entry(device.actor(), 3, SITI, &["p", "q"]).remove(1));
        let receipt = receipt(&office, &device.seal(&changes)).await;
        assert_eq!(receipt.exceptions.len(), 3);
        assert_eq!(receipt.exceptions[..2], [refused(0, "wrong_actor"), refused(1, "wrong_actor")]);
        assert!(matches!(receipt.exceptions[2], Exception { index: 3, outcome: Outcome::Need(_) }));
        assert_eq!(office.codes(), ["wrong_actor", "wrong_actor", "need"]);
        assert_eq!((office.count("log_entry"), office.count("change"), office.count("document")), (1, 1, 1));
    }

    #[tokio::test]
    async fn nobody_writes_anothers_log_but_everybody_the_registry() {
        let office = Office::open().await;
        let mut siti = TestDevice::enrol(&office, SITI, 2).await;
        let mut ahmad = TestDevice::enrol(&office, AHMAD, 3).await;
        let mut laila = TestDevice::enrol(&office, LAILA, 4).await;
        let mut own = log_entry(siti.actor(), 1, SITI, &["a"]);
        own.extend(umkm(siti.actor(), 7, &["Dapur"]));
        assert_eq!(receipt(&office, &siti.seal(&own)).await.exceptions, []);
        let mut foreign = log_entry(ahmad.actor(), 1, AHMAD, &["mine now"]);
        foreign.extend(log_entry(ahmad.actor(), 2, SITI, &["on her behalf"]));
        let exceptions = receipt(&office, &ahmad.seal(&foreign)).await.exceptions;
        assert_eq!(exceptions, [refused(0, "wrong_owner"), refused(1, "wrong_owner")]);
        assert_eq!(receipt(&office, &laila.seal(&umkm(laila.actor(), 7, &["Dapur Melati"]))).await.exceptions, []);
        assert_eq!((office.count("umkm"), office.count("log_entry WHERE owner = '197203151998032000'")), (1, 1));
        // The edit from another unit goes where the enterprise is at home.
        assert_eq!(office.count("umkm WHERE unit = 'Bidang Perindustrian'"), 1);
        assert_eq!(office.count("stream_row JOIN stream ON stream = stream.id WHERE name = 'unit:Bidang Perindustrian'"), 2);
    }

    #[tokio::test]
    async fn a_kind_not_known_is_kept_and_passed_on_to_its_owner_only() {
        let office = Office::open().await;
        let mut siti = TestDevice::enrol(&office, SITI, 2).await;
        let mut ahmad = TestDevice::enrol(&office, AHMAD, 3).await;
        let unknown = Change { kind: 900, id: [4; 16], bytes: b"from the future".to_vec(), saved: STAMP, part: None };
        let sealed = siti.seal(&[unknown.clone(), unknown.clone()]);
        assert_eq!(receipt(&office, &sealed).await.exceptions, [Exception { index: 0, outcome: Outcome::Unknown }]);
        assert_eq!(receipt(&office, &ahmad.seal(&[unknown])).await.exceptions, [refused(0, "wrong_owner")]);
        assert_eq!(office.count("change"), 1);
        assert_eq!(office.count("stream_row JOIN stream ON stream = stream.id WHERE name = 'person:197203151998032000'"), 1);
    }

    #[tokio::test]
    async fn two_devices_of_one_person_write_one_document_at_once() {
        let office = Office::open().await;
        let mut devices = Vec::new();
        for seed in 10..16 {
            devices.push(TestDevice::enrol(&office, SITI, seed).await);
        }
        let sent = devices.iter_mut().map(|device| {
            let sealed = device.seal(&log_entry(device.actor(), 1, SITI, &["a", "b", "c"]));
            let service = std::sync::Arc::clone(&office.service);
            tokio::spawn(async move { service.accept_bundle(&sealed).await.unwrap() })
        });
        for sent in sent.collect::<Vec<_>>() {
            assert!(matches!(sent.await.unwrap(), Verdict::Receipt(_)));
        }
        assert_eq!((office.count("change"), office.count("document"), office.count("log_entry")), (18, 1, 1));
    }
}
