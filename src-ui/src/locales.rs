//! The words on the screens, by language, and how dates, times and figures are written. Sentences of errors and effects are made in `lentera_api`.

mod en;
mod id;

use chrono::{Datelike, NaiveDate};
use lentera_api::Language;
use lentera_domain::visit::{Purpose, Purposes};
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
    // Delivery: the sync doctor.
    pub delivery: &'static str,
    pub safe: fn(&str) -> String,
    pub sends_itself: &'static str,
    pub all_arrived: &'static str,
    pub drafts_here: fn(u32) -> String,
    pub because: fn(&str) -> String,
    pub sync_now: &'static str,
    pub trying: &'static str,
    pub last_arrived: fn(&str) -> String,
    pub never_arrived: &'static str,
    pub next_try: fn(&str) -> String,
    pub findings_list: &'static str,
    pub waiting_list: fn(usize) -> String,
    pub and_more: fn(usize) -> String,
    pub since: fn(&str) -> String,
    pub attempts: fn(usize) -> String,
    pub attempt_went: &'static str,
    pub attempt_failed: &'static str,
    pub times: fn(u32) -> String,
    pub bytes: fn(&str, &str, &str) -> String,
    pub seconds: fn(&str) -> String,
    pub decimal: char,
    pub kinds: fn(lentera_domain::Kind) -> &'static str,
    pub fetching: fn(u64) -> String,
    // What the server refused.
    pub refused_list: fn(usize) -> String,
    pub refused_reason: fn(&str) -> String,
    pub none_refused: &'static str,
    pub no_form: &'static str,
    pub copy: &'static str,
    pub copied: &'static str,
    pub copy_yourself: &'static str,
    pub fill_again: &'static str,
    pub dealt_with: &'static str,
    pub dealt_with_said: &'static str,
    // By file.
    pub by_file: &'static str,
    pub by_file_about: &'static str,
    pub export_unsent: &'static str,
    pub take_file: &'static str,
    pub export_receipts: &'static str,
    pub written: fn(&str) -> String,
    pub unsent_written: &'static str,
    pub receipts_written: &'static str,
    pub taken: fn(u32, u32) -> String,
    pub carried: fn(u32, u32, u32) -> String,
    // Logging in again, and rescue.
    pub log_in_again: &'static str,
    pub nothing_lost: fn(&str) -> String,
    pub logged_in_again: &'static str,
    pub rescue: &'static str,
    pub rescue_about: fn(&str, &str) -> String,
    pub rescued: fn(u32, u32) -> String,
    pub rescue_complete: &'static str,
    pub rescue_partly: &'static str,
    pub rescue_kept: &'static str,
    pub rescue_to_do: &'static str,
    pub understood: &'static str,
    // Conflicts.
    pub conflicts: &'static str,
    pub history: &'static str,
    pub history_about: &'static str,
    pub no_history: &'static str,
    pub conflicts_about: &'static str,
    pub conflicts_home: fn(u32) -> String,
    pub conflicts_count: fn(usize) -> String,
    pub conflicts_here: fn(&str) -> String,
    pub no_conflicts: &'static str,
    pub see_and_choose: &'static str,
    pub all_conflicts: &'static str,
    pub use_this: &'static str,
    pub keep_this: &'static str,
    pub shown_now: &'static str,
    pub emptied: &'static str,
    pub you: &'static str,
    pub settled: fn(&str) -> String,
    pub open_record: &'static str,
    pub statuses: [&'static str; 3],
    // More.
    pub language: &'static str,
    pub change_password: &'static str,
    pub password_changed: &'static str,
    pub password_about: &'static str,
    pub team: &'static str,
    pub team_none: &'static str,
    pub team_about: &'static str,
    pub new_invite: &'static str,
    pub new_invite_about: &'static str,
    pub new_invite_use: &'static str,
    pub new_invite_taken: &'static str,
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

    /// From one moment to another of the same day, as "09.15-10.20"; with dates where it is not today.
    pub fn moments(&self, from: Timestamp, to: Timestamp, today: Day) -> String {
        match (from == to, from.day() == to.day()) {
            (true, _) => self.moment(from, today),
            (false, true) => format!("{}\u{2013}{}", self.moment(from, today), self.clock(to)),
            (false, false) => format!("{} \u{2013} {}", self.moment(from, today), self.moment(to, today)),
        }
    }

    /// So many bytes, as "0", "0,4 KB", "16 KB" or "2,3 MB".
    pub fn size(&self, bytes: u64) -> String {
        match bytes {
            0 => "0".into(),
            1..999_950 => format!("{}\u{a0}KB", self.tenths(bytes.div_ceil(100))),
            _ => format!("{}\u{a0}MB", self.tenths(bytes.div_ceil(100_000))),
        }
    }

    /// So many milliseconds, as "0,9 detik".
    pub fn lasted(&self, millis: u32) -> String {
        (self.seconds)(&self.tenths(u64::from(millis.div_ceil(100))))
    }

    /// Tenths as a figure; from ten on the tenth says nothing.
    fn tenths(&self, tenths: u64) -> String {
        if tenths >= 100 { (tenths / 10).to_string() } else { format!("{}{}{}", tenths / 10, self.decimal, tenths % 10) }
    }

    /// The value of a form's or a record's field as people read it; what is not known stays as it is.
    pub fn value(&self, field: &str, value: &str) -> String {
        let chosen = |codes: &[&str], names: &[&'static str]| {
            let named = codes.iter().zip(names).find(|(code, _)| **code == value);
            named.map(|(_, name)| (*name).to_owned())
        };
        let [main, additional, assignment] = self.duties;
        let [performer, assistant] = self.roles;
        let read = match field {
            "day" => Day::parse(value).ok().map(|day| self.day(day)),
            "time" => TimeRange::parse(value).ok().map(|range| self.range(range)),
            "start" | "end" => Some(dotted(value)),
            "duty" => chosen(&["main", "additional", "assignment"], &[main, additional, assignment]),
            "role" => chosen(&["performer", "assistant"], &[performer, assistant]),
            "status" => chosen(&["noted", "submitted", "cancelled"], &self.statuses),
            "purposes" => Purposes::parse(value).ok().map(|purposes| self.purposes_of(&purposes)),
            _ => None,
        };
        read.unwrap_or_else(|| value.to_owned())
    }

    /// Purposes in words, with commas between.
    pub fn purposes_of(&self, purposes: &Purposes) -> String {
        let names = Purpose::ALL.iter().zip(self.purpose_names);
        let chosen: Vec<_> = names.filter(|(purpose, _)| purposes.as_slice().contains(purpose)).map(|(_, name)| name).collect();
        chosen.join(", ")
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

    #[test]
    fn writes_sizes_and_stretches_of_time() {
        let (id, en) = (words(Language::Id), words(Language::En));
        let sizes =
            [0, 1, 100, 1_830, 9_999, 16_000, 999_949, 999_950, 2_300_000].map(|bytes| id.size(bytes).replace('\u{a0}', " "));
        assert_eq!(sizes, ["0", "0,1 KB", "0,1 KB", "1,9 KB", "10 KB", "16 KB", "1000 KB", "1,0 MB", "2,3 MB"]);
        assert_eq!([id.lasted(0), id.lasted(830), en.lasted(20_000)], ["0,0 detik", "0,9 detik", "20 seconds"]);
        let day = Day::parse("2026-11-23").unwrap();
        assert_eq!(id.moments(NOW, NOW.plus_millis(1_200_000), day), "10.00\u{2013}10.20");
        assert_eq!(id.moments(NOW, NOW, day), "10.00");
    }

    #[test]
    fn values_are_said_in_words_and_unknown_ones_stay() {
        let id = words(Language::Id);
        for (field, value, said) in [
            ("day", "2026-11-23", "Senin, 23 Nov 2026"),
            ("time", "09:15-11:15", "09.15\u{2013}11.15"),
            ("start", "09:15", "09.15"),
            ("duty", "assignment", "Disposisi"),
            ("role", "assistant", "Pembantu"),
            ("status", "cancelled", "Dibatalkan"),
            ("purposes", "pembinaan,pengaduan", "Pembinaan, Pengaduan"),
            ("purposes", "silaturahmi", "silaturahmi"),
            ("phone", "09:15", "09:15"),
        ] {
            assert_eq!(id.value(field, value), said);
        }
    }
}
