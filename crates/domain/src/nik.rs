//! NIK: 16 digits that name a resident.

use std::fmt;

use chrono::NaiveDate;

use crate::error::{Part, canonical_text, digits_of};
use crate::{FieldError, Reason};

/// A resident's number, 16 digits (Permendagri on Nomor Induk Kependudukan): region of *first registration* (2+2+2, so never assumed to be ours), birth
/// `DDMMYY` with 40 added to the day for a woman, running number from 0001.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nik(String);

impl Nik {
    /// Parses 16 digits; spaces, dots and dashes between them are passed over.
    ///
    /// # Errors
    /// A [`FieldError`] on `nik` that names the part which cannot be.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let nik = Self(digits_of("nik", value, &[16], "16")?);
        if nik.slice(0, 2) == "00" || nik.slice(2, 4) == "00" || nik.slice(4, 6) == "00" {
            return Err(nik.part(Part::Region, 0, 6));
        }
        let day: u32 = nik.slice(6, 8).parse().unwrap_or(0);
        let month: u32 = nik.slice(8, 10).parse().unwrap_or(0);
        let year: i32 = nik.slice(10, 12).parse().unwrap_or(0);
        let day = if day > 40 { day - 40 } else { day };
        // Two digits leave the century open, and 1900 had no leap day: a date that was possible in either will do.
        let possible = [1900, 2000].into_iter().any(|century| NaiveDate::from_ymd_opt(century + year, month, day).is_some());
        if !possible {
            return Err(nik.part(Part::Birth, 6, 12));
        }
        if nik.slice(12, 16) == "0000" {
            return Err(nik.part(Part::Sequence, 12, 16));
        }
        Ok(nik)
    }

    /// The 16 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What may be shown without a reason to see more: `6311**********01`.
    pub fn masked(&self) -> String {
        format!("{}**********{}", self.slice(0, 4), self.slice(14, 16))
    }

    fn slice(&self, from: usize, to: usize) -> &str {
        self.0.get(from..to).unwrap_or_default()
    }

    fn part(&self, part: Part, from: usize, to: usize) -> FieldError {
        FieldError::new("nik", Reason::Part { part, value: self.slice(from, to).to_owned() })
    }
}

impl fmt::Display for Nik {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

canonical_text!(Nik);

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(value: &str) -> Reason {
        Nik::parse(value).unwrap_err().reason
    }

    #[test]
    fn takes_men_women_and_any_region() {
        for value in ["9911011503720001", "9911015503720001", "3273012902000009"] {
            assert_eq!(Nik::parse(value).unwrap().as_str(), value);
        }
        assert_eq!(Nik::parse("9911011503720001").unwrap().masked(), "9911**********01");
    }

    #[test]
    fn names_the_wrong_part() {
        assert_eq!(wrong("0011011503720001"), Reason::Part { part: Part::Region, value: "001101".into() });
        assert_eq!(wrong("9911013213720001"), Reason::Part { part: Part::Birth, value: "321372".into() });
        assert_eq!(wrong("9911012902010001"), Reason::Part { part: Part::Birth, value: "290201".into() });
        assert_eq!(wrong("9911011503720000"), Reason::Part { part: Part::Sequence, value: "0000".into() });
        assert_eq!(wrong("99110115037200"), Reason::DigitCount { found: 14, expected: "16".into() });
    }
}
