//! A few desa of Balangan, to choose from.

use lentera_api::view::Village;
use lentera_domain::WilayahCode;

use super::records::holds;

const VILLAGES: [(&str, &str, &str); 12] = [
    ("63.11.01.2001", "Muara Ninian", "Juai"),
    ("63.11.01.2002", "Hamarung", "Juai"),
    ("63.11.01.2003", "Juai", "Juai"),
    ("63.11.01.2004", "Buntu Karau", "Juai"),
    ("63.11.01.2005", "Bata", "Juai"),
    ("63.11.01.2006", "Galumbang", "Juai"),
    ("63.11.01.2007", "Sungai Batung", "Juai"),
    ("63.11.01.2008", "Sirap", "Juai"),
    ("63.11.01.2009", "Tigarun", "Juai"),
    ("63.11.01.2010", "Teluk Bayur", "Juai"),
    ("63.11.01.2011", "Pamurus", "Juai"),
    ("63.11.01.2012", "Marias", "Juai"),
];

/// Villages that hold all words of `search`.
pub fn list(search: &str) -> Vec<Village> {
    VILLAGES
        .into_iter()
        .filter(|(code, name, district)| holds(search, &[code, name, district]))
        .filter_map(|(code, name, district)| {
            Some(Village { code: WilayahCode::parse_village(code).ok()?, name: name.into(), district: district.into() })
        })
        .collect()
}

/// Name of a village with its kecamatan; the code where it is not known.
pub fn name_of(code: &WilayahCode) -> String {
    VILLAGES
        .into_iter()
        .find(|(known, ..)| *known == code.as_str())
        .map_or_else(|| code.to_string(), |(_, name, district)| format!("{name}, {district}"))
}
