//! The office, its regions and rules.

use lentera_domain::rules::LogRules;
use lentera_domain::server_record::{Region, ServerRecord};
use rusqlite::{Connection, OptionalExtension, params};

use super::streams::Appending;
use crate::service::scope;
use crate::storage::{Imported, StorageError};

pub fn create(db: &Connection, name: &str, rules: LogRules) -> Result<bool, StorageError> {
    if self::name(db)?.is_some() {
        return Ok(false);
    }
    db.execute("INSERT INTO office (id, name) VALUES (1, ?)", [name])?;
    put_log_rules(db, rules)?;
    Ok(true)
}

pub fn name(db: &Connection) -> Result<Option<String>, StorageError> {
    Ok(db.query_row("SELECT name FROM office", [], |row| row.get(0)).optional()?)
}

pub fn put_log_rules(db: &Connection, rules: LogRules) -> Result<bool, StorageError> {
    let key = rules.effective_from.to_string();
    let (kept, body) = (body(db, "SELECT body FROM log_rules WHERE effective_from = ?", &key)?, serde_json::to_string(&rules)?);
    if kept.as_ref() == Some(&body) {
        return Ok(false);
    }
    db.execute(
        "INSERT INTO log_rules (effective_from, body) VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
        params![key, body],
    )?;
    let mut appending = Appending::to(db);
    appending.record(scope::KABUPATEN, &ServerRecord::LogRules(rules))?;
    appending.finish()?;
    Ok(true)
}

pub fn import_regions(db: &Connection, regions: Vec<Region>) -> Result<Imported, StorageError> {
    let mut imported = Imported::default();
    let mut appending = Appending::to(db);
    for region in regions {
        let code = region.code.to_string();
        let (kept, body) = (body(db, "SELECT body FROM region WHERE code = ?", &code)?, serde_json::to_string(&region)?);
        if kept.as_ref() == Some(&body) {
            imported.same += 1;
            continue;
        }
        if kept.is_some() {
            imported.changed += 1
        } else {
            imported.new += 1
        }
        db.prepare_cached("INSERT INTO region (code, body) VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body")?
            .execute(params![code, body])?;
        appending.record(scope::REGIONS, &ServerRecord::Region(region))?;
    }
    appending.finish()?;
    Ok(imported)
}

fn body(db: &Connection, select: &str, key: &str) -> Result<Option<String>, StorageError> {
    Ok(db.prepare_cached(select)?.query_row([key], |row| row.get(0)).optional()?)
}
