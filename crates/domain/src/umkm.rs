//! Small enterprises (UMKM, "usaha").

use serde::{Deserialize, Serialize};

use crate::form::{or_empty, parse_whole};
use crate::log_entry::{LABEL_MAX, NOTE_MAX};
use crate::{FieldError, Kbli, Nib, Nik, Text, Timestamp, WilayahCode};

/// Characters of names of enterprises and people.
pub const NAME_MAX: usize = 120;

/// An enterprise, without what is protected about its owner. Its serialised keys are the keys of its document: they are never renamed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Umkm {
    /// Its name.
    pub name: Text<NAME_MAX>,
    /// Its owner's name.
    pub owner_name: Text<NAME_MAX>,
    /// Desa or kelurahan it lies in.
    pub village: WilayahCode,
    /// The rest of its address.
    #[serde(default)]
    pub address: Option<Text<NOTE_MAX>>,
    /// What it makes or sells.
    #[serde(default)]
    pub product: Option<Text<NOTE_MAX>>,
    /// Badan usaha: perorangan, CV, koperasi …
    #[serde(default)]
    pub legal_form: Option<Text<LABEL_MAX>>,
    /// NIB.
    #[serde(default)]
    pub nib: Option<Nib>,
    /// KBLI class; which edition is told by `kbli_edition`.
    #[serde(default)]
    pub kbli: Option<Kbli>,
    /// Edition of KBLI the class is of: 2020 or 2025.
    #[serde(default)]
    pub kbli_edition: Option<u16>,
    /// Year of founding.
    #[serde(default)]
    pub founded: Option<u16>,
    /// When it was registered, by the device's clock.
    pub registered_at: Timestamp,
}

/// What the law protects about an enterprise's owner (UU 27/2022); a document of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UmkmOwner {
    /// NIK.
    #[serde(default)]
    pub nik: Option<Nik>,
    /// Telephone as typed.
    #[serde(default)]
    pub phone: Option<Text<LABEL_MAX>>,
}

/// No enterprise is older.
pub const FOUNDED_MIN: u16 = 1800;
/// Editions of KBLI that a class can be of.
pub const KBLI_EDITIONS: [u16; 2] = [2020, KBLI_EDITION];
/// The edition of KBLI that newly typed classes are of (Peraturan BPS 7/2025 replaces 2/2020).
const KBLI_EDITION: u16 = 2025;

/// An enterprise as a person types it: every field is text, empty where nothing was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct UmkmForm {
    /// Name, at most 120 characters.
    pub name: String,
    /// Owner's name, at most 120 characters.
    pub owner_name: String,
    /// Desa code as 63.11.01.2001.
    pub village: String,
    /// Rest of the address; may be empty.
    pub address: String,
    /// What it makes or sells; may be empty.
    pub product: String,
    /// Badan usaha; may be empty.
    pub legal_form: String,
    /// NIB, 13 digits; may be empty.
    pub nib: String,
    /// KBLI, 5 digits; may be empty.
    pub kbli: String,
    /// Year of founding; may be empty.
    pub founded: String,
    /// Owner's NIK, 16 digits; may be empty.
    pub nik: String,
    /// Owner's telephone; may be empty.
    pub phone: String,
}

impl Umkm {
    /// Whether every value is one that a form takes, as of [`crate::LogEntry::is_within_limits`].
    pub fn is_within_limits(&self) -> bool {
        self.village.is_village()
            && self.founded.is_none_or(|year| (FOUNDED_MIN..=9999).contains(&year))
            && self.kbli_edition.is_none_or(|edition| KBLI_EDITIONS.contains(&edition))
    }
}

impl UmkmForm {
    /// The enterprise and its owner's protected data, as registered at `now`.
    ///
    /// # Errors
    /// The first field that cannot be taken, in the form's order.
    pub fn parse(&self, now: Timestamp) -> Result<(Umkm, UmkmOwner), FieldError> {
        let optional = |value: &str| (!value.trim().is_empty()).then(|| value.to_owned());
        let kbli = optional(&self.kbli);
        let umkm = Umkm {
            name: Text::parse("name", &self.name)?,
            owner_name: Text::parse("owner_name", &self.owner_name)?,
            village: WilayahCode::parse_village(&self.village).map_err(|error| FieldError::new("village", error.reason))?,
            address: Text::parse_optional("address", &self.address)?,
            product: Text::parse_optional("product", &self.product)?,
            legal_form: Text::parse_optional("legal_form", &self.legal_form)?,
            nib: optional(&self.nib).map(|nib| Nib::parse(&nib)).transpose()?,
            kbli_edition: kbli.as_ref().map(|_| KBLI_EDITION),
            kbli: kbli.map(|kbli| Kbli::parse(&kbli)).transpose()?,
            founded: self.founded_year(now)?,
            registered_at: now,
        };
        let owner = UmkmOwner {
            nik: optional(&self.nik).map(|nik| Nik::parse(&nik)).transpose()?,
            phone: Text::parse_optional("phone", &self.phone)?,
        };
        Ok((umkm, owner))
    }

    fn founded_year(&self, now: Timestamp) -> Result<Option<u16>, FieldError> {
        let this_year = u16::try_from(now.day().month().year).unwrap_or(u16::MAX);
        parse_whole("founded", &self.founded, &(FOUNDED_MIN..=this_year))
    }

    /// The form that shows the two records for editing.
    pub fn of(umkm: &Umkm, owner: &UmkmOwner) -> Self {
        Self {
            name: umkm.name.to_string(),
            owner_name: umkm.owner_name.to_string(),
            village: umkm.village.to_string(),
            address: or_empty(umkm.address.as_ref()),
            product: or_empty(umkm.product.as_ref()),
            legal_form: or_empty(umkm.legal_form.as_ref()),
            nib: or_empty(umkm.nib.as_ref()),
            kbli: or_empty(umkm.kbli.as_ref()),
            founded: or_empty(umkm.founded.as_ref()),
            nik: or_empty(owner.nik.as_ref()),
            phone: or_empty(owner.phone.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;
    use crate::text::tests::{TextField, assert_limits};

    const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

    fn form() -> UmkmForm {
        UmkmForm {
            name: "Dapur Melati".into(),
            owner_name: "Aluh Contoh".into(),
            village: "63.11.01.2001".into(),
            ..UmkmForm::default()
        }
    }

    #[test]
    fn parses_and_shows_the_same_form_again() {
        let typed = UmkmForm {
            kbli: "10710".into(),
            founded: "2011".into(),
            nik: "9911015503720001".into(),
            phone: "0812 0000 1111".into(),
            ..form()
        };
        let (umkm, owner) = typed.parse(NOW).unwrap();
        assert_eq!(umkm.kbli_edition, Some(2025));
        assert_eq!(UmkmForm::of(&umkm, &owner), typed);
    }

    #[test]
    fn names_the_field_at_fault() {
        let wrong = |change: &dyn Fn(&mut UmkmForm)| {
            let mut form = form();
            change(&mut form);
            form.parse(NOW).unwrap_err().field
        };
        assert_eq!(wrong(&|f| f.name.clear()), "name");
        assert_eq!(wrong(&|f| f.village = "63.11.01".into()), "village");
        assert_eq!(wrong(&|f| f.nib = "12".into()), "nib");
        assert_eq!(wrong(&|f| f.nik = "12".into()), "nik");
    }

    #[test]
    fn texts_are_taken_up_to_their_limits() {
        let texts: [TextField<UmkmForm>; 6] = [
            ("name", NAME_MAX, |form, text| form.name = text),
            ("owner_name", NAME_MAX, |form, text| form.owner_name = text),
            ("address", NOTE_MAX, |form, text| form.address = text),
            ("product", NOTE_MAX, |form, text| form.product = text),
            ("legal_form", LABEL_MAX, |form, text| form.legal_form = text),
            ("phone", LABEL_MAX, |form, text| form.phone = text),
        ];
        assert_limits(&form(), |form| form.parse(NOW).map(drop), &texts);
    }

    #[test]
    fn a_year_of_founding_is_taken_up_to_this_year() {
        let of = |founded: &str| UmkmForm { founded: founded.into(), ..form() }.parse(NOW);
        for founded in [1800, 2026] {
            assert_eq!(of(&founded.to_string()).unwrap().0.founded, Some(founded));
        }
        for founded in ["1799", "2027"] {
            let reason = Reason::OutOfRange { value: founded.into(), min: 1800, max: 2026 };
            assert_eq!(of(founded), Err(FieldError::new("founded", reason)));
        }
    }

    #[test]
    fn document_keys_are_fixed() {
        let (umkm, owner) = form().parse(NOW).unwrap();
        insta::assert_json_snapshot!((umkm, owner));
    }
}
