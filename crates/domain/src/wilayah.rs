//! Regions by their Kemendagri code.

use std::fmt;

use crate::error::canonical_text;
use crate::{FieldError, Reason};

/// A region's code (Kepmendagri on Kode dan Data Wilayah): `63` province, `63.11` kabupaten, `63.11.01` kecamatan, `63.11.01.2001` desa or kelurahan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WilayahCode(String);

/// How far down a code goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Provinsi.
    Province,
    /// Kabupaten or kota.
    Regency,
    /// Kecamatan.
    District,
    /// Desa or kelurahan.
    Village,
}

impl WilayahCode {
    /// Parses groups of 2, 2, 2 and 4 digits with a dot between them; one to four groups.
    ///
    /// # Errors
    /// A [`FieldError`] on `wilayah` with the code as typed.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let value = value.trim();
        if value.is_empty() {
            return Err(FieldError::new("wilayah", Reason::Missing));
        }
        let groups: Vec<&str> = value.split('.').collect();
        let well_formed = groups.len() <= 4
            && groups
                .iter()
                .zip([2, 2, 2, 4])
                .all(|(group, length)| group.len() == length && group.bytes().all(|b| b.is_ascii_digit()));
        if well_formed {
            Ok(Self(value.to_owned()))
        } else {
            Err(FieldError::new("wilayah", Reason::UnknownCode { value: value.to_owned() }))
        }
    }

    /// Whether it is a desa's or kelurahan's.
    pub fn is_village(&self) -> bool {
        self.level() == Level::Village
    }

    /// A code that must be a desa's or kelurahan's.
    ///
    /// # Errors
    /// As [`WilayahCode::parse`], and for a code that stops higher up.
    pub fn parse_village(value: &str) -> Result<Self, FieldError> {
        let code = Self::parse(value)?;
        if code.is_village() { Ok(code) } else { Err(FieldError::new("wilayah", Reason::UnknownCode { value: code.0 })) }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How far down it goes.
    pub fn level(&self) -> Level {
        match self.0.len() {
            0..=2 => Level::Province,
            3..=5 => Level::Regency,
            6..=8 => Level::District,
            _ => Level::Village,
        }
    }

    /// The region it lies in; `None` for a province.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('.').map(|(parent, _)| Self(parent.to_owned()))
    }
}

impl fmt::Display for WilayahCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

canonical_text!(WilayahCode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_levels_and_parents() {
        let desa = WilayahCode::parse_village("63.11.01.2001").unwrap();
        assert_eq!(desa.parent().unwrap().as_str(), "63.11.01");
        assert_eq!(desa.parent().unwrap().level(), Level::District);
        assert_eq!(WilayahCode::parse("63").unwrap().parent(), None);
    }

    #[test]
    fn refuses_what_no_region_has() {
        for bad in ["6311", "63.1", "63.11.01.201", "63.11.01.2001.1", "63.11.ab", "63..01"] {
            assert!(WilayahCode::parse(bad).is_err(), "{bad}");
        }
        assert!(WilayahCode::parse_village("63.11.01").is_err());
    }
}
