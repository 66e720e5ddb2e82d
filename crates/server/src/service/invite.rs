//! Invites: where the server is and how to know it. The app reads them as `api::Invite`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lentera_domain::Nip;
use serde::Serialize;

use super::{Failure, Service, server_key};
use crate::storage::Storage;

/// An invite; its JSON is what the app takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invite {
    format: &'static str,
    office: String,
    address: String,
    fingerprint: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    ca: String,
    nip: String,
}

impl<S: Storage> Service<S> {
    /// An invite to this server at `address`, for a person or for anyone. `ca` is the DER of the only certificate authority to be
    /// trusted there; without it, those that everybody trusts are. `None`: no such person, or no office yet.
    ///
    /// # Errors
    /// A fault of the server's.
    pub async fn invite(&self, address: String, ca: Option<&[u8]>, nip: Option<Nip>) -> Result<Option<Invite>, Failure> {
        let Some(office) = self.office().await? else { return Ok(None) };
        if let Some(nip) = &nip
            && self.storage.person(nip.clone()).await?.is_none()
        {
            return Ok(None);
        }
        Ok(Some(Invite {
            format: "lentera-invite-1",
            office,
            address,
            fingerprint: server_key::fingerprint(&self.key).to_string(),
            ca: ca.map_or_else(String::new, |der| BASE64_STANDARD.encode(der)),
            nip: nip.map_or_else(String::new, |nip| nip.to_string()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Office, SITI};
    use super::*;

    #[tokio::test]
    async fn names_the_server_by_address_and_key() {
        let office = Office::open().await;
        let invite = async |nip: &str| {
            let nip = Nip::parse(nip).ok();
            office.service.invite("http://127.0.0.1:8311".into(), None, nip).await.unwrap()
        };
        let fingerprint = server_key::fingerprint(office.service.key());
        let json = serde_json::to_string(&invite(SITI).await.unwrap()).unwrap();
        assert_eq!(
            json,
            format!(
                r#"{{"format":"lentera-invite-1","office":"Disperindag Contoh","address":"http://127.0.0.1:8311","fingerprint":"{fingerprint}","nip":"{SITI}"}}"#
            )
        );
        assert!(serde_json::to_string(&invite("").await.unwrap()).unwrap().ends_with(r#""nip":""}"#));
        assert_eq!(invite("198501012010011001").await, None);
        let pinned = office.service.invite("https://10.0.0.7:8311".into(), Some(&[0xfb, 0xff]), None).await.unwrap();
        assert!(serde_json::to_string(&pinned).unwrap().ends_with(r#","ca":"+/8=","nip":""}"#));
    }
}
