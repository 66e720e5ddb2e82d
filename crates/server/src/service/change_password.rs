//! A new password, chosen by its owner or made possible by the operator.

use lentera_domain::Nip;
use lentera_protocol::account::{ChangePassword, PasswordChanged};
use lentera_protocol::sync::Refusal;

use super::log_in::Typed;
use super::{BUSY_SECONDS, Failure, Service, passwords};
use crate::storage::{OneTimeCode, Storage};

/// How long a one-time code is taken: seven days.
const CODE_VALID: i64 = 7 * 24 * 60 * 60 * 1000;

impl<S: Storage> Service<S> {
    /// Changes a password.
    ///
    /// # Errors
    /// A [`Refusal`], or a fault of the server's.
    pub async fn change_password(&self, request: ChangePassword) -> Result<PasswordChanged, Failure> {
        if request.new_password.is_empty() {
            return Err(Refusal::WeakPassword.into());
        }
        let typed = Typed { nip: request.nip, password: request.password, new_password: request.new_password };
        let logged_in = self.log_in(typed).await?;
        if let Some(password) = logged_in.new_password {
            let person = logged_in.person;
            if !self.storage.set_password(person.employee.nip, person.secrets, password).await? {
                return Err(Refusal::Busy(BUSY_SECONDS).into());
            }
        }
        Ok(PasswordChanged { time: self.now().millis() })
    }

    /// A code that its owner can log in with once, to choose a new password. Devices and unsent work are not touched. `None`: no such person.
    ///
    /// # Errors
    /// A fault of the server's.
    pub async fn reset_password(&self, nip: Nip) -> Result<Option<String>, Failure> {
        let code = passwords::new_code(self.clock.as_ref())?;
        let place = self.hashing_place().await?;
        let hash = self.hash_password(&place, code.clone()).await?;
        let kept = OneTimeCode { hash, until: self.now().plus_millis(CODE_VALID) };
        Ok(self.storage.set_one_time_code(nip, kept).await?.then_some(code))
    }
}
