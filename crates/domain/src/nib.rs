//! Business numbers of an enterprise.

use std::fmt;

use crate::FieldError;
use crate::error::{canonical_text, digits_of};

macro_rules! digit_number {
    ($(#[$doc:meta])* $name:ident, $field:literal, $count:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses the digits; spaces, dots and dashes between them are passed over.
            ///
            /// # Errors
            /// A [`FieldError`] when it is not digits, or not as many as it must be.
            pub fn parse(value: &str) -> Result<Self, FieldError> {
                digits_of($field, value, &[$count], stringify!($count)).map(Self)
            }

            /// The digits.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        canonical_text!($name);
    };
}

digit_number!(
    /// Nomor Induk Berusaha, 13 digits (PP 5/2021).
    Nib, "nib", 13
);
digit_number!(
    /// A KBLI class, 5 digits (Peraturan BPS 2/2020).
    Kbli, "kbli", 5
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    #[test]
    fn counts_digits() {
        assert_eq!(Nib::parse("0000 0000 00001").unwrap().as_str(), "0000000000001");
        assert_eq!(Nib::parse("123").unwrap_err().reason, Reason::DigitCount { found: 3, expected: "13".into() });
        assert_eq!(Kbli::parse("10710").unwrap().as_str(), "10710");
        assert_eq!(Kbli::parse("1071x").unwrap_err().reason, Reason::NotADigit { found: 'x', position: 5 });
    }
}
