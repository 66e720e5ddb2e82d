//! Why a typed value was not taken: the field and a reason from a closed set. Sentences for people are made from it elsewhere.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::time::{Day, TimeOfDay};

/// A value that cannot be taken as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{field}: {reason:?}")]
pub struct FieldError {
    /// The field's name in commands and CSV headers, such as `nip` or `end`.
    pub field: Cow<'static, str>,
    /// What is wrong with it.
    #[serde(flatten)]
    pub reason: Reason,
}

impl FieldError {
    /// `reason` about `field`.
    pub const fn new(field: &'static str, reason: Reason) -> Self {
        Self { field: Cow::Borrowed(field), reason }
    }
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's line tells of its fields")]
pub enum Reason {
    /// Nothing, or only white space.
    Missing,
    /// Longer than `max`; both counted in Unicode scalar values. Nothing was cut.
    TooLong { length: usize, max: usize },
    /// A control character other than line break and tab, at this character (from 1).
    ControlCharacter { position: usize },
    /// Something other than digits (separators such as spaces and dots are passed over), at this character (from 1).
    NotADigit { found: char, position: usize },
    /// The wrong number of digits.
    DigitCount { found: usize, expected: Cow<'static, str> },
    /// One part of an identifier is not possible; `value` is that part as typed.
    Part { part: Part, value: String },
    /// No such time of day.
    NoSuchTime { value: String },
    /// No such date.
    NoSuchDay { value: String },
    /// The end is not after the start.
    EndNotAfterStart { start: TimeOfDay, end: TimeOfDay },
    /// The day has not come yet.
    FutureDay { day: Day },
    /// A number outside its bounds, both inclusive.
    OutOfRange { value: String, min: i64, max: i64 },
    /// A code that is not one of the known ones.
    UnknownCode { value: String },
}

/// The parts of NIP, NI PPPK and NIK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Date of birth.
    Birth,
    /// Year and month of appointment as CPNS, or the year of a PPPK's.
    Appointment,
    /// 1 for a man, 2 for a woman.
    Sex,
    /// The running number.
    Sequence,
    /// Province, kabupaten and kecamatan codes.
    Region,
}

/// The digits of `value`, spaces, dots and dashes passed over.
pub(crate) fn digits(field: &'static str, value: &str) -> Result<String, FieldError> {
    if value.trim().is_empty() {
        return Err(FieldError::new(field, Reason::Missing));
    }
    let mut digits = String::with_capacity(value.len());
    for (index, found) in value.trim().chars().enumerate() {
        match found {
            '0'..='9' => digits.push(found),
            ' ' | '.' | '-' => {}
            _ => return Err(FieldError::new(field, Reason::NotADigit { found, position: index + 1 })),
        }
    }
    Ok(digits)
}

/// Digits of exactly one of the `allowed` lengths.
pub(crate) fn digits_of(
    field: &'static str,
    value: &str,
    allowed: &[usize],
    expected: &'static str,
) -> Result<String, FieldError> {
    let digits = digits(field, value)?;
    if allowed.contains(&digits.len()) {
        Ok(digits)
    } else {
        let found = digits.len();
        Err(FieldError::new(field, Reason::DigitCount { found, expected: Cow::Borrowed(expected) }))
    }
}

/// Serde and `FromStr` for a newtype over its canonical text, by its `parse(&str) -> Result<Self, FieldError>`.
macro_rules! canonical_text {
    ($type:ty) => {
        impl std::str::FromStr for $type {
            type Err = $crate::FieldError;
            fn from_str(value: &str) -> Result<Self, Self::Err> {
                Self::parse(value)
            }
        }
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = String::deserialize(deserializer)?;
                Self::parse(&value).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use canonical_text;
