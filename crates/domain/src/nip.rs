//! NIP (PNS) and NI PPPK: 18 digits that name a civil servant.

use std::fmt;

use chrono::{Datelike, NaiveDate};

use crate::error::{Part, canonical_text, digits_of};
use crate::{FieldError, Reason};

/// An employee's number, 18 digits (Peraturan Kepala BKN 22/2007; for PPPK Peraturan BKN 1/2019):
/// birth `YYYYMMDD`, appointment `YYYYMM`, sex `1|2`, sequence `NNN`. Where digits 13–14 are above 12 they are
/// a PPPK's contract code, not a month.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nip(String);

/// How the employee is appointed, as far as the number tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant's line tells of its fields")]
pub enum Appointment {
    /// PNS: year and month of appointment as CPNS.
    Pns { year: i32, month: u32 },
    /// PPPK: year of appointment.
    Pppk { year: i32 },
}

impl Nip {
    /// Parses 18 digits; spaces, dots and dashes between them are passed over.
    ///
    /// # Errors
    /// A [`FieldError`] on `nip` that names the part which cannot be.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let digits = digits_of("nip", value, &[18], "18")?;
        let nip = Self(digits);
        if nip.birth().is_none() {
            return Err(nip.part(Part::Birth, 0, 8));
        }
        let birth_year = nip.birth().map_or(0, |day| day.year());
        match nip.appointment() {
            Some(Appointment::Pns { year, .. } | Appointment::Pppk { year }) if year > birth_year && year <= 2199 => {}
            _ => return Err(nip.part(Part::Appointment, 8, 14)),
        }
        if !matches!(nip.slice(14, 15), "1" | "2") {
            return Err(nip.part(Part::Sex, 14, 15));
        }
        Ok(nip)
    }

    /// The 18 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Date of birth; always there for a parsed number.
    pub fn birth(&self) -> Option<NaiveDate> {
        let date = NaiveDate::parse_from_str(self.slice(0, 8), "%Y%m%d").ok()?;
        (1900..=2199).contains(&date.year()).then_some(date)
    }

    /// How and when appointed; always there for a parsed number.
    pub fn appointment(&self) -> Option<Appointment> {
        let year = self.slice(8, 12).parse().ok()?;
        match self.slice(12, 14).parse().ok()? {
            0 => None,
            month @ 1..=12 => Some(Appointment::Pns { year, month }),
            _contract => Some(Appointment::Pppk { year }),
        }
    }

    /// True for a woman (digit 15 is 2).
    pub fn is_woman(&self) -> bool {
        self.slice(14, 15) == "2"
    }

    /// The password a new account starts with, as the kabupaten's e-kinerja does it: the first 8 digits. It is a birth
    /// date and so no secret: whoever logs in with it must change it before anything else.
    pub fn first_password(&self) -> &str {
        self.slice(0, 8)
    }

    fn slice(&self, from: usize, to: usize) -> &str {
        self.0.get(from..to).unwrap_or_default()
    }

    fn part(&self, part: Part, from: usize, to: usize) -> FieldError {
        FieldError::new("nip", Reason::Part { part, value: self.slice(from, to).to_owned() })
    }
}

impl fmt::Display for Nip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

canonical_text!(Nip);

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(value: &str) -> Reason {
        Nip::parse(value).unwrap_err().reason
    }

    #[test]
    fn takes_legal_numbers() {
        let siti = Nip::parse("19720315 199803 2 000").unwrap();
        assert_eq!(siti.as_str(), "197203151998032000");
        assert!(siti.is_woman());
        assert_eq!(siti.appointment(), Some(Appointment::Pns { year: 1998, month: 3 }));
        assert_eq!(siti.first_password(), "19720315");
        let pppk = Nip::parse("199001012022211000").unwrap();
        assert_eq!(pppk.appointment(), Some(Appointment::Pppk { year: 2022 }));
    }

    #[test]
    fn names_the_wrong_part() {
        assert_eq!(wrong("197213151998032000"), Reason::Part { part: Part::Birth, value: "19721315".into() });
        assert_eq!(wrong("197202301998032000"), Reason::Part { part: Part::Birth, value: "19720230".into() });
        assert_eq!(wrong("197203151998002000"), Reason::Part { part: Part::Appointment, value: "199800".into() });
        assert_eq!(wrong("197203151960032000"), Reason::Part { part: Part::Appointment, value: "196003".into() });
        assert_eq!(wrong("197203151998033000"), Reason::Part { part: Part::Sex, value: "3".into() });
        assert_eq!(wrong("1972031519980320"), Reason::DigitCount { found: 16, expected: "18".into() });
        assert_eq!(wrong("19720315199803200O"), Reason::NotADigit { found: 'O', position: 18 });
        assert_eq!(wrong(" "), Reason::Missing);
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_round_trips(value in "\\PC{0,24}") {
            if let Ok(nip) = Nip::parse(&value) {
                proptest::prop_assert_eq!(Nip::parse(nip.as_str()).unwrap(), nip);
            }
        }
    }
}
