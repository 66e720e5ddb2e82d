//! What a request hands over behind its header, one thing after the other; and what comes in files.

use lentera_protocol::handed::{Handed, Other};
use lentera_protocol::limits::REQUEST_BUNDLES_MAX;
use lentera_protocol::parcel::{self, LenteraFile};
use lentera_protocol::receipt::Receipt;
use lentera_protocol::sync::Sealed;
use lentera_protocol::{DeviceId, Hash, sign};

use super::accept_bundle::Way;
use super::{Failure, Service, Verdict, server_key};
use crate::storage::{Enrolment, Storage};

/// The code of what a request hands over beyond what one may. It ends the request.
pub const TOO_MANY: &str = "too_many";

/// What the server has to say on one thing handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Signed receipts: of a bundle its own, of a parcel those of all its bundles.
    pub receipts: Vec<Vec<u8>>,
    /// A code, where something of it could not be taken: the first.
    pub unreadable: Option<&'static str>,
}

impl Taken {
    /// Nothing of it could be taken.
    pub const fn unreadable(code: &'static str) -> Self {
        Self { receipts: Vec::new(), unreadable: Some(code) }
    }

    fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Receipt(receipt) => self.receipts.push(receipt),
            Verdict::Unreadable(code) => self.unreadable = self.unreadable.or(Some(code)),
        }
    }
}

/// A request while it is taken: who asks, and what it has handed over so far.
#[derive(Debug)]
pub struct Request {
    asking: DeviceId,
    taken: usize,
    has_asked: bool,
}

impl Request {
    /// One of this device, of which nothing was taken yet.
    pub const fn of(asking: DeviceId) -> Self {
        Self { asking, taken: 0, has_asked: false }
    }

    /// Whether it may hand over one thing more, which is counted.
    const fn admits_one(&mut self) -> bool {
        self.taken += 1;
        self.taken <= REQUEST_BUNDLES_MAX
    }

    /// Whether it may ask, which is counted: one answer to one question is all that a device can use.
    const fn admits_question(&mut self) -> bool {
        !std::mem::replace(&mut self.has_asked, true)
    }

    /// One thing that it handed over was so many bundles.
    const fn count(&mut self, bundles: usize) {
        self.taken += bundles.saturating_sub(1);
    }
}

/// Why a file was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileRefusal {
    /// It is none of ours, or damaged.
    Malformed,
    /// It is for another server.
    OtherServer,
    /// It brings receipts, which are for devices.
    Receipts,
}

impl<S: Storage> Service<S> {
    /// Takes one frame of a request. What it is and whose, its own signatures tell.
    ///
    /// # Errors
    /// A fault of the server's, or no time: what it holds can be sent again without harm.
    pub async fn take(&self, frame: Vec<u8>, request: &mut Request) -> Result<Taken, Failure> {
        if !request.admits_one() {
            return Ok(Taken::unreadable(TOO_MANY));
        }
        let Ok(handed) = Handed::read(frame) else { return Ok(Taken::unreadable("malformed")) };
        let verdict = match handed {
            Handed::Bundle(sealed) => self.accept(&sealed, &Way::Sent).await?,
            Handed::Other(Other::Returned { sealed, receipt, key }) => {
                let whose = key.map(|key| (request.asking, *key));
                self.take_returned(&sealed, receipt, whose).await?
            }
            Handed::Other(Other::Parcel(parcel)) => {
                let (count, taken) = self.take_parcel(&parcel).await?;
                request.count(count);
                return Ok(taken);
            }
            Handed::Other(Other::Ask(after)) if request.admits_question() => {
                let receipts = self.storage.receipts(request.asking, after, REQUEST_BUNDLES_MAX).await?;
                return Ok(Taken { receipts, unreadable: None });
            }
            Handed::Other(Other::Ask(_)) => return Ok(Taken::unreadable(TOO_MANY)),
        };
        let mut taken = Taken::default();
        taken.add(verdict);
        Ok(taken)
    }

    /// Takes a bundle that was here before this server was restored from a backup, with the receipt that this server signed. If it is of an
    /// earlier key, `whose` names a device of the same person, and the key.
    async fn take_returned(
        &self,
        sealed: &[u8],
        signed: Vec<u8>,
        whose: Option<(DeviceId, [u8; 32])>,
    ) -> Result<Verdict, Failure> {
        let Ok(receipt) = sign::verify::<Receipt>(&signed, &self.key.verifying_key()) else {
            return Ok(Verdict::Unreadable("bad_receipt"));
        };
        let receipt = receipt.into_inner();
        let is_of_it = sign::peek::<lentera_protocol::bundle::Bundle>(sealed)
            .is_ok_and(|bundle| (bundle.device, bundle.number) == (receipt.device, receipt.number));
        if !is_of_it || receipt.bundle != Hash::of(sealed) {
            return Ok(Verdict::Unreadable("bad_receipt"));
        }
        let device = receipt.device;
        let number = receipt.number;
        let way = Way::Returned { receipt: Box::new(receipt), signed, is_earlier: whose.is_some() };
        let Some((asking, key)) = whose else { return self.accept(sealed, &way).await };
        let mut verdict = self.accept(sealed, &way).await?;
        if verdict == Verdict::Unreadable("unknown_device") && DeviceId::of_key(&key) == device {
            let Some(asking) = self.storage.device(asking).await? else { return Ok(verdict) };
            let earlier = Enrolment { nip: asking.employee.nip, key, at: self.now(), new_password: None };
            self.storage.know_earlier_key(earlier).await?;
            verdict = self.accept(sealed, &way).await?;
        }
        // Nobody is told amendments of an earlier key but who asks like this.
        match (verdict, self.storage.last_word(device, number).await?) {
            (Verdict::Receipt(_), Some(last)) => Ok(Verdict::Receipt(last)),
            (verdict, _) => Ok(verdict),
        }
    }

    /// Takes the bundles of a parcel that was made for this server, whoever carries it, and gives how many they are.
    async fn take_parcel(&self, parcel: &[u8]) -> Result<(usize, Taken), Failure> {
        let Ok(bundles) = parcel::unpack(parcel, &self.key) else { return Ok((0, Taken::unreadable("malformed"))) };
        let mut taken = Taken::default();
        for sealed in &bundles {
            taken.add(self.accept(sealed, &Way::Sent).await?);
        }
        Ok((bundles.len(), taken))
    }

    /// Takes the parcels of a `.lentera` file.
    ///
    /// # Errors
    /// As [`Service::take`]. A [`FileRefusal`] where nothing was taken of it.
    pub async fn take_file(&self, bytes: &[u8]) -> Result<Result<Taken, FileRefusal>, Failure> {
        let (server, parcels) = match LenteraFile::read(bytes) {
            Ok(LenteraFile::Parcels { server, parcels }) => (server, parcels),
            Ok(LenteraFile::Receipts { .. }) => return Ok(Err(FileRefusal::Receipts)),
            Err(_) => return Ok(Err(FileRefusal::Malformed)),
        };
        if server != server_key::fingerprint(&self.key) {
            return Ok(Err(FileRefusal::OtherServer));
        }
        let mut all = Taken::default();
        for Sealed(parcel) in parcels {
            let (_, taken) = self.take_parcel(&parcel).await?;
            all.receipts.extend(taken.receipts);
            all.unreadable = all.unreadable.or(taken.unreadable);
        }
        Ok(Ok(all))
    }

    /// The file that brings receipts back.
    pub fn receipts_file(&self, receipts: Vec<Vec<u8>>) -> Vec<u8> {
        let receipts = receipts.into_iter().map(Sealed).collect();
        LenteraFile::Receipts { server: server_key::fingerprint(&self.key), receipts }.write()
    }

    /// Takes what is held of a device, in order, since its owner confirmed it. What does not follow on its accepted bundles stays held.
    ///
    /// # Errors
    /// As [`Service::take`].
    pub async fn confirm_held(&self, device: DeviceId) -> Result<Taken, Failure> {
        let mut taken = Taken::default();
        for held in self.storage.held(device).await? {
            taken.add(self.accept(&held.bytes, &Way::Confirmed).await?);
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{AHMAD, Office, SITI, TestDevice, log_entry};
    use super::*;
    use lentera_protocol::limits::BUNDLE_MAX;

    fn pack(office: &Office, bundles: &[Vec<u8>]) -> Vec<Sealed> {
        let mut next = 0_u8;
        let random = |bytes: &mut [u8]| {
            for byte in bytes {
                next = next.wrapping_mul(73).wrapping_add(41);
                *byte = next;
            }
        };
        parcel::pack(bundles, &office.service.key().verifying_key(), random).unwrap()
    }

    #[tokio::test]
    async fn a_colleague_carries_a_parcel_and_gets_the_receipts() {
        let office = Office::open().await;
        let mut device = TestDevice::enrol(&office, SITI, 2).await;
        let bundles: Vec<_> = (1..4).map(|id| device.seal(&log_entry(device.actor(), id, SITI, &["a"]))).collect();
        let parcels = pack(&office, &bundles);
        let carry = async |parcel: &Sealed| {
            let carrier = TestDevice::enrol(&office, AHMAD, 9).await;
            office.take(&carrier, Handed::Other(Other::Parcel(parcel.0.clone()))).await
        };
        let taken = carry(&parcels[0]).await;
        let numbers: Vec<_> = taken.receipts.iter().map(|receipt| office.verify(receipt).number).collect();
        assert_eq!((numbers, taken.unreadable, office.count("log_entry")), (vec![1, 2, 3], None, 3));
        // Carried twice, or brought by its owner meanwhile: the same.
        assert_eq!(carry(&parcels[0]).await, taken);
        assert_eq!(office.accept(&bundles[2]).await, Verdict::Receipt(taken.receipts[2].clone()));
        // Out of order, and nonsense in between: what can be taken is.
        let more: Vec<_> = (4..7).map(|id| device.seal(&log_entry(device.actor(), id, SITI, &["a"]))).collect();
        let mixed = pack(&office, &[more[0].clone(), b"halo".to_vec(), more[2].clone(), more[1].clone()]);
        let taken = carry(&mixed[0]).await;
        assert_eq!((taken.receipts.len(), taken.unreadable, office.count("log_entry")), (2, Some("malformed"), 5));
    }

    #[tokio::test]
    async fn bundles_in_parcels_count() {
        let office = Office::open().await;
        let mut device = TestDevice::enrol(&office, SITI, 2).await;
        let carrier = TestDevice::enrol(&office, AHMAD, 9).await;
        let bundles: Vec<_> = (0..REQUEST_BUNDLES_MAX as u128 + 2)
            .map(|id| device.seal(&log_entry(device.actor(), id + 1, SITI, &["a"])))
            .collect();
        let carry = async |request: &mut Request, bundles: &[Vec<u8>]| {
            let parcel = Other::Parcel(pack(&office, bundles).remove(0).0);
            let taken = office.service.take(Handed::Other(parcel).into_frame(), request).await.unwrap();
            (taken.receipts.len(), taken.unreadable)
        };
        // Below the limit a parcel is taken whole, at the limit not at all.
        let mut request = Request::of(carrier.id());
        let (first, rest) = bundles.split_at(REQUEST_BUNDLES_MAX - 1);
        assert_eq!(carry(&mut request, first).await, (REQUEST_BUNDLES_MAX - 1, None));
        assert_eq!(carry(&mut request, &rest[..2]).await, (2, None));
        assert_eq!(carry(&mut request, &rest[2..]).await, (0, Some(TOO_MANY)));
        assert_eq!(office.count("bundle"), REQUEST_BUNDLES_MAX as i64 + 1);
        let mut request = Request::of(carrier.id());
        assert_eq!(carry(&mut request, &bundles[..REQUEST_BUNDLES_MAX]).await, (REQUEST_BUNDLES_MAX, None));
        assert_eq!(carry(&mut request, &rest[2..]).await, (0, Some(TOO_MANY)));
        // The next request brings it.
        assert_eq!(carry(&mut Request::of(carrier.id()), &rest[2..]).await, (1, None));
    }

    #[tokio::test]
    async fn a_parcel_for_another_or_of_nothing_changes_nothing() {
        let office = Office::open().await;
        let mut device = TestDevice::enrol(&office, SITI, 2).await;
        let mut parcel = pack(&office, &[device.seal(&log_entry(device.actor(), 1, SITI, &["a"]))]).remove(0).0;
        *parcel.last_mut().unwrap() ^= 1;
        for bad in [parcel, vec![], vec![7; 100], vec![7; BUNDLE_MAX + 1]] {
            assert_eq!(office.service.take_parcel(&bad).await.unwrap(), (0, Taken::unreadable("malformed")));
        }
        assert_eq!((office.count("bundle"), office.count("quarantine")), (0, 0));
    }

    #[tokio::test]
    async fn files_bring_parcels_and_take_receipts_back() {
        let office = Office::open().await;
        let mut device = TestDevice::enrol(&office, SITI, 2).await;
        let mut lost = TestDevice::enrol(&office, AHMAD, 3).await;
        assert!(office.service.revoke_device(lost.id()).await.unwrap());
        let parcels = pack(
            &office,
            &[device.seal(&log_entry(device.actor(), 1, SITI, &["a"])), lost.seal(&log_entry(lost.actor(), 2, AHMAD, &["b"]))],
        );
        let server = server_key::fingerprint(office.service.key());
        let file = LenteraFile::Parcels { server, parcels: parcels.clone() }.write();
        let taken = office.service.take_file(&file).await.unwrap().unwrap();
        assert_eq!((taken.receipts.len(), taken.unreadable, office.count("held")), (1, Some("held"), 1));
        let back = office.service.receipts_file(taken.receipts.clone());
        let receipts = LenteraFile::Receipts { server, receipts: taken.receipts.into_iter().map(Sealed).collect() };
        assert_eq!(LenteraFile::read(&back).unwrap(), receipts);
        let other = LenteraFile::Parcels { server: Hash([7; 32]), parcels }.write();
        for (bytes, refusal) in [
            (back.as_slice(), FileRefusal::Receipts),
            (other.as_slice(), FileRefusal::OtherServer),
            (b"PK\x03\x04".as_slice(), FileRefusal::Malformed),
            (&[], FileRefusal::Malformed),
        ] {
            assert_eq!(office.service.take_file(bytes).await.unwrap(), Err(refusal));
        }
    }
}
