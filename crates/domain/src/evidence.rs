//! When something was really noted: what a device's clocks show, and how far that is proven. Pure, and the same on phone and server.
//!
//! Nobody loses pay for a wrong clock or a blackout: a rule asks for the earliest moment the evidence allows.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Milliseconds between the server's telling of the time and the device's taking note of it at most: the longest a request may take.
pub const ANCHOR_SLACK: i64 = 120_000;
/// Millionths by which a clock that cannot be set may run too fast or too slow: five minutes in five weeks.
pub const DRIFT_PPM: i64 = 100;
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
    /// The device's own clock, which nothing contradicts. It is believed for its owner, not against: `until` is what it said, `from` what is proven.
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
    // A word of the server that is later than the arrival proves nothing: its clock was set back in between.
    let anchor = saved.anchor.filter(|anchor| arrived.is_none_or(|arrived| *anchor <= arrived));
    let proven = Evidence { kind: EvidenceKind::Proven, from: anchor, until: arrived };
    let within = |time: Timestamp| arrived.map_or(time, |arrived| time.min(arrived));
    if let (Some(anchor), Some(since)) = (anchor, saved.since_anchor.filter(|since| *since >= 0)) {
        let drift = since / 1_000_000 * DRIFT_PPM;
        let from = anchor.plus_millis(since - drift);
        if arrived.is_some_and(|arrived| from > arrived) {
            return proven;
        }
        let until = anchor.plus_millis(since).plus_millis(drift + ANCHOR_SLACK);
        return Evidence { kind: EvidenceKind::Stated, from: Some(from), until: Some(within(until)) };
    }
    let too_early = anchor.is_some_and(|anchor| saved.wall.plus_millis(WALL_SLACK) < anchor);
    let too_late = arrived.is_some_and(|arrived| saved.wall > arrived.plus_millis(WALL_SLACK));
    if too_early || too_late {
        return proven;
    }
    let wall = within(anchor.map_or(saved.wall, |anchor| saved.wall.max(anchor)));
    Evidence { kind: EvidenceKind::Wall, from: anchor, until: Some(wall) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    /// 2026-11-23 10:00 WITA.
    const NOON: i64 = 1_795_399_200_000;

    const fn at(millis: i64) -> Option<Timestamp> {
        Some(Timestamp::from_millis(NOON + millis))
    }

    fn saved(wall: i64, anchor: Option<i64>, since_anchor: Option<i64>) -> Saved {
        Saved { wall: Timestamp::from_millis(NOON + wall), anchor: anchor.and_then(at), since_anchor }
    }

    const fn stated(from: i64, until: i64) -> Evidence {
        Evidence { kind: EvidenceKind::Stated, from: at(from), until: at(until) }
    }

    const fn proven(from: Option<Timestamp>, until: Option<Timestamp>) -> Evidence {
        Evidence { kind: EvidenceKind::Proven, from, until }
    }

    const fn wall(from: Option<Timestamp>, until: i64) -> Evidence {
        Evidence { kind: EvidenceKind::Wall, from, until: at(until) }
    }

    #[test]
    fn a_clock_that_cannot_be_set_is_believed_whatever_the_wall_says() {
        for years_off in [-30, 0, 30] {
            let saved = saved(years_off * 365 * DAY, Some(0), Some(HOUR));
            assert_eq!(evidence(saved, None), stated(HOUR - 300, HOUR + 300 + ANCHOR_SLACK));
            assert_eq!(evidence(saved, at(DAY)), stated(HOUR - 300, HOUR + 300 + ANCHOR_SLACK));
            assert_eq!(evidence(saved, at(HOUR + 5)), stated(HOUR - 300, HOUR + 5));
            // It claims more time than there was.
            assert_eq!(evidence(saved, at(HOUR / 2)), proven(at(0), at(HOUR / 2)));
        }
    }

    #[test]
    fn a_wall_clock_stands_until_something_contradicts_it() {
        assert_eq!(evidence(saved(HOUR, Some(0), None), at(DAY)), wall(at(0), HOUR));
        assert_eq!(evidence(saved(HOUR, None, None), None), wall(None, HOUR));
        assert_eq!(evidence(saved(HOUR, Some(0), Some(-1)), at(DAY)), wall(at(0), HOUR));
        for (a_little_off, seen_as) in [(-WALL_SLACK, 0), (DAY + WALL_SLACK, DAY)] {
            assert_eq!(evidence(saved(a_little_off, Some(0), None), at(DAY)), wall(at(0), seen_as));
        }
        for wrong in [-30 * 365 * DAY, -WALL_SLACK - 1, DAY + WALL_SLACK + 1, i64::MAX - NOON] {
            assert_eq!(evidence(saved(wrong, Some(0), None), at(DAY)), proven(at(0), at(DAY)), "{wrong}");
        }
        assert_eq!(evidence(saved(-WALL_SLACK - 1, Some(0), None), None), proven(at(0), None));
    }

    #[test]
    fn a_server_whose_clock_was_set_back_proves_nothing_by_its_earlier_word() {
        assert_eq!(evidence(saved(HOUR, Some(2 * DAY), Some(HOUR)), at(DAY)), wall(None, HOUR));
        assert_eq!(evidence(saved(3 * DAY, Some(2 * DAY), Some(HOUR)), at(DAY)), proven(None, at(DAY)));
    }

    /// Moments around a deadline, and the ends of what a clock can show.
    fn moment() -> impl Strategy<Value = i64> {
        prop_oneof![8 => -40 * DAY..40 * DAY, 1 => Just(i64::MIN), 1 => Just(i64::MAX), 1 => any::<i64>()]
    }

    fn moments() -> impl Strategy<Value = (Saved, Option<Timestamp>)> {
        let since = proptest::option::of(prop_oneof![0..60 * DAY, any::<i64>()]);
        (moment(), proptest::option::of(moment()), since, proptest::option::of(moment())).prop_map(
            |(wall, anchor, since, arrived)| {
                let time = |millis: i64| Timestamp::from_millis(NOON.saturating_add(millis));
                let saved = Saved { wall: time(wall), anchor: anchor.map(time), since_anchor: since };
                (saved, arrived.map(time))
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, rng_seed: proptest::test_runner::RngSeed::Fixed(3), ..ProptestConfig::default() })]

        #[test]
        fn ends_are_in_order_and_within_what_is_proven((saved, arrived) in moments()) {
            let told = evidence(saved, arrived);
            if let (Some(from), Some(until)) = (told.from, told.until) {
                prop_assert!(from <= until, "{told:?}");
            }
            let anchor = saved.anchor.filter(|anchor| arrived.is_none_or(|arrived| *anchor <= arrived));
            prop_assert!(anchor.is_none_or(|anchor| told.from.is_some_and(|from| anchor <= from)), "{told:?}");
            prop_assert!(arrived.is_none_or(|arrived| told.until.is_some_and(|until| until <= arrived)), "{told:?}");
        }

        /// What really happened: the server told its time, a request later the device took note, then something was saved, then it arrived.
        /// Whatever the wall clock showed, the truth is not before `from`; and no clock but the wall's can make it later than `until`.
        #[test]
        fn nobody_is_later_than_the_truth(
            request in 0..=ANCHOR_SLACK, waited in 0..40 * DAY, travelled in 0..40 * DAY, wall in moment(), drift in -DRIFT_PPM..=DRIFT_PPM,
            has_anchor: bool, has_boot_clock: bool, has_arrived: bool,
        ) {
            let truth = NOON + request + waited;
            let counted = waited + waited / 1_000_000 * drift;
            let saved = Saved {
                wall: Timestamp::from_millis(NOON.saturating_add(wall)),
                anchor: has_anchor.then_some(Timestamp::from_millis(NOON)),
                since_anchor: has_boot_clock.then_some(counted),
            };
            let told = evidence(saved, has_arrived.then_some(Timestamp::from_millis(truth + travelled)));
            prop_assert!(told.from.is_none_or(|from| from.millis() <= truth), "{told:?}, really {truth}");
            if told.kind != EvidenceKind::Wall {
                prop_assert!(told.until.is_none_or(|until| truth <= until.millis()), "{told:?}, really {truth}");
            }
        }

        /// What was noted later by the same clock is not told as earlier, and arriving later does not make it later than it was.
        #[test]
        fn order_is_kept((saved, arrived) in moments(), later in 0..40 * DAY, delay in 0..40 * DAY) {
            let told = evidence(saved, arrived);
            let second = Saved {
                wall: saved.wall.plus_millis(later),
                since_anchor: saved.since_anchor.map(|since| since.saturating_add(later)),
                ..saved
            };
            let told_second = evidence(second, arrived);
            if told.kind == told_second.kind {
                prop_assert!(told.from <= told_second.from && told.until <= told_second.until, "{told:?} then {told_second:?}");
            }
            let delayed = evidence(saved, arrived.map(|arrived| arrived.plus_millis(delay)));
            if told.kind == delayed.kind && told.from.is_some() {
                prop_assert!(delayed.from == told.from && delayed.until >= told.until, "{told:?}, delayed {delayed:?}");
            }
        }
    }
}
