//! Days, times and months of the office. Its zone is WITA (UTC+8), whatever zone a device is set to.

use std::fmt;

use chrono::{DateTime, Datelike, Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::error::canonical_text;
use crate::{FieldError, Reason};

/// WITA, the zone of the office, ahead of UTC by this many milliseconds. Indonesia has no summer time.
const WITA_MILLIS: i64 = 8 * 60 * 60 * 1000;

/// A moment: milliseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// This many milliseconds since 1970-01-01 00:00 UTC.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01 00:00 UTC.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This many milliseconds later.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The office's calendar day at this moment. A clock that stands outside the calendar gives its nearest end.
    pub fn day(self) -> Day {
        let end = if self.0 < 0 { NaiveDate::MIN } else { NaiveDate::MAX };
        Day(self.local().map_or(end, |local| local.date_naive()))
    }

    /// The office's time of day at this moment, in whole minutes.
    pub fn time_of_day(self) -> TimeOfDay {
        let minutes = self.0.saturating_add(WITA_MILLIS).div_euclid(60_000).rem_euclid(24 * 60);
        TimeOfDay(u16::try_from(minutes).unwrap_or(0))
    }

    fn local(self) -> Option<DateTime<chrono::Utc>> {
        DateTime::from_timestamp_millis(self.0.saturating_add(WITA_MILLIS))
    }
}

/// A calendar day of the office.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NaiveDate);

impl Day {
    /// Parses `2026-11-23`.
    ///
    /// # Errors
    /// A [`FieldError`] on `day` with what was typed.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let value = value.trim();
        if value.is_empty() {
            return Err(FieldError::new("day", Reason::Missing));
        }
        NaiveDate::parse_from_str(value, "%Y-%m-%d")
            .ok()
            .filter(|date| value.len() == 10 && (1900..=2199).contains(&date.year()))
            .map(Self)
            .ok_or_else(|| FieldError::new("day", Reason::NoSuchDay { value: value.to_owned() }))
    }

    /// Parses a day on which something has happened: not after `today`.
    ///
    /// # Errors
    /// As [`Day::parse`], and [`Reason::FutureDay`].
    pub fn parse_past(value: &str, today: Self) -> Result<Self, FieldError> {
        let day = Self::parse(value)?;
        if day > today { Err(FieldError::new("day", Reason::FutureDay { day })) } else { Ok(day) }
    }

    /// The calendar date.
    pub const fn date(self) -> NaiveDate {
        self.0
    }

    /// `count` days before; stops at the calendar's start.
    pub fn minus(self, count: u32) -> Self {
        Self(self.0.checked_sub_days(Days::new(u64::from(count))).unwrap_or(NaiveDate::MIN))
    }

    /// `count` days after; stops at the calendar's end.
    pub fn plus(self, count: u32) -> Self {
        Self(self.0.checked_add_days(Days::new(u64::from(count))).unwrap_or(NaiveDate::MAX))
    }

    /// Whole days from `earlier` to this one; negative if `earlier` is later.
    pub fn days_since(self, earlier: Self) -> i64 {
        self.0.signed_duration_since(earlier.0).num_days()
    }

    /// The month it lies in.
    pub fn month(self) -> Month {
        Month { year: self.0.year(), month: self.0.month() }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format("%Y-%m-%d").fmt(f)
    }
}

canonical_text!(Day);

/// A calendar month of the office.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Month {
    /// Full year, as 2026.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
}

impl Month {
    /// Its first day.
    pub fn first_day(self) -> Day {
        Day(NaiveDate::from_ymd_opt(self.year, self.month, 1).unwrap_or(NaiveDate::MIN))
    }

    /// Its last day.
    pub fn last_day(self) -> Day {
        let (year, month) = if self.month == 12 { (self.year + 1, 1) } else { (self.year, self.month + 1) };
        Self { year, month }.first_day().minus(1)
    }
}

/// A time of day in whole minutes, 00:00 to 24:00 (the end of the day).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// Parses what people type: `09:15`, `9.15`, `915`, `9`.
    ///
    /// # Errors
    /// A [`FieldError`] on `time`; [`TimeRange::parse_ends`] names the field it really is.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let value = value.trim();
        if value.is_empty() {
            return Err(FieldError::new("time", Reason::Missing));
        }
        Self::read(value).ok_or_else(|| FieldError::new("time", Reason::NoSuchTime { value: value.to_owned() }))
    }

    fn read(value: &str) -> Option<Self> {
        let (hours, minutes) = match value.split_once(['.', ':']) {
            Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
            Some(_) => return None,
            None if value.len() <= 2 => (value, "00"),
            None => value.split_at_checked(value.len() - 2)?,
        };
        let is_number = |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(hours) || !is_number(minutes) {
            return None;
        }
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        let total = hours * 60 + minutes;
        (minutes < 60 && total <= 24 * 60).then_some(Self(total))
    }

    /// Minutes since 00:00.
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

canonical_text!(TimeOfDay);

/// From one time of a day to a later one of the same day. One value, so that two people's edits of it can never merge into
/// an end before the start; its canonical text is `09:15-11:15`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeRange {
    start: TimeOfDay,
    end: TimeOfDay,
}

impl TimeRange {
    /// Parses the canonical text.
    ///
    /// # Errors
    /// A [`FieldError`] on `start` or `end`.
    pub fn parse(value: &str) -> Result<Self, FieldError> {
        let (start, end) = value.split_once('-').unwrap_or((value, ""));
        Self::parse_ends(start, end)
    }

    /// Parses both ends as typed.
    ///
    /// # Errors
    /// A [`FieldError`] on `start` or `end`.
    pub fn parse_ends(start: &str, end: &str) -> Result<Self, FieldError> {
        let named = |field: &'static str| move |error: FieldError| FieldError::new(field, error.reason);
        let start = TimeOfDay::parse(start).map_err(named("start"))?;
        let end = TimeOfDay::parse(end).map_err(named("end"))?;
        Self::new(start, end)
    }

    /// From `start` to `end`.
    ///
    /// # Errors
    /// [`Reason::EndNotAfterStart`] on `end`.
    pub fn new(start: TimeOfDay, end: TimeOfDay) -> Result<Self, FieldError> {
        if start < end { Ok(Self { start, end }) } else { Err(FieldError::new("end", Reason::EndNotAfterStart { start, end })) }
    }

    /// When it starts.
    pub const fn start(self) -> TimeOfDay {
        self.start
    }

    /// When it ends, always after the start.
    pub const fn end(self) -> TimeOfDay {
        self.end
    }

    /// Its length in minutes, at least 1.
    pub const fn minutes(self) -> u16 {
        self.end.0 - self.start.0
    }

    /// Minutes it shares with `other`; 0 where they only touch.
    pub fn overlap(self, other: Self) -> u16 {
        self.end.0.min(other.end.0).saturating_sub(self.start.0.max(other.start.0))
    }
}

impl fmt::Display for TimeRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

canonical_text!(TimeRange);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_witas() {
        // 2026-11-22 15:59:59.999 UTC is the last millisecond of the 22nd in WITA.
        let last = Timestamp::from_millis(1_795_363_199_999);
        assert_eq!(last.day().to_string(), "2026-11-22");
        assert_eq!(last.time_of_day().to_string(), "23:59");
        assert_eq!(last.plus_millis(1).day().to_string(), "2026-11-23");
        assert_eq!(last.plus_millis(1).time_of_day().to_string(), "00:00");
        assert_eq!(Timestamp::from_millis(i64::MAX).time_of_day().minutes() / (24 * 60), 0);
        let _ = Timestamp::from_millis(i64::MIN).day();
    }

    #[test]
    fn reads_times_as_typed() {
        for (typed, shown) in
            [("915", "09:15"), ("9:15", "09:15"), ("09.15", "09:15"), ("9", "09:00"), ("24.00", "24:00"), ("0730", "07:30")]
        {
            assert_eq!(TimeOfDay::parse(typed).unwrap().to_string(), shown, "{typed}");
        }
        for bad in ["25:00", "24:01", "9:5", "9:60", "1e", "-9", "9.1.5", "12345", "９:15"] {
            assert_eq!(TimeOfDay::parse(bad).unwrap_err().reason, Reason::NoSuchTime { value: bad.into() }, "{bad}");
        }
    }

    #[test]
    fn range_needs_a_later_end() {
        assert_eq!(TimeRange::parse_ends("13.00", "12.00").unwrap_err().field, "end");
        assert!(TimeRange::parse_ends("12.00", "12.00").is_err());
        assert_eq!(TimeRange::parse_ends("25.00", "26.00").unwrap_err().field, "start");
        let late = TimeRange::parse_ends("23.00", "24.00").unwrap();
        assert_eq!(late.minutes(), 60);
        assert_eq!(TimeRange::parse(&late.to_string()).unwrap(), late);
    }

    #[test]
    fn touching_ranges_do_not_overlap() {
        let morning = TimeRange::parse_ends("8", "10").unwrap();
        assert_eq!(morning.overlap(TimeRange::parse_ends("10", "12").unwrap()), 0);
        assert_eq!(morning.overlap(TimeRange::parse_ends("9.45", "12").unwrap()), 15);
    }

    #[test]
    fn future_days_are_refused_and_months_know_their_ends() {
        let today = Day::parse("2026-11-23").unwrap();
        assert!(Day::parse_past("2026-11-23", today).is_ok());
        assert_eq!(Day::parse_past("2026-11-24", today).unwrap_err().reason, Reason::FutureDay { day: today.plus(1) });
        assert_eq!(Day::parse("2026-02-29").unwrap_err().reason, Reason::NoSuchDay { value: "2026-02-29".into() });
        assert_eq!(Day::parse("2028-02-01").unwrap().month().last_day().to_string(), "2028-02-29");
        assert_eq!(Day::parse("2026-12-05").unwrap().month().last_day().to_string(), "2026-12-31");
    }

    proptest::proptest! {
        #[test]
        fn times_never_panic_and_round_trip(value in "\\PC{0,8}") {
            if let Ok(time) = TimeOfDay::parse(&value) {
                proptest::prop_assert_eq!(TimeOfDay::parse(&time.to_string()).unwrap(), time);
            }
        }
    }
}
