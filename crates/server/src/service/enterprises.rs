//! Which unit looks after an enterprise.

use lentera_domain::{Text, UmkmId};

use super::{Failure, Service};
use crate::storage::{Moved, Storage};

/// Characters of a unit's name, as `domain::server_record::Employee` has it.
const UNIT_MAX: usize = lentera_domain::umkm::NAME_MAX;

impl<S: Storage> Service<S> {
    /// Makes an enterprise another unit's, with its owner's data and its visits.
    ///
    /// # Errors
    /// A fault of the server's.
    pub async fn move_umkm(&self, id: UmkmId, unit: Text<UNIT_MAX>) -> Result<Moved, Failure> {
        Ok(self.storage.move_enterprise(id, unit.to_string()).await?)
    }
}
