//! When something was really noted: what a device's clocks show, and how far that is proven. Pure, and the same on phone and server.
//!
//! Nobody loses pay for a wrong clock or a blackout: a rule asks for the earliest moment the evidence allows.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Milliseconds between the server's telling of the time and the device's taking note of it at most: the longest a request may take.
pub const ANCHOR_SLACK: i64 = 120_000;
/// Milliseconds by which a wall clock may be beside the proven interval and still be believed: clocks set by hand are a little off.
pub const WALL_SLACK: i64 = 600_000;

/// What a device's clocks said when something was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Its wall clock.
    pub wall: Timestamp,
    /// The last time that the server had told it.
    pub anchor: Option<Timestamp>,
    /// Milliseconds since then by a clock that runs through sleep and cannot be set, where both fall into one boot.
    pub since_anchor: Option<i64>,
}

/// How a time is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// Stated: the server's time plus what a clock that cannot be set counted since.
    Stated,
    /// The device's own clock, which nothing contradicts.
    Wall,
    /// The device's clock is contradicted or says nothing: only that it was after the server's last word and before arrival.
    Proven,
}

/// When something was noted, as far as can be known. An end that is absent is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// How it is known.
    pub kind: EvidenceKind,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Not after this.
    pub until: Option<Timestamp>,
}

/// When something saved with these clocks, which arrived at the server at `arrived` (absent while it waits), was noted.
pub fn evidence(saved: Saved, arrived: Option<Timestamp>) -> Evidence {
    let proven = Evidence { kind: EvidenceKind::Proven, from: saved.anchor, until: arrived };
    if let (Some(anchor), Some(since)) = (saved.anchor, saved.since_anchor.filter(|since| *since >= 0)) {
        let from = anchor.plus_millis(since);
        if arrived.is_none_or(|arrived| from <= arrived) {
            let until = from.plus_millis(ANCHOR_SLACK);
            let until = arrived.map_or(until, |arrived| until.min(arrived));
            return Evidence { kind: EvidenceKind::Stated, from: Some(from), until: Some(until) };
        }
        return proven;
    }
    let too_early = saved.anchor.is_some_and(|anchor| saved.wall.plus_millis(WALL_SLACK) < anchor);
    let too_late = arrived.is_some_and(|arrived| saved.wall > arrived.plus_millis(WALL_SLACK));
    if too_early || too_late {
        return proven;
    }
    let wall = saved.anchor.map_or(saved.wall, |anchor| saved.wall.max(anchor));
    let wall = arrived.map_or(wall, |arrived| wall.min(arrived));
    Evidence { kind: EvidenceKind::Wall, from: Some(wall), until: Some(wall) }
}
