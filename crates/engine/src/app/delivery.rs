//! The light's page.

use lentera_api::Error;
use lentera_api::view::{Carried, Cause, Delivery, Light, RefusedRecord, WaitingRecord};
use lentera_domain::{Kind, LogEntryId, RecordId, UmkmId, VisitId};
use rusqlite::Connection;

use crate::Engine;
use crate::store::{StoreError, attempt, change, log_entry, umkm, visit};

pub fn delivery(engine: &Engine) -> Result<Delivery, Error> {
    let next_attempt_at = engine.next_attempt_at.get();
    engine.read(|connection, _| {
        let light = super::status::light(connection)?;
        let waiting = change::waiting(connection)?.into_iter().map(|waiting| {
            Ok(WaitingRecord { record: waiting.record, title: title(connection, waiting.record)?, since: waiting.since })
        });
        let waiting = waiting.collect::<Result<_, StoreError>>()?;
        let refused = change::refused(connection)?.into_iter().map(|refused| {
            Ok(RefusedRecord {
                record: refused.record,
                title: title(connection, refused.record)?,
                reason: refused.code,
                change: refused.position,
                at: refused.at,
                form: None,
                draft: None,
            })
        });
        let refused = refused.collect::<Result<_, StoreError>>()?;
        Ok(Delivery {
            cause: cause(connection, &light)?,
            light,
            waiting,
            refused,
            attempts: attempt::all(connection)?,
            next_attempt_at,
            findings: Vec::new(),
            backfill: None,
            kept_aside: 0,
            carried: Carried::default(),
        })
    })
}

pub async fn sync_now(engine: &Engine) -> Result<Delivery, Error> {
    engine.sync().await?;
    delivery(engine)
}

/// Why nothing is sent: how the last try failed, as long as something waits.
pub fn cause(connection: &Connection, light: &Light) -> Result<Option<Cause>, StoreError> {
    if light.waiting == 0 {
        return Ok(None);
    }
    Ok(attempt::all(connection)?.first().and_then(|last| last.failed))
}

/// What people call a record.
fn title(connection: &Connection, record: RecordId) -> Result<String, StoreError> {
    let known = match record.kind {
        Kind::LogEntry => log_entry::find(connection, LogEntryId(record.id))?.map(|entry| entry.activity.to_string()),
        Kind::Umkm | Kind::UmkmOwner => umkm::find(connection, UmkmId(record.id))?.map(|umkm| umkm.name.to_string()),
        Kind::Visit => visit::find(connection, VisitId(record.id))?
            .map(|visit| umkm::find(connection, visit.umkm))
            .transpose()?
            .flatten()
            .map(|umkm| umkm.name.to_string()),
    };
    Ok(known.unwrap_or_else(|| record.id.to_string()))
}
