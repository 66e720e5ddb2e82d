//! What a request hands over behind its header, one thing after the other; and what comes in files.

use lentera_protocol::handed::{Handed, Other};
use lentera_protocol::parcel::{self, LenteraFile};
use lentera_protocol::receipt::Receipt;
use lentera_protocol::sync::Sealed;
use lentera_protocol::{DeviceId, Hash, sign};

use super::accept_bundle::Way;
use super::{Failure, Service, Verdict, server_key};
use crate::storage::Storage;

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
    /// Takes what a request hands over. What it is and whose, its own signatures tell.
    ///
    /// # Errors
    /// A fault of the server's, or no time: what it holds can be sent again without harm.
    pub async fn take(&self, handed: Handed) -> Result<Taken, Failure> {
        let verdict = match handed {
            Handed::Bundle(sealed) => self.accept(&sealed, &Way::Sent).await?,
            Handed::Other(Other::Returned { sealed, receipt }) => self.take_returned(&sealed, receipt).await?,
            Handed::Other(Other::Parcel(parcel)) => return self.take_parcel(&parcel).await,
        };
        let mut taken = Taken::default();
        taken.add(verdict);
        Ok(taken)
    }

    /// Takes a bundle that was here before this server was restored from a backup, with the receipt that this server signed.
    async fn take_returned(&self, sealed: &[u8], signed: Vec<u8>) -> Result<Verdict, Failure> {
        let Ok(receipt) = sign::verify::<Receipt>(&signed, &self.key.verifying_key()) else {
            return Ok(Verdict::Unreadable("bad_receipt"));
        };
        let receipt = receipt.into_inner();
        let is_of_it = sign::peek::<lentera_protocol::bundle::Bundle>(sealed)
            .is_ok_and(|bundle| (bundle.device, bundle.number) == (receipt.device, receipt.number));
        if !is_of_it || receipt.bundle != Hash::of(sealed) {
            return Ok(Verdict::Unreadable("bad_receipt"));
        }
        self.accept(sealed, &Way::Returned(Box::new(receipt), signed)).await
    }

    /// Takes the bundles of a parcel that was made for this server, whoever carries it.
    ///
    /// # Errors
    /// As [`Service::take`].
    pub async fn take_parcel(&self, parcel: &[u8]) -> Result<Taken, Failure> {
        let Ok(bundles) = parcel::unpack(parcel, &self.key) else { return Ok(Taken::unreadable("malformed")) };
        let mut taken = Taken::default();
        for sealed in bundles {
            taken.add(self.accept(&sealed, &Way::Sent).await?);
        }
        Ok(taken)
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
            let taken = self.take_parcel(&parcel).await?;
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
