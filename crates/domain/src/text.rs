//! Text a person typed, kept exactly as typed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{FieldError, Reason};

/// Non-blank text of at most `MAX` Unicode scalar values. Emoji, right-to-left and zero-width characters are kept;
/// control characters other than line break and tab are not accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// `value` unchanged, or what is wrong with it.
    pub fn parse(field: &'static str, value: &str) -> Result<Self, FieldError> {
        if value.trim().is_empty() {
            return Err(FieldError::new(field, Reason::Missing));
        }
        let length = value.chars().count();
        if length > MAX {
            return Err(FieldError::new(field, Reason::TooLong { length, max: MAX }));
        }
        match value.chars().position(|c| c.is_control() && c != '\n' && c != '\t') {
            Some(index) => Err(FieldError::new(field, Reason::ControlCharacter { position: index + 1 })),
            None => Ok(Self(value.to_owned())),
        }
    }

    /// As [`Text::parse`], where nothing at all is an answer too.
    pub fn parse_optional(field: &'static str, value: &str) -> Result<Option<Self>, FieldError> {
        if value.trim().is_empty() { Ok(None) } else { Self::parse(field, value).map(Some) }
    }

    /// Text that the software itself writes, from parts that are text already: shortened to `MAX`, never refused.
    pub(crate) fn written(value: &str) -> Self {
        Self(value.chars().take(MAX).collect())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = String::deserialize(deserializer)?;
        Self::parse("text", &value).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A text of a form: its name, its limit, and how it is filled in.
    pub(crate) type TextField<F> = (&'static str, usize, fn(&mut F, String));

    /// Each text is taken at its limit and refused by name above.
    pub(crate) fn assert_limits<F: Clone>(form: &F, parse: impl Fn(&F) -> Result<(), FieldError>, texts: &[TextField<F>]) {
        for (field, max, set) in texts {
            let of = |length: usize| {
                let mut form = form.clone();
                set(&mut form, "é".repeat(length));
                parse(&form)
            };
            assert_eq!(of(*max), Ok(()), "{field}");
            assert_eq!(of(*max + 1), Err(FieldError::new(field, Reason::TooLong { length: *max + 1, max: *max })));
        }
    }

    #[test]
    fn keeps_every_character_it_accepts() {
        for kept in ["👩🏽‍🌾 panen", "שלום", "a\u{200b}b", "  dua spasi  ", "baris\nbaru\t."] {
            assert_eq!(Text::<40>::parse("x", kept).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn limit_is_counted_in_characters_not_bytes() {
        assert!(Text::<3>::parse("x", "👩👩👩").is_ok());
        assert_eq!(Text::<3>::parse("x", "abcd").unwrap_err().reason, Reason::TooLong { length: 4, max: 3 });
    }

    #[test]
    fn refuses_blank_and_control_characters() {
        assert_eq!(Text::<9>::parse("x", " \n ").unwrap_err().reason, Reason::Missing);
        for (bad, position) in [("a\u{0}", 2), ("\u{1b}[31m", 1), ("a\rb", 2), ("ab\u{85}", 3)] {
            assert_eq!(Text::<9>::parse("x", bad).unwrap_err().reason, Reason::ControlCharacter { position });
        }
    }
}
