//! What the server alone writes: people, regions, rules.

use lentera_domain::rules::LogRules;
use lentera_domain::server_record::{Employee, Region, ServerRecord};
use lentera_domain::{Nip, WilayahCode};
use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;

/// Puts a record in the place of the one with its key.
///
/// # Errors
/// [`StoreError`].
pub fn put(connection: &Connection, record: &ServerRecord) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO server_record (key, body) VALUES (?, ?)")?
        .execute(params![record.key(), serde_json::to_string(record)?])?;
    Ok(())
}

/// Puts a record, unless there is one with its key.
///
/// # Errors
/// [`StoreError`].
pub fn put_missing(connection: &Connection, record: &ServerRecord) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO server_record (key, body) VALUES (?, ?) ON CONFLICT (key) DO NOTHING")?
        .execute(params![record.key(), serde_json::to_string(record)?])?;
    Ok(())
}

fn find(connection: &Connection, key: &str) -> Result<Option<ServerRecord>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT body FROM server_record WHERE key = ?")?;
    let body: Option<String> = statement.query_row([key], |row| row.get(0)).optional()?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

fn all(connection: &Connection, prefix: &str) -> Result<Vec<ServerRecord>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT body FROM server_record WHERE key >= ?1 AND key < ?1 || '~' ORDER BY key")?;
    let mut rows = statement.query([prefix])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(serde_json::from_str(&row.get::<_, String>(0)?)?);
    }
    Ok(records)
}

/// All rules of the daily log.
///
/// # Errors
/// [`StoreError`].
pub fn log_rules(connection: &Connection) -> Result<Vec<LogRules>, StoreError> {
    let rules = all(connection, "log_rules/")?.into_iter();
    Ok(rules.filter_map(|record| if let ServerRecord::LogRules(rules) = record { Some(rules) } else { None }).collect())
}

/// A member of staff.
///
/// # Errors
/// [`StoreError`].
pub fn employee(connection: &Connection, nip: &Nip) -> Result<Option<Employee>, StoreError> {
    let record = find(connection, &format!("employee/{nip}"))?;
    Ok(record.and_then(|record| if let ServerRecord::Employee(employee) = record { Some(employee) } else { None }))
}

/// Everybody whose superior this is, by name.
///
/// # Errors
/// [`StoreError`].
pub fn employees_below(connection: &Connection, superior: &Nip) -> Result<Vec<Employee>, StoreError> {
    let people = all(connection, "employee/")?.into_iter();
    let mut below: Vec<_> = people
        .filter_map(|record| if let ServerRecord::Employee(employee) = record { Some(employee) } else { None })
        .filter(|employee| employee.superior.as_ref() == Some(superior))
        .collect();
    below.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
    Ok(below)
}

/// A region's name.
///
/// # Errors
/// [`StoreError`].
pub fn region_name(connection: &Connection, code: &WilayahCode) -> Result<Option<String>, StoreError> {
    let record = find(connection, &format!("region/{code}"))?;
    Ok(record.and_then(|record| if let ServerRecord::Region(region) = record { Some(region.name.to_string()) } else { None }))
}

/// All regions by code.
///
/// # Errors
/// [`StoreError`].
pub fn regions(connection: &Connection) -> Result<Vec<Region>, StoreError> {
    let regions = all(connection, "region/")?.into_iter();
    Ok(regions.filter_map(|record| if let ServerRecord::Region(region) = record { Some(region) } else { None }).collect())
}

/// A desa's name with its kecamatan's, as "Muara Ninian, Juai"; the code where the name is not known here.
///
/// # Errors
/// [`StoreError`].
pub fn village_name(connection: &Connection, code: &WilayahCode) -> Result<String, StoreError> {
    let Some(village) = region_name(connection, code)? else { return Ok(code.to_string()) };
    let district = code.parent().map(|parent| region_name(connection, &parent)).transpose()?.flatten();
    Ok(match district {
        Some(district) => format!("{village}, {district}"),
        None => village,
    })
}
