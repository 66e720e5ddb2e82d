//! From document to record: the same on phone and server.

use lentera_domain::{Kind, LogEntry, Umkm, UmkmOwner, Visit};

use crate::{Document, DocumentError, Fields};

/// The record that a document holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// A log entry.
    LogEntry(LogEntry),
    /// An enterprise.
    Umkm(Umkm),
    /// What is protected about its owner.
    UmkmOwner(UmkmOwner),
    /// A visit.
    Visit(Visit),
}

impl Projection {
    /// Whether every value is one that a form takes.
    pub(crate) fn is_within_limits(&self) -> bool {
        match self {
            Self::LogEntry(entry) => entry.is_within_limits(),
            Self::Umkm(umkm) => umkm.is_within_limits(),
            Self::UmkmOwner(_) => true,
            Self::Visit(visit) => visit.is_within_limits(),
        }
    }
}

/// The record that `document` holds.
///
/// # Errors
/// [`DocumentError::Unreadable`] where nothing was written yet, or a field is missing or not of its type: such a document shows nothing
/// until a later change makes it whole.
pub fn project(document: &Document) -> Result<Projection, DocumentError> {
    // Of a record without a field that must be there, nothing else would tell.
    if document.is_blank() {
        return Err(DocumentError::Unreadable("nothing was written".to_owned()));
    }
    project_fields(document.id().kind, &document.fields())
}

/// The record that the fields of a document of `kind` are.
pub(crate) fn project_fields(kind: Kind, fields: &Fields) -> Result<Projection, DocumentError> {
    match kind {
        Kind::LogEntry => fields.read().map(Projection::LogEntry),
        Kind::Umkm => fields.read().map(Projection::Umkm),
        Kind::UmkmOwner => fields.read().map(Projection::UmkmOwner),
        Kind::Visit => fields.read().map(Projection::Visit),
    }
}
