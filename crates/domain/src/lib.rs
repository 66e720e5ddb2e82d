//! What the office works with: identifiers, records and rules.
//!
//! Everything here is a value that cannot be wrong: it is parsed once, where it enters, and a [`FieldError`]
//! names the field and the reason when it cannot be. No IO, no SQL, no clock: the time of "now" is a parameter.

pub mod draft;
pub mod error;
pub mod evidence;
mod form;
pub mod id;
pub mod log_entry;
pub mod nib;
pub mod nik;
pub mod nip;
pub mod rules;
pub mod server_record;
pub mod text;
pub mod time;
pub mod umkm;
pub mod visit;
pub mod wilayah;

pub use draft::DraftName;
pub use error::{FieldError, Reason};
pub use evidence::{Evidence, EvidenceKind};
pub use id::{Kind, LogEntryId, RecordId, UmkmId, VisitId};
pub use log_entry::{LogEntry, Status};
pub use nib::{Kbli, Nib};
pub use nik::Nik;
pub use nip::Nip;
pub use text::Text;
pub use time::{Day, Month, TimeOfDay, TimeRange, Timestamp};
pub use umkm::{Umkm, UmkmOwner};
pub use visit::Visit;
pub use wilayah::WilayahCode;
