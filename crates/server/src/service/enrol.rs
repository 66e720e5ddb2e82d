//! Enrolment: a device becomes a person's.

use ed25519_dalek::VerifyingKey;
use lentera_protocol::account::{Enrol, EnrolAnswer};
use lentera_protocol::sync::Refusal;
use lentera_protocol::{VERSION, VERSION_MIN, sign};

use super::log_in::Typed;
use super::{Failure, Service};
use crate::storage::{Enrolled, Enrolment, Storage};

impl<S: Storage> Service<S> {
    /// Enrols the device that signed `request`.
    ///
    /// # Errors
    /// A [`Refusal`], or a fault of the server's.
    pub async fn enrol(&self, request: &[u8]) -> Result<EnrolAnswer, Failure> {
        let claimed: Enrol = sign::peek(request).map_err(|_| Refusal::Malformed)?;
        if !(VERSION_MIN..=VERSION).contains(&claimed.version) {
            return Err(Refusal::Version.into());
        }
        let key = VerifyingKey::from_bytes(&claimed.key).map_err(|_| Refusal::Malformed)?;
        let enrol = sign::verify::<Enrol>(request, &key).map_err(|_| Refusal::Malformed)?.into_inner();
        let typed = Typed { nip: enrol.nip, password: enrol.password, new_password: enrol.new_password };
        let logged_in = self.log_in(typed).await?;
        let person = logged_in.person;
        let enrolment = Enrolment {
            nip: person.employee.nip.clone(),
            key: enrol.key,
            at: self.now(),
            new_password: logged_in.new_password.map(|password| (person.secrets, password)),
        };
        match self.storage.enrol_device(enrolment).await? {
            Enrolled::Done => {}
            Enrolled::Conflict => return Err(Refusal::Busy(super::BUSY_SECONDS).into()),
            Enrolled::Revoked => return Err(Refusal::Revoked.into()),
            Enrolled::Frozen => return Err(Refusal::KeyFrozen.into()),
            Enrolled::Taken => return Err(Refusal::Malformed.into()),
        }
        let employee = serde_json::to_string(&person.employee).map_err(crate::storage::StorageError::from)?;
        Ok(EnrolAnswer { employee, scope_epoch: person.scope_epoch, time: self.now().millis() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{AHMAD, Office, SITI};
    use super::*;
    use ed25519_dalek::SigningKey;
    use lentera_domain::server_record::Employee;
    use lentera_protocol::DeviceId;

    fn request(key: &SigningKey, nip: &str, password: &str, new_password: &str) -> Enrol {
        Enrol {
            version: VERSION,
            nip: nip.into(),
            password: password.into(),
            new_password: new_password.into(),
            key: *key.verifying_key().as_bytes(),
        }
    }

    async fn enrol(office: &Office, enrol: &Enrol, key: &SigningKey) -> Result<EnrolAnswer, Refusal> {
        office.service.enrol(&sign::sign(enrol, key)).await.map_err(Failure::into_refusal)
    }

    #[tokio::test]
    async fn enrols_once_however_often_it_is_asked() {
        let office = Office::open().await;
        let key = SigningKey::from_bytes(&[2; 32]);
        let asked = request(&key, SITI, "19720315", "melati 88 biru");
        let answer = enrol(&office, &asked, &key).await.unwrap();
        assert_eq!(enrol(&office, &asked, &key).await.unwrap(), answer);
        let employee: Employee = serde_json::from_str(&answer.employee).unwrap();
        assert_eq!((employee.nip.as_str(), answer.scope_epoch), (SITI, 1));
        assert_eq!(office.count("device"), 1);
        let device = office.storage.device(DeviceId::of_key(key.verifying_key().as_bytes())).await.unwrap().unwrap();
        assert_eq!((device.employee, device.last.0), (employee, 0));
    }

    #[tokio::test]
    async fn a_key_is_one_persons_shown_and_not_withdrawn() {
        let office = Office::open().await;
        let (key, other) = (SigningKey::from_bytes(&[2; 32]), SigningKey::from_bytes(&[3; 32]));
        let siti = request(&key, SITI, "19720315", "melati 88 biru");
        assert_eq!(enrol(&office, &siti, &other).await, Err(Refusal::Malformed));
        assert_eq!(enrol(&office, &Enrol { version: 99, ..siti.clone() }, &key).await, Err(Refusal::Version));
        enrol(&office, &siti, &key).await.unwrap();
        let ahmad = request(&key, AHMAD, "19800101", "kenanga 99 putih");
        assert_eq!(enrol(&office, &ahmad, &key).await, Err(Refusal::Malformed));
        assert!(office.service.revoke_device(DeviceId::of_key(key.verifying_key().as_bytes())).await.unwrap());
        assert_eq!(enrol(&office, &siti, &key).await, Err(Refusal::Revoked));
    }
}
