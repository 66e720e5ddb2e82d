//! What the engine says by itself.

use serde::{Deserialize, Serialize};

use crate::view::Light;

/// Something happened that a screen may want to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The sync light, after every commit and every try to send.
    Light(Light),
    /// Records changed that did not change by this screen's own command: read again what is shown.
    RecordsChanged,
}
