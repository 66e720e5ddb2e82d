//! Who receives what: the streams and their names.

use lentera_domain::Kind;
use lentera_domain::server_record::Employee;

/// The stream of everybody: people, regions, rules.
pub const KABUPATEN: &str = "kabupaten";
const UNIT: &str = "unit:";
const PERSON: &str = "person:";

/// The streams of this person's devices, own work first: it is what they look for.
pub fn streams_of(employee: &Employee) -> [String; 3] {
    [person(employee), unit(employee), KABUPATEN.to_owned()]
}

/// The stream that carries a document which this person makes. A kind not known goes no further than to the person's other devices.
pub fn home_of(kind: Option<Kind>, employee: &Employee) -> String {
    match kind {
        Some(Kind::Umkm | Kind::UmkmOwner | Kind::Visit) => unit(employee),
        Some(Kind::LogEntry) | None => person(employee),
    }
}

/// The unit whose stream this is; nothing for another stream.
pub fn unit_of(home: &str) -> &str {
    home.strip_prefix(UNIT).unwrap_or_default()
}

fn unit(employee: &Employee) -> String {
    format!("{UNIT}{}", employee.unit)
}

fn person(employee: &Employee) -> String {
    format!("{PERSON}{}", employee.nip)
}
