//! How a fact counts. Rules never refuse a fact: they say what it does to the count.

use serde::{Deserialize, Serialize};

use crate::{Day, Evidence, LogEntry, LogEntryId, Status, Timestamp};

/// Rules of the daily log, dated configuration of the kabupaten (its own regulation on TPP and e-kinerja sets them).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRules {
    /// Berlaku mulai: the first day of work these rules judge.
    pub effective_from: Day,
    /// Entries count for the day of work and this many days before the day they are noted (H−2).
    pub late_after_days: u32,
    /// Entries of one day that count.
    pub entries_per_day: u32,
    /// Effective working minutes of one day.
    pub minutes_per_day: u32,
    /// Whether an entry counts that may have been noted in time and may have been noted late.
    #[serde(default = "favourable")]
    pub benefit_of_doubt: bool,
}

/// Rules that do not speak of doubt judge in favour of who cannot prove the time: a blackout is nobody's fault.
const fn favourable() -> bool {
    true
}

/// The rules in force on `day`: those with the latest start that is not after it.
pub fn rules_on(rules: &[LogRules], day: Day) -> Option<&LogRules> {
    rules.iter().filter(|rules| rules.effective_from <= day).max_by_key(|rules| rules.effective_from)
}

/// One thing about an entry that changes how it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant's line tells of its fields")]
pub enum Effect {
    /// Noted more days after the work than the rules allow.
    Late { days: i64, allowed: u32 },
    /// May have been noted late, and may not: the clocks prove neither. Whether it counts is the rules' decision.
    TimeInDoubt { allowed: u32, counts: bool },
    /// Noted in a later month than that of the work.
    EarlierMonth,
    /// Shares minutes with another entry of the same day: they count once.
    Overlaps { with: LogEntryId, minutes: u16 },
    /// Beyond the number of entries that count on one day.
    TooMany { entries: u32, allowed: u32 },
    /// Beyond the working minutes that count on one day.
    OverTime { minutes: u32, allowed: u32 },
}

impl Effect {
    /// The entry does not count, for it was noted late, or the rules see it so.
    pub const fn is_late(&self) -> bool {
        matches!(self, Self::Late { .. } | Self::TimeInDoubt { counts: false, .. })
    }
}

/// How `entry`, named `id` and noted when `evidence` tells, counts beside the other entries of its owner's day. `day_entries` may hold `entry` itself and cancelled ones.
/// Without `rules` (none received yet) only what needs no rule is said.
pub fn effects(
    id: LogEntryId,
    entry: &LogEntry,
    evidence: &Evidence,
    day_entries: &[(LogEntryId, LogEntry)],
    rules: Option<&LogRules>,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    if entry.status == Status::Cancelled {
        return effects;
    }
    effects.extend(rules.and_then(|rules| lateness(entry.day, evidence, rules)));
    if evidence.until.or(evidence.from).is_some_and(|noted| noted.day().month() > entry.day.month()) {
        effects.push(Effect::EarlierMonth);
    }
    let mut before = Before { entries: 1, minutes: u32::from(entry.time.minutes()) };
    for (other_id, other) in day_entries.iter().filter(|(other_id, other)| *other_id != id && other.status != Status::Cancelled) {
        let minutes = entry.time.overlap(other.time);
        if minutes > 0 {
            effects.push(Effect::Overlaps { with: *other_id, minutes });
        }
        // Earlier entries of the day fill it first; equal starts are ordered by name, so that every device agrees.
        if (other.time.start(), *other_id) < (entry.time.start(), id) {
            before.entries += 1;
            before.minutes += u32::from(other.time.minutes());
        }
    }
    if let Some(rules) = rules {
        if before.entries > rules.entries_per_day {
            effects.push(Effect::TooMany { entries: before.entries, allowed: rules.entries_per_day });
        }
        if before.minutes > rules.minutes_per_day {
            effects.push(Effect::OverTime { minutes: before.minutes, allowed: rules.minutes_per_day });
        }
    }
    effects
}

/// Whether work of `day` was noted in time: late only if even the earliest moment that the evidence allows is.
fn lateness(day: Day, evidence: &Evidence, rules: &LogRules) -> Option<Effect> {
    let allowed = rules.late_after_days;
    let days = |noted: Timestamp| noted.day().days_since(day);
    let is_late = |noted: &Timestamp| days(*noted) > i64::from(allowed);
    if let Some(from) = evidence.from.filter(is_late) {
        return Some(Effect::Late { days: days(from), allowed });
    }
    let may_be_late = evidence.until.as_ref().is_none_or(is_late);
    may_be_late.then_some(Effect::TimeInDoubt { allowed, counts: rules.benefit_of_doubt })
}

/// What of a day is used up to and with one entry.
struct Before {
    entries: u32,
    minutes: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_entry::LogEntryForm;
    use crate::{EvidenceKind, Nip};
    use uuid::Uuid;

    const RULES: fn() -> LogRules = || LogRules {
        effective_from: Day::parse("2026-01-01").unwrap(),
        late_after_days: 2,
        entries_per_day: 7,
        minutes_per_day: 450,
        benefit_of_doubt: true,
    };

    /// Entry `id` of 2026-11-23, noted `later` days after at 10:00 WITA.
    fn entry(id: u128, start: &str, end: &str, later: i64) -> (LogEntryId, LogEntry) {
        let form = LogEntryForm {
            day: "2026-11-23".into(),
            start: start.into(),
            end: end.into(),
            category: "Rapat".into(),
            activity: "x".into(),
            ..LogEntryForm::default()
        };
        let now = Timestamp::from_millis(1_795_399_200_000 + later * 86_400_000);
        (LogEntryId(Uuid::from_u128(id)), form.parse(Nip::parse("197203151998032000").unwrap(), now).unwrap())
    }

    /// Noted when it says itself, without doubt.
    fn known(entry: &LogEntry) -> Evidence {
        Evidence { kind: EvidenceKind::Stated, from: Some(entry.noted_at), until: Some(entry.noted_at) }
    }

    #[test]
    fn two_days_are_in_time_and_three_are_not() {
        for (later, expected) in [(0, vec![]), (2, vec![]), (3, vec![Effect::Late { days: 3, allowed: 2 }])] {
            let (id, entry) = entry(1, "8", "9", later);
            assert_eq!(effects(id, &entry, &known(&entry), &[], Some(&RULES())), expected);
        }
    }

    #[test]
    fn the_deadline_is_the_end_of_the_day_in_wita() {
        let (id, entry) = entry(1, "8", "9", 0);
        // Work of the 23rd may be noted until the 25th: 2026-11-26 00:00 WITA is too late, a millisecond before is not.
        let midnight = Timestamp::from_millis(1_795_622_400_000);
        let at = |noted: Timestamp| {
            let known = Evidence { kind: EvidenceKind::Stated, from: Some(noted), until: Some(noted) };
            effects(id, &entry, &known, &[], Some(&RULES()))
        };
        assert_eq!(at(midnight.plus_millis(-1)), []);
        assert_eq!(at(midnight), [Effect::Late { days: 3, allowed: 2 }]);
    }

    #[test]
    fn doubt_is_told_and_the_rules_decide_it() {
        let (id, entry) = entry(1, "8", "9", 0);
        let day = |days: i64| Some(entry.noted_at.plus_millis(days * 86_400_000));
        let judged = |from, until, benefit_of_doubt| {
            let evidence = Evidence { kind: EvidenceKind::Proven, from, until };
            let effects = effects(id, &entry, &evidence, &[], Some(&LogRules { benefit_of_doubt, ..RULES() }));
            assert_eq!(effects.iter().any(Effect::is_late), day(3) <= from || !effects.is_empty() && !benefit_of_doubt);
            effects
        };
        for counts in [true, false] {
            let doubt = [Effect::TimeInDoubt { allowed: 2, counts }];
            // In time at the earliest, late at the latest, or one end unknown.
            for (from, until) in [(day(0), day(3)), (None, day(3)), (day(2), None), (None, None)] {
                assert_eq!(judged(from, until, counts), doubt, "{from:?} to {until:?}");
            }
            for (from, until) in [(day(0), day(2)), (None, day(0))] {
                assert_eq!(judged(from, until, counts), [], "{from:?} to {until:?}");
            }
            for (from, until) in [(day(3), day(3)), (day(3), day(6)), (day(3), None)] {
                assert_eq!(judged(from, until, counts), [Effect::Late { days: 3, allowed: 2 }], "{from:?} to {until:?}");
            }
        }
    }

    /// Whatever a wall clock shows: who may have noted in time is never late by rules that give the benefit of doubt.
    #[test]
    fn a_wrong_clock_makes_nobody_late() {
        use crate::evidence::{Saved, evidence};
        let (id, entry) = entry(1, "8", "9", 0);
        let arrived = entry.noted_at.plus_millis(20 * 86_400_000);
        for days_off in [-20_000, -400, -3, -1, 0, 1, 3, 10, 400, 20_000] {
            let wall = entry.noted_at.plus_millis(days_off * 86_400_000);
            for anchor in [None, Some(entry.noted_at), Some(entry.noted_at.plus_millis(-30 * 86_400_000))] {
                for arrived in [None, Some(arrived)] {
                    let known = evidence(Saved { wall, anchor, since_anchor: None }, arrived);
                    let effects = effects(id, &entry, &known, &[], Some(&RULES()));
                    assert!(!effects.iter().any(Effect::is_late), "clock {days_off} days off: {effects:?}");
                }
            }
        }
    }

    #[test]
    fn rules_that_do_not_speak_of_doubt_give_its_benefit() {
        let json = r#"{"effective_from":"2026-01-01","late_after_days":2,"entries_per_day":7,"minutes_per_day":450}"#;
        assert_eq!(serde_json::from_str::<LogRules>(json).unwrap(), RULES());
    }

    #[test]
    fn another_month_is_said() {
        let (id, entry) = entry(1, "8", "9", 8);
        assert_eq!(
            effects(id, &entry, &known(&entry), &[], Some(&RULES())),
            [Effect::Late { days: 8, allowed: 2 }, Effect::EarlierMonth]
        );
        assert_eq!(effects(id, &entry, &known(&entry), &[], None), [Effect::EarlierMonth]);
    }

    #[test]
    fn overlaps_are_said_on_both_sides_and_not_with_cancelled_ones() {
        let (a, b) = (entry(1, "8", "10", 0), entry(2, "9.30", "11", 0));
        let day = [a.clone(), b.clone()];
        assert_eq!(effects(a.0, &a.1, &known(&a.1), &day, None), [Effect::Overlaps { with: b.0, minutes: 30 }]);
        assert_eq!(effects(b.0, &b.1, &known(&b.1), &day, None), [Effect::Overlaps { with: a.0, minutes: 30 }]);
        let mut cancelled = b.clone();
        cancelled.1.status = Status::Cancelled;
        assert!(effects(a.0, &a.1, &known(&a.1), &[a.clone(), cancelled], None).is_empty());
    }

    #[test]
    fn a_day_fills_up_from_its_start() {
        let day: Vec<_> = (0..8).map(|n| entry(n + 1, &format!("{}", 8 + n), &format!("{}", 9 + n), 0)).collect();
        let of = |n: usize| effects(day[n].0, &day[n].1, &known(&day[n].1), &day, Some(&RULES()));
        assert_eq!(of(6), []);
        assert_eq!(of(7), [Effect::TooMany { entries: 8, allowed: 7 }, Effect::OverTime { minutes: 480, allowed: 450 }]);
    }

    #[test]
    fn latest_rules_that_have_begun_are_in_force() {
        let mut later = RULES();
        later.effective_from = Day::parse("2026-12-01").unwrap();
        later.late_after_days = 5;
        let rules = [later, RULES()];
        assert_eq!(rules_on(&rules, Day::parse("2026-11-30").unwrap()).unwrap().late_after_days, 2);
        assert_eq!(rules_on(&rules, Day::parse("2026-12-01").unwrap()).unwrap().late_after_days, 5);
        assert_eq!(rules_on(&rules, Day::parse("2025-12-31").unwrap()), None);
    }
}
