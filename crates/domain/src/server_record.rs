//! What the server alone writes and every device reads: people, regions, rules.

use serde::{Deserialize, Serialize};

use crate::rules::LogRules;
use crate::umkm::NAME_MAX;
use crate::{Nip, Text, WilayahCode};

/// A record of the server. Its serialised form is part of the wire format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ServerRecord {
    /// A member of staff.
    Employee(Employee),
    /// A region.
    Region(Region),
    /// Rules of the daily log from a day on.
    LogRules(LogRules),
}

impl ServerRecord {
    /// What the record is kept under: a newer one with the same key replaces it.
    pub fn key(&self) -> String {
        match self {
            Self::Employee(employee) => format!("employee/{}", employee.nip),
            Self::Region(region) => format!("region/{}", region.code),
            Self::LogRules(rules) => format!("log_rules/{}", rules.effective_from),
        }
    }
}

/// A member of staff (pegawai).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Employee {
    /// NIP or NI PPPK.
    pub nip: Nip,
    /// Full name with titles.
    pub name: Text<NAME_MAX>,
    /// Jabatan.
    pub position: Text<NAME_MAX>,
    /// The unit of the office (OPD, bidang) that shares its enterprises.
    pub unit: Text<NAME_MAX>,
    /// Atasan langsung, who validates this person's log.
    #[serde(default)]
    pub superior: Option<Nip>,
}

/// A region and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Kemendagri code.
    pub code: WilayahCode,
    /// Name as in the register.
    pub name: Text<NAME_MAX>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Day;

    #[test]
    fn names_are_read_up_to_their_limit() {
        let read = |length: usize| {
            let json = serde_json::json!({"kind": "region", "code": "63.11.01", "name": "é".repeat(length)});
            serde_json::from_value::<ServerRecord>(json)
        };
        assert!(read(NAME_MAX).is_ok());
        assert!(read(NAME_MAX + 1).is_err());
    }

    #[test]
    fn wire_form_is_fixed() {
        let employee = Employee {
            nip: Nip::parse("197203151998032000").unwrap(),
            name: Text::written("Siti Contoh"),
            position: Text::written("Penyuluh Perindag"),
            unit: Text::written("Bidang Perindustrian"),
            superior: None,
        };
        let region = Region { code: WilayahCode::parse("63.11.01").unwrap(), name: Text::written("Juai") };
        let rules = LogRules {
            effective_from: Day::parse("2026-01-01").unwrap(),
            late_after_days: 2,
            entries_per_day: 7,
            minutes_per_day: 450,
            benefit_of_doubt: true,
        };
        insta::assert_json_snapshot!([
            ServerRecord::Employee(employee),
            ServerRecord::Region(region),
            ServerRecord::LogRules(rules)
        ]);
    }
}
