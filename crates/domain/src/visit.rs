//! Visits to enterprises (kunjungan, pembinaan).

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::canonical_text;
use crate::form::{parse_village, parse_whole};
use crate::log_entry::{ACTIVITY_MAX, Duty, LABEL_MAX, NOTE_MAX, Role};
use crate::{Day, FieldError, LogEntry, Nip, Reason, Status, Text, TimeRange, Timestamp, Umkm, UmkmId, VisitId, WilayahCode};

/// What an enterprise's satisfaction may be: 1, not at all, to 5, fully.
pub const SATISFACTION: RangeInclusive<u8> = 1..=5;

/// One visit by one officer. Its serialised keys are the keys of its document: they are never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Which enterprise.
    pub umkm: UmkmId,
    /// Who went.
    pub officer: Nip,
    /// On which day.
    pub day: Day,
    /// From when to when.
    pub time: TimeRange,
    /// What for.
    pub purposes: Purposes,
    /// Where, if not at the enterprise's own desa.
    #[serde(default)]
    pub village: Option<WilayahCode>,
    /// Number of the surat tugas.
    #[serde(default)]
    pub letter: Option<Text<LABEL_MAX>>,
    /// Who came along.
    #[serde(default)]
    pub companions: Option<Text<NOTE_MAX>>,
    /// Vehicle and its condition.
    #[serde(default)]
    pub vehicle: Option<Text<NOTE_MAX>>,
    /// Masalah.
    #[serde(default)]
    pub problem: Option<Text<ACTIVITY_MAX>>,
    /// Saran.
    #[serde(default)]
    pub advice: Option<Text<ACTIVITY_MAX>>,
    /// Kesepakatan and what follows from it.
    #[serde(default)]
    pub agreement: Option<Text<ACTIVITY_MAX>>,
    /// The owner's satisfaction, 1 to 5.
    #[serde(default)]
    pub satisfaction: Option<u8>,
    /// When it was noted, by the device's clock.
    pub noted_at: Timestamp,
}

/// Why one visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Pendataan.
    Registration,
    /// Pembinaan.
    Coaching,
    /// Monitoring bantuan.
    AidMonitoring,
    /// P-IRT, halal, NIB, merek.
    Licensing,
    /// Pelatihan.
    Training,
    /// Pengaduan.
    Complaint,
}

impl Purpose {
    /// All, in the order they are offered.
    pub const ALL: [Self; 6] =
        [Self::Registration, Self::Coaching, Self::AidMonitoring, Self::Licensing, Self::Training, Self::Complaint];

    /// Its code in documents and commands.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Registration => "pendataan",
            Self::Coaching => "pembinaan",
            Self::AidMonitoring => "monitoring_bantuan",
            Self::Licensing => "perizinan",
            Self::Training => "pelatihan",
            Self::Complaint => "pengaduan",
        }
    }
}

/// At least one purpose; one value of the document, its canonical text the codes in order with commas between.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Purposes(Vec<Purpose>);

impl Purposes {
    /// Parses codes with commas between.
    ///
    /// # Errors
    /// A [`FieldError`] on `purposes` with the first unknown code, or that there is none.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let mut purposes = Vec::new();
        for code in value.split(',').map(str::trim).filter(|code| !code.is_empty()) {
            let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.code() == code);
            purposes.push(purpose.ok_or_else(|| FieldError::new("purposes", Reason::UnknownCode { value: code.to_owned() }))?);
        }
        purposes.sort_unstable();
        purposes.dedup();
        if purposes.is_empty() { Err(FieldError::new("purposes", Reason::Missing)) } else { Ok(Self(purposes)) }
    }

    /// The purposes, in order, without doubles.
    pub fn as_slice(&self) -> &[Purpose] {
        &self.0
    }
}

impl fmt::Display for Purposes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<_> = self.0.iter().map(|purpose| purpose.code()).collect();
        f.write_str(&codes.join(","))
    }
}

canonical_text!(Purposes);

impl Visit {
    /// Whether every value is one that a form takes, as of [`LogEntry::is_within_limits`].
    pub fn is_within_limits(&self) -> bool {
        self.satisfaction.is_none_or(|score| SATISFACTION.contains(&score))
            && self.village.as_ref().is_none_or(WilayahCode::is_village)
    }

    /// The log entry this visit writes by itself, so that nobody types it twice.
    pub fn log_entry(&self, id: VisitId, umkm: &Umkm) -> LogEntry {
        LogEntry {
            owner: self.officer.clone(),
            day: self.day,
            time: self.time,
            category: Text::written("Lapangan"),
            activity: Text::written(&format!("Kunjungan: {}", umkm.name)),
            volume: Some(1),
            unit: Some(Text::written("kunjungan")),
            output: None,
            duty: Duty::Main,
            role: Role::Performer,
            village: Some(self.village.clone().unwrap_or_else(|| umkm.village.clone())),
            letter: self.letter.clone(),
            obstacle: None,
            visit: Some(id),
            status: Status::Noted,
            noted_at: self.noted_at,
        }
    }
}

/// A visit as a person types it: every field is text, empty where nothing was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct VisitForm {
    /// Id of the enterprise.
    pub umkm: String,
    /// Day as 2026-11-23; not in the future.
    pub day: String,
    /// Start as typed.
    pub start: String,
    /// End as typed, after the start.
    pub end: String,
    /// Codes with commas between: pendataan, pembinaan, monitoring_bantuan, perizinan, pelatihan, pengaduan.
    pub purposes: String,
    /// Desa code, if not the enterprise's; may be empty.
    pub village: String,
    /// Number of the surat tugas; may be empty.
    pub letter: String,
    /// Who came along; may be empty.
    pub companions: String,
    /// Vehicle and its condition; may be empty.
    pub vehicle: String,
    /// Masalah; may be empty.
    pub problem: String,
    /// Saran; may be empty.
    pub advice: String,
    /// Kesepakatan and follow-up; may be empty.
    pub agreement: String,
    /// Satisfaction 1 to 5; may be empty.
    pub satisfaction: String,
}

impl VisitForm {
    /// The visit that `officer` notes at `now`.
    ///
    /// # Errors
    /// The first field that cannot be taken, in the form's order.
    pub fn parse(&self, officer: Nip, now: Timestamp) -> Result<Visit, FieldError> {
        let umkm = match self.umkm.trim() {
            "" => Err(Reason::Missing),
            id => Uuid::try_parse(id).map_err(|_| Reason::UnknownCode { value: id.to_owned() }),
        };
        Ok(Visit {
            umkm: UmkmId(umkm.map_err(|reason| FieldError::new("umkm", reason))?),
            officer,
            day: Day::parse_past(&self.day, now.day())?,
            time: TimeRange::parse_ends(&self.start, &self.end)?,
            purposes: Purposes::parse(&self.purposes)?,
            village: parse_village(&self.village)?,
            letter: Text::parse_optional("letter", &self.letter)?,
            companions: Text::parse_optional("companions", &self.companions)?,
            vehicle: Text::parse_optional("vehicle", &self.vehicle)?,
            problem: Text::parse_optional("problem", &self.problem)?,
            advice: Text::parse_optional("advice", &self.advice)?,
            agreement: Text::parse_optional("agreement", &self.agreement)?,
            satisfaction: parse_whole("satisfaction", &self.satisfaction, &SATISFACTION)?,
            noted_at: now,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::{TextField, assert_limits};

    const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

    fn siti() -> Nip {
        Nip::parse("197203151998032000").unwrap()
    }

    fn form() -> VisitForm {
        VisitForm {
            umkm: Uuid::from_u128(5).to_string(),
            day: "2026-11-23".into(),
            start: "9.15".into(),
            end: "11.15".into(),
            purposes: "perizinan, pembinaan,pembinaan".into(),
            ..VisitForm::default()
        }
    }

    #[test]
    fn purposes_are_a_set_in_a_fixed_order() {
        let visit = form().parse(siti(), NOW).unwrap();
        assert_eq!(visit.purposes.to_string(), "pembinaan,perizinan");
        assert_eq!(Purposes::parse("jalan").unwrap_err().reason, Reason::UnknownCode { value: "jalan".into() });
        assert_eq!(Purposes::parse(" , ").unwrap_err().reason, Reason::Missing);
    }

    #[test]
    fn names_the_field_at_fault() {
        for (form, field) in [
            (VisitForm { umkm: "x".into(), ..form() }, "umkm"),
            (VisitForm { purposes: String::new(), ..form() }, "purposes"),
            (VisitForm { end: "9.15".into(), ..form() }, "end"),
        ] {
            assert_eq!(form.parse(siti(), NOW).unwrap_err().field, field);
        }
    }

    #[test]
    fn texts_are_taken_up_to_their_limits() {
        let texts: [TextField<VisitForm>; 6] = [
            ("letter", LABEL_MAX, |form, text| form.letter = text),
            ("companions", NOTE_MAX, |form, text| form.companions = text),
            ("vehicle", NOTE_MAX, |form, text| form.vehicle = text),
            ("problem", ACTIVITY_MAX, |form, text| form.problem = text),
            ("advice", ACTIVITY_MAX, |form, text| form.advice = text),
            ("agreement", ACTIVITY_MAX, |form, text| form.agreement = text),
        ];
        assert_limits(&form(), |form| form.parse(siti(), NOW).map(drop), &texts);
    }

    #[test]
    fn satisfaction_is_taken_within_its_bounds() {
        let of = |satisfaction: &str| VisitForm { satisfaction: satisfaction.into(), ..form() }.parse(siti(), NOW);
        for satisfaction in [1, 5] {
            assert_eq!(of(&satisfaction.to_string()).unwrap().satisfaction, Some(satisfaction));
        }
        for satisfaction in ["0", "6"] {
            let reason = Reason::OutOfRange { value: satisfaction.into(), min: 1, max: 5 };
            assert_eq!(of(satisfaction), Err(FieldError::new("satisfaction", reason)));
        }
    }

    #[test]
    fn writes_its_own_log_entry() {
        let visit = form().parse(siti(), NOW).unwrap();
        let (umkm, _) = crate::umkm::UmkmForm {
            name: "Dapur Melati".into(),
            owner_name: "Aluh Contoh".into(),
            village: "63.11.01.2001".into(),
            ..Default::default()
        }
        .parse(NOW)
        .unwrap();
        insta::assert_json_snapshot!((&visit, visit.log_entry(VisitId(Uuid::from_u128(6)), &umkm)));
    }
}
