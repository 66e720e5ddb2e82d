//! Names of drafts.

use uuid::Uuid;

use crate::error::canonical_text;
use crate::{FieldError, Reason};

/// Which form a draft belongs to: `log_entry/new`, or the id of the record being edited, as `umkm/0197…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DraftName(String);

impl DraftName {
    /// Parses `KIND/new`, `KIND/UUID` or, for a visit to an enterprise, `visit/UUID-of-the-enterprise`.
    ///
    /// # Errors
    /// A [`FieldError`] on `draft`.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let known = value.split_once('/').is_some_and(|(kind, which)| {
            matches!(kind, "log_entry" | "umkm" | "visit") && (which == "new" || Uuid::try_parse(which).is_ok())
        });
        if known {
            Ok(Self(value.to_owned()))
        } else {
            Err(FieldError::new("draft", Reason::UnknownCode { value: value.to_owned() }))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for DraftName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

canonical_text!(DraftName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_have_known_names_only() {
        for good in ["log_entry/new", "umkm/0197f1d0-0000-7000-8000-000000000000"] {
            assert!(DraftName::parse(good).is_ok());
        }
        for bad in ["", "log_entry", "log_entry/", "../new", "log_entry/../x"] {
            assert!(DraftName::parse(bad).is_err(), "{bad}");
        }
    }
}
