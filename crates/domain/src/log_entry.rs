//! The daily log (kegiatan harian, LKH).

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::form::{choice, or_empty, parse_choice, parse_village, parse_whole};
use crate::{Day, FieldError, Nip, Text, TimeRange, Timestamp, VisitId, WilayahCode};

/// Characters of an activity's description (uraian).
pub const ACTIVITY_MAX: usize = 1000;
/// Characters of the longer optional texts.
pub const NOTE_MAX: usize = 500;
/// Characters of short labels such as category and unit.
pub const LABEL_MAX: usize = 60;

/// What a volume may be.
pub const VOLUME: RangeInclusive<u32> = 1..=999_999;

/// One activity of one person's day. Its serialised keys are the keys of its document: they are never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Whose work it is.
    pub owner: Nip,
    /// The day of the work.
    pub day: Day,
    /// From when to when (waktu mulai, waktu selesai).
    pub time: TimeRange,
    /// Kategori aktivitas.
    pub category: Text<LABEL_MAX>,
    /// Uraian: what was done.
    pub activity: Text<ACTIVITY_MAX>,
    /// How much, in `unit`; 1 to 999,999.
    #[serde(default)]
    pub volume: Option<u32>,
    /// Satuan of the volume.
    #[serde(default)]
    pub unit: Option<Text<LABEL_MAX>>,
    /// What came of it.
    #[serde(default)]
    pub output: Option<Text<NOTE_MAX>>,
    /// Jenis.
    #[serde(default)]
    pub duty: Duty,
    /// Peran.
    #[serde(default)]
    pub role: Role,
    /// Desa or kelurahan where it was done.
    #[serde(default)]
    pub village: Option<WilayahCode>,
    /// Number of the surat tugas.
    #[serde(default)]
    pub letter: Option<Text<LABEL_MAX>>,
    /// Kendala.
    #[serde(default)]
    pub obstacle: Option<Text<NOTE_MAX>>,
    /// The visit that wrote this entry.
    #[serde(default)]
    pub visit: Option<VisitId>,
    /// What its owner did with it.
    pub status: Status,
    /// When it was first noted, by the device's clock. Lateness is judged on the [`Evidence`](crate::Evidence) of all clocks, on this only where there is none.
    pub noted_at: Timestamp,
}

/// What the owner did with an entry. Waiting, approved and returned are derived from other records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Noted (draf).
    Noted,
    /// Handed in (diajukan).
    Submitted,
    /// Cancelled (dibatalkan): kept, and counted no more.
    Cancelled,
}

/// Jenis of an activity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Utama: from the person's own SKP.
    #[default]
    Main,
    /// Tambahan.
    Additional,
    /// Disposisi: handed down by a superior.
    Assignment,
}

/// Peran in an activity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Pelaksana: did it.
    #[default]
    Performer,
    /// Pembantu: helped.
    Assistant,
}

/// An entry as a person types it: every field is text, empty where nothing was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct LogEntryForm {
    /// Day as 2026-11-23; not in the future.
    pub day: String,
    /// Start as typed: 915, 9:15 or 09.15.
    pub start: String,
    /// End as typed, after the start.
    pub end: String,
    /// Kategori aktivitas, at most 60 characters.
    pub category: String,
    /// Uraian, at most 1,000 characters.
    pub activity: String,
    /// Volume: a whole number, 1 to 999999; may be empty.
    pub volume: String,
    /// Satuan; needed when there is a volume.
    pub unit: String,
    /// Output, at most 500 characters; may be empty.
    pub output: String,
    /// Jenis: `main` (or empty), `additional`, `assignment`.
    pub duty: String,
    /// Peran: `performer` (or empty), `assistant`.
    pub role: String,
    /// Desa code as 63.11.01.2001; may be empty.
    pub village: String,
    /// Number of the surat tugas; may be empty.
    pub letter: String,
    /// Kendala, at most 500 characters; may be empty.
    pub obstacle: String,
}

impl LogEntry {
    /// Whether every value is one that a form takes. Types hold texts to their limits already; days are no matter of limits, since clocks are wrong.
    pub fn is_within_limits(&self) -> bool {
        self.volume.is_none_or(|volume| VOLUME.contains(&volume)) && self.village.as_ref().is_none_or(WilayahCode::is_village)
    }
}

impl LogEntryForm {
    /// The entry that `owner` notes at `now`.
    ///
    /// # Errors
    /// The first field that cannot be taken, in the form's order.
    pub fn parse(&self, owner: Nip, now: Timestamp) -> Result<LogEntry, FieldError> {
        let day = Day::parse_past(&self.day, now.day())?;
        let time = TimeRange::parse_ends(&self.start, &self.end)?;
        let category = Text::parse("category", &self.category)?;
        let activity = Text::parse("activity", &self.activity)?;
        let volume = parse_whole("volume", &self.volume, &VOLUME)?;
        let unit = match volume {
            Some(_) => Some(Text::parse("unit", &self.unit)?),
            None => Text::parse_optional("unit", &self.unit)?,
        };
        Ok(LogEntry {
            owner,
            day,
            time,
            category,
            activity,
            volume,
            unit,
            output: Text::parse_optional("output", &self.output)?,
            duty: parse_choice("duty", &self.duty)?,
            role: parse_choice("role", &self.role)?,
            village: parse_village(&self.village)?,
            letter: Text::parse_optional("letter", &self.letter)?,
            obstacle: Text::parse_optional("obstacle", &self.obstacle)?,
            visit: None,
            status: Status::Noted,
            noted_at: now,
        })
    }

    /// The form that shows `entry` for editing.
    pub fn of(entry: &LogEntry) -> Self {
        Self {
            day: entry.day.to_string(),
            start: entry.time.start().to_string(),
            end: entry.time.end().to_string(),
            category: entry.category.to_string(),
            activity: entry.activity.to_string(),
            volume: entry.volume.map_or_else(String::new, |volume| volume.to_string()),
            unit: or_empty(entry.unit.as_ref()),
            output: or_empty(entry.output.as_ref()),
            duty: choice(&entry.duty),
            role: choice(&entry.role),
            village: or_empty(entry.village.as_ref()),
            letter: or_empty(entry.letter.as_ref()),
            obstacle: or_empty(entry.obstacle.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;
    use crate::text::tests::{TextField, assert_limits};

    fn siti() -> Nip {
        Nip::parse("197203151998032000").unwrap()
    }

    /// 2026-11-23 10:00 WITA.
    const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

    fn form() -> LogEntryForm {
        LogEntryForm {
            day: "2026-11-23".into(),
            start: "730".into(),
            end: "9".into(),
            category: "Administrasi".into(),
            activity: "Rekap harga pasar".into(),
            ..LogEntryForm::default()
        }
    }

    #[test]
    fn parses_and_shows_the_same_form_again() {
        let typed = LogEntryForm {
            volume: "2".into(),
            unit: "dokumen".into(),
            village: "63.11.01.2001".into(),
            duty: "additional".into(),
            ..form()
        };
        let entry = typed.parse(siti(), NOW).unwrap();
        let shown = LogEntryForm::of(&entry);
        assert_eq!(shown.start, "07:30");
        assert_eq!(shown.parse(siti(), NOW).unwrap(), entry);
    }

    #[test]
    fn names_the_field_at_fault() {
        let wrong = |change: &dyn Fn(&mut LogEntryForm)| {
            let mut form = form();
            change(&mut form);
            form.parse(siti(), NOW).unwrap_err()
        };
        assert_eq!(wrong(&|f| f.end = "7".into()).field, "end");
        assert_eq!(wrong(&|f| f.start = "25:00".into()).reason, Reason::NoSuchTime { value: "25:00".into() });
        assert_eq!(wrong(&|f| f.day = "2026-11-24".into()).reason, Reason::FutureDay { day: Day::parse("2026-11-24").unwrap() });
        assert_eq!(wrong(&|f| f.activity = "a\u{7}".into()).reason, Reason::ControlCharacter { position: 2 });
        assert_eq!(wrong(&|f| f.volume = "3".into()).field, "unit");
        assert_eq!(wrong(&|f| f.duty = "boss".into()).field, "duty");
        assert_eq!(wrong(&|f| f.village = "63.11".into()).field, "village");
    }

    #[test]
    fn texts_are_taken_up_to_their_limits() {
        let texts: [TextField<LogEntryForm>; 6] = [
            ("category", LABEL_MAX, |form, text| form.category = text),
            ("activity", ACTIVITY_MAX, |form, text| form.activity = text),
            ("unit", LABEL_MAX, |form, text| form.unit = text),
            ("output", NOTE_MAX, |form, text| form.output = text),
            ("letter", LABEL_MAX, |form, text| form.letter = text),
            ("obstacle", NOTE_MAX, |form, text| form.obstacle = text),
        ];
        assert_limits(&form(), |form| form.parse(siti(), NOW).map(drop), &texts);
    }

    #[test]
    fn a_volume_is_taken_within_its_bounds() {
        let of = |volume: &str| LogEntryForm { volume: volume.into(), unit: "dokumen".into(), ..form() }.parse(siti(), NOW);
        for volume in [1, 999_999] {
            assert_eq!(of(&volume.to_string()).unwrap().volume, Some(volume));
        }
        for volume in ["0", "1000000"] {
            let reason = Reason::OutOfRange { value: volume.into(), min: 1, max: 999_999 };
            assert_eq!(of(volume), Err(FieldError::new("volume", reason)));
        }
    }

    #[test]
    fn document_keys_are_fixed() {
        let entry = LogEntryForm { volume: "2".into(), unit: "dokumen".into(), ..form() }.parse(siti(), NOW).unwrap();
        insta::assert_json_snapshot!(entry);
    }
}
