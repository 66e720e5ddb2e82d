//! The office itself: its making, its rules, its devices.

use lentera_domain::rules::LogRules;
use lentera_domain::{Day, FieldError, Nip};
use lentera_protocol::DeviceId;
use lentera_protocol::account::{Hello, HelloAnswer};
use lentera_protocol::sync::Refusal;
use lentera_protocol::{VERSION, VERSION_MIN};

use super::{Failure, Service};
use crate::storage::{Device, Storage, StorageError};

/// The rules an office starts with: entries for H, H-1 and H-2, seven a day, 37.5 hours over five days. Its own regulation may set others.
fn first_rules() -> Result<LogRules, FieldError> {
    Ok(LogRules {
        effective_from: Day::parse("2020-01-01")?,
        late_after_days: 2,
        entries_per_day: 7,
        minutes_per_day: 450,
        benefit_of_doubt: true,
    })
}

impl<S: Storage> Service<S> {
    /// Makes the office. `false`: there is one already.
    ///
    /// # Errors
    /// A fault of the server's.
    pub async fn create_office(&self, name: String) -> Result<bool, Failure> {
        let rules = first_rules().map_err(|error| StorageError::Damaged(error.to_string()))?;
        Ok(self.storage.create_office(name, rules).await?)
    }

    /// The office's name; `None` before it is made.
    ///
    /// # Errors
    /// A fault of the server's.
    pub async fn office(&self) -> Result<Option<String>, Failure> {
        Ok(self.storage.office().await?)
    }

    /// Whether the storage can be read, and work handed to it will be done.
    pub async fn is_well(&self) -> bool {
        self.load() < usize::MAX && matches!(self.office().await, Ok(Some(_)))
    }

    /// Shows who the server is.
    ///
    /// # Errors
    /// A fault of the server's.
    pub async fn hello(&self, hello: &Hello) -> Result<HelloAnswer, Failure> {
        Ok(HelloAnswer {
            nonce: hello.nonce,
            key: *self.key.verifying_key().as_bytes(),
            office: self.office().await?.ok_or(Refusal::Internal)?,
            versions: (VERSION_MIN, VERSION),
            time: self.now().millis(),
        })
    }

    /// Sets the rules of one starting day. `false`: they stood so already.
    ///
    /// # Errors
    /// A fault of the server's.
    pub async fn set_log_rules(&self, rules: LogRules) -> Result<bool, Failure> {
        Ok(self.storage.put_log_rules(rules).await?)
    }

    /// The devices of a person, the oldest first.
    ///
    /// # Errors
    /// A fault of the server's.
    pub async fn devices(&self, nip: Nip) -> Result<Vec<Device>, Failure> {
        Ok(self.storage.devices(nip).await?)
    }

    /// Withdraws a device from now on. `false`: no such device.
    ///
    /// # Errors
    /// A fault of the server's.
    pub async fn revoke_device(&self, id: DeviceId) -> Result<bool, Failure> {
        Ok(self.storage.revoke_device(id, self.now()).await?)
    }
}
