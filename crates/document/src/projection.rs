//! From document to record: the same on phone and server.

use lentera_domain::{Kind, LogEntry, Umkm, UmkmOwner, Visit};

use crate::{Document, DocumentError};

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

/// The record that `document` holds.
///
/// # Errors
/// [`DocumentError::Unreadable`] where a field is missing or not of its type: such a document shows nothing until a later change makes it whole.
pub fn project(document: &Document) -> Result<Projection, DocumentError> {
    match document.id().kind {
        Kind::LogEntry => document.read().map(Projection::LogEntry),
        Kind::Umkm => document.read().map(Projection::Umkm),
        Kind::UmkmOwner => document.read().map(Projection::UmkmOwner),
        Kind::Visit => document.read().map(Projection::Visit),
    }
}
