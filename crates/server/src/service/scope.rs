//! Who receives what: the streams and their names.

use lentera_domain::server_record::Employee;
use lentera_domain::{Kind, Nip};

/// The stream of everybody: people, rules.
pub const KABUPATEN: &str = "kabupaten";
/// The regions' stream, everybody's too: the largest and the least urgent to a new device.
pub const REGIONS: &str = "regions";
const UNIT: &str = "unit:";
const PERSON: &str = "person:";

/// The streams of a person's own: theirs, and their unit's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// The person's.
    pub person: String,
    /// The unit's.
    pub unit: String,
}

impl Own {
    /// Those of a person in this unit.
    pub fn of(nip: &Nip, unit: &str) -> Self {
        Self { person: format!("{PERSON}{nip}"), unit: unit_stream(unit) }
    }

    /// Whether the person is sent what this stream carries.
    pub fn carries(&self, home: &str) -> bool {
        home == self.person || home == self.unit
    }

    /// The stream that carries a document which this person makes. A kind not known goes no further than to the person's other devices.
    pub fn home_of(&self, kind: Option<Kind>) -> &str {
        match kind {
            Some(Kind::Umkm | Kind::UmkmOwner | Kind::Visit) => &self.unit,
            Some(Kind::LogEntry) | None => &self.person,
        }
    }
}

/// A stream that a device is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its name.
    pub name: String,
    /// The only kind that is sent of it; `None`: all.
    pub kind: Option<Kind>,
}

/// The streams of this person's devices, own work first: it is what they look for. Of those `below` their log.
pub fn streams_of(employee: &Employee, below: &[Nip]) -> Vec<Sent> {
    let own = Own::of(&employee.nip, employee.unit.as_str());
    let mut streams: Vec<_> = [own.person, own.unit, KABUPATEN.to_owned()].map(|name| Sent { name, kind: None }).into();
    streams.extend(below.iter().map(|nip| Sent { name: format!("{PERSON}{nip}"), kind: Some(Kind::LogEntry) }));
    streams.push(Sent { name: REGIONS.to_owned(), kind: None });
    streams
}

/// The stream of a unit.
pub fn unit_stream(unit: &str) -> String {
    format!("{UNIT}{unit}")
}

/// The unit whose stream this is; nothing for another stream.
pub fn unit_of(home: &str) -> &str {
    home.strip_prefix(UNIT).unwrap_or_default()
}
