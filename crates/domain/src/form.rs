//! What the parsers of forms share: fields that are numbers, choices and villages, empty where nothing was typed.

use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{FieldError, Reason, WilayahCode};

/// A field's text, for showing a record in its form again.
pub(crate) fn or_empty(value: Option<&impl ToString>) -> String {
    value.map_or_else(String::new, ToString::to_string)
}

/// The serialised name of a choice.
pub(crate) fn choice(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// A choice by its serialised name; empty is its default.
pub(crate) fn parse_choice<T: Default + DeserializeOwned>(field: &'static str, value: &str) -> Result<T, FieldError> {
    if value.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_value(serde_json::Value::from(value))
        .map_err(|_| FieldError::new(field, Reason::UnknownCode { value: value.to_owned() }))
}

/// A whole number between two bounds, both inclusive; nothing typed is `None`.
pub(crate) fn parse_whole<T>(field: &'static str, value: &str, range: &RangeInclusive<T>) -> Result<Option<T>, FieldError>
where
    T: FromStr + Into<i64> + Copy + PartialOrd,
{
    let value = value.trim();
    if value.is_empty() {
        return Ok(None);
    }
    let (min, max) = ((*range.start()).into(), (*range.end()).into());
    match value.parse::<T>() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => Err(FieldError::new(field, Reason::OutOfRange { value: value.to_owned(), min, max })),
    }
}

/// A desa's code under the field name `village`; nothing typed is `None`.
pub(crate) fn parse_village(value: &str) -> Result<Option<WilayahCode>, FieldError> {
    if value.trim().is_empty() {
        return Ok(None);
    }
    WilayahCode::parse_village(value).map(Some).map_err(|error| FieldError::new("village", error.reason))
}
