//! The words on the screens, by language, and how dates, times and figures are written. Sentences of errors and effects are made in `lentera_api`.

mod en;
mod id;

use chrono::{Datelike, NaiveDate};
use lentera_api::Language;
use lentera_domain::{Day, Month, TimeRange, Timestamp};

/// Every word on the screens. A language that lacks one does not compile.
pub struct Words {
    // The app.
    pub code: &'static str,
    pub this_phone: &'static str,
    pub this_computer: &'static str,
    pub trial: &'static str,
    pub checking: &'static str,
    pub reopen: &'static str,
    pub close: &'static str,
    pub back_to: &'static str,
    pub optional: &'static str,
    pub navigation: &'static str,
    pub skip: &'static str,
    // Navigation.
    pub home: &'static str,
    pub log: &'static str,
    pub umkm: &'static str,
    pub more: &'static str,
    pub note: &'static str,
    pub note_what: &'static str,
    pub note_log: &'static str,
    pub note_log_hint: &'static str,
    pub note_visit: &'static str,
    pub note_visit_hint: &'static str,
    pub note_umkm: &'static str,
    pub note_umkm_hint: &'static str,
    // The light.
    pub saved: &'static str,
    pub all_sent: &'static str,
    pub n_waiting: fn(u32) -> String,
    pub n_refused: fn(u32) -> String,
    // Enrolment.
    pub enrol: &'static str,
    pub step: fn(u32, u32) -> String,
    pub invite: &'static str,
    pub invite_hint: &'static str,
    pub invite_file: &'static str,
    pub invite_unread: &'static str,
    pub next: &'static str,
    pub previous: &'static str,
    pub server_of: fn(&str) -> String,
    pub nip: &'static str,
    pub nip_hint: &'static str,
    pub born: fn(&str, bool) -> String,
    pub password: &'static str,
    pub password_hint: &'static str,
    pub new_password: &'static str,
    pub new_password_hint: &'static str,
    pub present_password: &'static str,
    pub show: &'static str,
    pub hide: &'static str,
    pub enrol_submit: &'static str,
    pub enrolling: &'static str,
    pub enrolled: &'static str,
    pub enrol_about: &'static str,
    // Home.
    pub today: &'static str,
    pub yesterday: &'static str,
    pub not_sent: &'static str,
    pub nothing_waits: &'static str,
    pub drafts: &'static str,
    pub draft_log: &'static str,
    pub draft_umkm: &'static str,
    pub draft_visit: &'static str,
    pub untitled: &'static str,
    pub entries: fn(usize) -> String,
    pub counted: &'static str,
    pub waiting: &'static str,
    pub not_counted: &'static str,
    pub days: &'static str,
    pub counted_why: &'static str,
    pub not_judged: &'static str,
    // Daily log.
    pub no_entries: &'static str,
    pub no_entries_ever: &'static str,
    pub previous_day: &'static str,
    pub next_day: &'static str,
    pub all_entries: &'static str,
    pub search: &'static str,
    pub search_entries: &'static str,
    pub not_found: fn(&str) -> String,
    pub new_rows: fn(usize) -> String,
    pub choose_entry: &'static str,
    pub row_waiting: &'static str,
    pub row_arrived: &'static str,
    pub row_refused: &'static str,
    pub cancelled: &'static str,
    pub cancelled_kept: &'static str,
    pub undo: &'static str,
    pub restored: &'static str,
    pub edit: &'static str,
    pub cancel: &'static str,
    pub from_visit: &'static str,
    pub open_visit: &'static str,
    pub noted: &'static str,
    // Log form.
    pub new_entry: &'static str,
    pub edit_entry: &'static str,
    pub what_done: &'static str,
    pub category: &'static str,
    pub categories: &'static [&'static str],
    pub date: &'static str,
    pub start: &'static str,
    pub end: &'static str,
    pub time_hint: &'static str,
    pub earlier: &'static str,
    pub later: &'static str,
    pub volume: &'static str,
    pub unit: &'static str,
    pub units: &'static [&'static str],
    pub details: &'static str,
    pub output: &'static str,
    pub duty: &'static str,
    pub duties: [&'static str; 3],
    pub role: &'static str,
    pub roles: [&'static str; 2],
    pub village: &'static str,
    pub letter: &'static str,
    pub obstacle: &'static str,
    pub save: &'static str,
    pub saving: &'static str,
    pub saved_on: fn(&str) -> String,
    pub draft_empty: &'static str,
    pub draft_saving: &'static str,
    pub draft_saved: fn(&str) -> String,
    pub draft_restored: fn(&str) -> String,
    pub draft_failed: &'static str,
    pub please_fix: fn(usize) -> String,
    pub not_saved: &'static str,
    pub this_entry: &'static str,
    pub overlaps: fn(u32) -> String,
    // Enterprises.
    pub search_umkm: &'static str,
    pub umkm_count: fn(u32) -> String,
    pub no_umkm: &'static str,
    pub new_umkm: &'static str,
    pub edit_umkm: &'static str,
    pub choose_umkm: &'static str,
    pub umkm_name: &'static str,
    pub owner_name: &'static str,
    pub address: &'static str,
    pub product: &'static str,
    pub product_hint: &'static str,
    pub legal_form: &'static str,
    pub legal_forms: &'static [&'static str],
    pub nib: &'static str,
    pub nib_hint: &'static str,
    pub kbli: &'static str,
    pub kbli_hint: &'static str,
    pub founded: &'static str,
    pub nik: &'static str,
    pub nik_hint: &'static str,
    pub phone: &'static str,
    pub choose_village: &'static str,
    pub search_village: &'static str,
    pub visits: &'static str,
    pub no_visits: &'static str,
    pub start_visit: &'static str,
    pub call: &'static str,
    pub registered: &'static str,
    // Visits.
    pub new_visit: &'static str,
    pub visit: &'static str,
    pub visit_to: fn(&str) -> String,
    pub which_umkm: &'static str,
    pub pick_umkm: &'static str,
    pub register_umkm: &'static str,
    pub register_for_visit: &'static str,
    pub purposes: &'static str,
    pub purpose_names: [&'static str; 6],
    pub findings: &'static str,
    pub problem: &'static str,
    pub advice: &'static str,
    pub agreement: &'static str,
    pub companions: &'static str,
    pub vehicle: &'static str,
    pub vehicle_hint: &'static str,
    pub satisfaction: &'static str,
    pub satisfaction_hint: &'static str,
    pub no_answer: &'static str,
    pub other_village: &'static str,
    pub other_village_hint: &'static str,
    pub visit_saved: fn(&str) -> String,
    pub officer: &'static str,
    pub open_entry: &'static str,
    pub open_umkm: &'static str,
    // Delivery.
    pub delivery: &'static str,
    pub safe: fn(&str) -> String,
    pub sends_itself: &'static str,
    pub drafts_here: fn(u32) -> String,
    pub causes: fn(lentera_api::view::Cause) -> Cause,
    pub cause: &'static str,
    pub what_to_do: &'static str,
    pub sync_now: &'static str,
    pub trying: &'static str,
    pub last_arrived: fn(&str) -> String,
    pub never_arrived: &'static str,
    pub next_try: fn(&str) -> String,
    pub waiting_list: fn(usize) -> String,
    pub refused_list: fn(usize) -> String,
    pub refused_reason: fn(&str) -> String,
    pub none_refused: &'static str,
    pub since: fn(&str) -> String,
    pub attempts: fn(usize) -> String,
    pub attempt_went: &'static str,
    pub attempt_failed: &'static str,
    pub bytes: fn(u32, u32, u32) -> String,
    pub kinds: fn(lentera_domain::Kind) -> &'static str,
    // More.
    pub language: &'static str,
    pub change_password: &'static str,
    pub password_changed: &'static str,
    pub password_about: &'static str,
    pub about: &'static str,
    pub version: fn(&str) -> String,
    pub server: &'static str,
    pub office: &'static str,
    // Dates and durations.
    pub weekdays: [&'static str; 7],
    pub weekdays_short: [&'static str; 7],
    pub months: [&'static str; 12],
    pub months_short: [&'static str; 12],
    pub hours: &'static str,
    pub minutes: &'static str,
}

/// Why nothing is sent.
pub struct Cause {
    pub what: &'static str,
    pub to_do: &'static str,
}

/// The words of a language.
pub fn words(language: Language) -> &'static Words {
    match language {
        Language::Id => &id::ID,
        Language::En => &en::EN,
    }
}

/// A count with a mark between thousands.
pub fn number(count: u32, mark: char) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(mark);
        }
        text.push(digit);
    }
    text
}

impl Words {
    /// As "Senin, 23 Nov 2026".
    pub fn day(&self, day: Day) -> String {
        let date = day.date();
        format!("{}, {}", pick(&self.weekdays, date.weekday().num_days_from_monday()), self.date(date))
    }

    /// As "Sen 23".
    pub fn day_short(&self, day: Day) -> String {
        let date = day.date();
        format!("{} {}", pick(&self.weekdays_short, date.weekday().num_days_from_monday()), date.day())
    }

    /// As "23 Nov 2026".
    pub fn date(&self, date: NaiveDate) -> String {
        format!("{} {} {}", date.day(), pick(&self.months_short, date.month0()), date.year())
    }

    /// As "November 2026".
    pub fn month(&self, month: Month) -> String {
        format!("{} {}", pick(&self.months, month.month.saturating_sub(1)), month.year)
    }

    /// A time of day, as "09.15".
    pub fn clock(&self, at: Timestamp) -> String {
        dotted(&at.time_of_day().to_string())
    }

    /// A moment as seen on `today`: "09.15", or with its date when that is another day.
    pub fn moment(&self, at: Timestamp, today: Day) -> String {
        let clock = self.clock(at);
        if at.day() == today { clock } else { format!("{} {clock}", self.date(at.day().date())) }
    }

    /// As "09.15-11.15".
    pub fn range(&self, range: TimeRange) -> String {
        format!("{}\u{2013}{}", dotted(&range.start().to_string()), dotted(&range.end().to_string()))
    }

    /// As "2 j 15 m", which never breaks over two lines.
    pub fn duration(&self, minutes: u32) -> String {
        match (minutes / 60, minutes % 60) {
            (0, minutes) => format!("{minutes}\u{a0}{}", self.minutes),
            (hours, 0) => format!("{hours}\u{a0}{}", self.hours),
            (hours, minutes) => format!("{hours}\u{a0}{}\u{a0}{minutes}\u{a0}{}", self.hours, self.minutes),
        }
    }
}

/// A time of day with the dot that is written here.
pub fn dotted(time: &str) -> String {
    time.replace(':', ".")
}

fn pick(names: &[&'static str], index: u32) -> &'static str {
    names.get(index as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23 10:00 WITA.
    const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

    #[test]
    fn writes_dates_and_times_as_people_here_do() {
        let (id, en) = (words(Language::Id), words(Language::En));
        let day = Day::parse("2026-11-23").unwrap();
        assert_eq!(id.day(day), "Senin, 23 Nov 2026");
        assert_eq!(en.day(day), "Monday, 23 Nov 2026");
        assert_eq!(id.day_short(day.minus(1)), "Min 22");
        assert_eq!(id.month(Day::parse("2026-12-31").unwrap().month()), "Desember 2026");
        assert_eq!(id.moment(NOW, day), "10.00");
        assert_eq!(id.moment(NOW, day.plus(1)), "23 Nov 2026 10.00");
        assert_eq!(id.range(TimeRange::parse_ends("9.15", "24").unwrap()), "09.15\u{2013}24.00");
    }

    #[test]
    fn writes_durations_and_counts() {
        let id = words(Language::Id);
        assert_eq!(
            [0, 45, 120, 315].map(|minutes| id.duration(minutes)),
            ["0 m", "45 m", "2 j", "5 j 15 m"].map(|text| text.replace(' ', "\u{a0}"))
        );
        assert_eq!([7, 1000, 1_234_567].map(|count| number(count, '.')), ["7", "1.000", "1.234.567"]);
        assert_eq!((id.umkm_count)(10_000), "10.000 usaha");
    }
}
