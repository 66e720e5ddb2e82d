//! What a request hands over behind its header, one thing after the other.

use lentera_protocol::handed::{Handed, Other};
use lentera_protocol::parcel;
use lentera_protocol::sync::Last;

use super::{Failure, Service, Verdict};
use crate::storage::{Device, Storage};

/// What the server has to say on one thing handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Signed receipts: of a bundle its own, of a parcel those of all its bundles.
    pub receipts: Vec<Vec<u8>>,
    /// A code, where something of it could not be read.
    pub unreadable: Option<&'static str>,
}

impl Taken {
    /// Nothing of it could be read.
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

impl<S: Storage> Service<S> {
    /// Takes what `_asking` hands over.
    ///
    /// # Errors
    /// A fault of the server's, or no time: what it holds can be sent again without harm.
    pub async fn take(&self, handed: Handed, _asking: &Device) -> Result<Taken, Failure> {
        match handed {
            Handed::Bundle(sealed) | Handed::Other(Other::Returned { sealed, .. }) => {
                let mut taken = Taken::default();
                taken.add(self.accept_bundle(&sealed).await?);
                Ok(taken)
            }
            Handed::Other(Other::Parcel(parcel)) => self.take_parcel(&parcel).await,
        }
    }

    /// The device's last bundle, as it is kept now.
    ///
    /// # Errors
    /// A fault of the server's.
    pub async fn last_bundle(&self, device: &Device) -> Result<Option<Last>, Failure> {
        let (number, hash) = self.storage.device(device.id).await?.map(|device| device.last).unwrap_or_default();
        Ok((number > 0).then_some(Last { number, hash }))
    }

    /// Takes the bundles of a parcel that was made for this server, whoever carries it.
    ///
    /// # Errors
    /// As [`Service::take`].
    pub async fn take_parcel(&self, parcel: &[u8]) -> Result<Taken, Failure> {
        let Ok(bundles) = parcel::unpack(parcel, &self.key) else { return Ok(Taken::unreadable("malformed")) };
        let mut taken = Taken::default();
        for sealed in bundles {
            taken.add(self.accept_bundle(&sealed).await?);
        }
        Ok(taken)
    }
}
