//! How a fact counts. Rules never refuse a fact: they say what it does to the count.

use serde::{Deserialize, Serialize};

use crate::{Day, LogEntry, LogEntryId, Status};

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
    /// Noted in a later month than that of the work.
    EarlierMonth,
    /// Shares minutes with another entry of the same day: they count once.
    Overlaps { with: LogEntryId, minutes: u16 },
    /// Beyond the number of entries that count on one day.
    TooMany { entries: u32, allowed: u32 },
    /// Beyond the working minutes that count on one day.
    OverTime { minutes: u32, allowed: u32 },
}

/// How `entry`, named `id`, counts beside the other entries of its owner's day. `day_entries` may hold `entry` itself and cancelled ones.
/// Without `rules` (none received yet) only what needs no rule is said.
pub fn effects(
    id: LogEntryId,
    entry: &LogEntry,
    day_entries: &[(LogEntryId, LogEntry)],
    rules: Option<&LogRules>,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    if entry.status == Status::Cancelled {
        return effects;
    }
    let noted_on = entry.noted_at.day();
    let days = noted_on.days_since(entry.day);
    if let Some(rules) = rules.filter(|rules| days > i64::from(rules.late_after_days)) {
        effects.push(Effect::Late { days, allowed: rules.late_after_days });
    }
    if noted_on.month() > entry.day.month() {
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

/// What of a day is used up to and with one entry.
struct Before {
    entries: u32,
    minutes: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_entry::LogEntryForm;
    use crate::{Nip, Timestamp};
    use uuid::Uuid;

    const RULES: fn() -> LogRules = || LogRules {
        effective_from: Day::parse("2026-01-01").unwrap(),
        late_after_days: 2,
        entries_per_day: 7,
        minutes_per_day: 450,
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

    #[test]
    fn two_days_are_in_time_and_three_are_not() {
        for (later, expected) in [(0, vec![]), (2, vec![]), (3, vec![Effect::Late { days: 3, allowed: 2 }])] {
            let (id, entry) = entry(1, "8", "9", later);
            assert_eq!(effects(id, &entry, &[], Some(&RULES())), expected);
        }
    }

    #[test]
    fn another_month_is_said() {
        let (id, entry) = entry(1, "8", "9", 8);
        assert_eq!(effects(id, &entry, &[], Some(&RULES())), [Effect::Late { days: 8, allowed: 2 }, Effect::EarlierMonth]);
        assert_eq!(effects(id, &entry, &[], None), [Effect::EarlierMonth]);
    }

    #[test]
    fn overlaps_are_said_on_both_sides_and_not_with_cancelled_ones() {
        let (a, b) = (entry(1, "8", "10", 0), entry(2, "9.30", "11", 0));
        let day = [a.clone(), b.clone()];
        assert_eq!(effects(a.0, &a.1, &day, None), [Effect::Overlaps { with: b.0, minutes: 30 }]);
        assert_eq!(effects(b.0, &b.1, &day, None), [Effect::Overlaps { with: a.0, minutes: 30 }]);
        let mut cancelled = b.clone();
        cancelled.1.status = Status::Cancelled;
        assert!(effects(a.0, &a.1, &[a.clone(), cancelled], None).is_empty());
    }

    #[test]
    fn a_day_fills_up_from_its_start() {
        let day: Vec<_> = (0..8).map(|n| entry(n + 1, &format!("{}", 8 + n), &format!("{}", 9 + n), 0)).collect();
        let of = |n: usize| effects(day[n].0, &day[n].1, &day, Some(&RULES()));
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
