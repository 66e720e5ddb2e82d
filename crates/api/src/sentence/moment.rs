//! Moments and lengths of time in words.

use lentera_domain::Timestamp;

use super::Language;

const DAYS_ID: [&str; 7] = ["Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"];
const DAYS_EN: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS_ID: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"];
const MONTHS_EN: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment as "Senin 23 Nov 2026 pukul 16.05", in the office's zone.
pub fn moment(at: Timestamp, language: Language) -> String {
    let date = at.day().date();
    // Weekday from 1 for Monday, day, month and year without leading zeroes.
    let parts = date.format("%u %-d %-m %Y").to_string();
    let mut parts = parts.split(' ').map(|part| part.parse::<usize>().unwrap_or_default());
    let (weekday, day, month, year) = (parts.next(), parts.next(), parts.next(), parts.next());
    let (days, months) = match language {
        Language::Id => (DAYS_ID, MONTHS_ID),
        Language::En => (DAYS_EN, MONTHS_EN),
    };
    let weekday = weekday.and_then(|number| days.get(number.checked_sub(1)?)).unwrap_or(&"");
    let month = month.and_then(|number| months.get(number.checked_sub(1)?)).unwrap_or(&"");
    let (day, year) = (day.unwrap_or_default(), year.unwrap_or_default());
    format!("{weekday} {day} {month} {year} {}", clock_words(at, language))
}

/// As [`moment`], without the day where it is that of `before`.
pub fn moment_after(before: Timestamp, at: Timestamp, language: Language) -> String {
    if before.day() == at.day() { clock_words(at, language) } else { moment(at, language) }
}

fn clock_words(at: Timestamp, language: Language) -> String {
    format!("{} {}", language.pick("pukul", "at"), clock(at))
}

/// A time of day in the office's zone, as 09.15.
pub fn clock(at: Timestamp) -> String {
    at.time_of_day().to_string().replace(':', ".")
}

/// Minutes in the two largest units that matter.
pub fn span(minutes: u64, language: Language) -> String {
    let (day, hour, minute) = match language {
        Language::Id => (" hari", " jam", " menit"),
        Language::En => (" days", " h", " min"),
    };
    match (minutes / (24 * 60), minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes}{minute}"),
        (0, hours, 0) => format!("{hours}{hour}"),
        (0, hours, minutes) => format!("{hours}{hour} {minutes}{minute}"),
        (days, 0, _) => format!("{days}{day}"),
        (days, hours, _) => format!("{days}{day} {hours}{hour}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_outside_the_calendar_have_words_too() {
        assert_eq!(moment(Timestamp::from_millis(0), Language::Id), "Kamis 1 Jan 1970 pukul 08.00");
        assert!(moment(Timestamp::from_millis(i64::MAX), Language::En).contains(" at "));
        assert!(moment(Timestamp::from_millis(i64::MIN), Language::En).contains(" at "));
    }

    #[test]
    fn spans() {
        assert_eq!(span(59, Language::Id), "59 menit");
        assert_eq!(span(120, Language::Id), "2 jam");
        assert_eq!(span(25 * 60 + 3, Language::En), "1 days 1 h");
    }
}
