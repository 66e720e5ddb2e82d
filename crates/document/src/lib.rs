//! The Automerge shape of every record.
//!
//! One document per record, all of them flat: a record's serialised keys are the document's keys and every value is a
//! scalar. Changes are kept raw and in order of arrival; a [`Document`] is built from them whenever it is needed.
//! Foreign bytes enter only through [`guard`].

mod actor;
mod document;
mod fields;
mod genesis;
pub mod guard;
mod projection;
#[cfg(test)]
mod released;

pub use actor::Actor;
pub use document::{Document, DocumentError, FieldConflict, FieldValue, NewChange, builds_on, written_by};
pub use fields::{Fields, fields_of};
pub use projection::{Projection, project};

/// SHA-256 of an Automerge change, by which it is named.
pub type ChangeHash = [u8; 32];
