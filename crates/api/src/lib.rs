//! What crosses between a screen and the engine: [`Command`]s, their answers, [`Event`]s and the closed set of [`Error`]s.
//! The same JSON goes through the window's `dispatch`, the terminal's `lentera call` and the tests.

mod command;
mod error;
mod event;
pub mod invite;
mod sentence;
pub mod view;

pub use command::*;
pub use error::{Error, What};
pub use event::Event;
pub use invite::Invite;
pub use sentence::{
    Language, cause_words, effect_sentence, evidence_sentence, field_name, finding_sentence, moment, refusal_words, sentence,
};
