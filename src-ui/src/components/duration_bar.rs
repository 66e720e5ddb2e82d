//! A day as a bar: what is logged, what this form adds, and where the two overlap.

use lentera_domain::TimeRange;
use leptos::prelude::*;

/// From when to when the bar shows the day, in minutes, unless work lies outside.
const USUAL: (u16, u16) = (7 * 60, 17 * 60);

/// The bar of `logged` and, in a form, of `this`. The same is said in text beside it.
pub fn duration_bar(logged: &[TimeRange], this: Option<TimeRange>) -> impl IntoView + use<> {
    let (from, to) = bounds(logged.iter().copied().chain(this));
    let rect = |class: &'static str, start: u16, end: u16| {
        view! {
            <rect class=class x=(start - from).to_string() y="0" width=end.saturating_sub(start).to_string() height="24"></rect>
        }
    };
    let logged_bars: Vec<_> =
        logged.iter().map(|range| rect("bar-logged", range.start().minutes(), range.end().minutes())).collect();
    let this_bar = this.map(|range| rect("bar-this", range.start().minutes(), range.end().minutes()));
    let shared: Vec<_> = logged
        .iter()
        .filter_map(|range| {
            let this = this?;
            let start = range.start().max(this.start()).minutes();
            let x = (start - from).to_string();
            (range.overlap(this) > 0).then(|| {
                view! { <rect fill="url(#hatch)" x=x y="0" width=range.overlap(this).to_string() height="24"></rect> }
            })
        })
        .collect();
    // Only a form's bar has it: an id may occur once in a page.
    let hatch = this.map(|_| {
        view! {
            <defs>
                <pattern id="hatch" width="10" height="10" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                    <rect class="hatch-ground" width="10" height="10"></rect>
                    <rect class="hatch-line" width="5" height="10"></rect>
                </pattern>
            </defs>
        }
    });
    let hours: Vec<_> = (from / 60 + 1..to.div_ceil(60))
        .map(|hour| {
            let x = (hour * 60 - from).to_string();
            view! { <line class="bar-hour" x1=x.clone() x2=x y1="0" y2="24"></line> }
        })
        .collect();
    view! {
        <svg
            class="bar"
            viewBox=format!("0 0 {} 24", to - from)
            preserveAspectRatio="none"
            aria-hidden="true"
            focusable="false"
        >
            {hatch}
            {logged_bars}
            {this_bar}
            {shared}
            {hours}
        </svg>
    }
}

fn bounds(ranges: impl Iterator<Item = TimeRange>) -> (u16, u16) {
    ranges.fold(USUAL, |(from, to), range| (from.min(range.start().minutes()), to.max(range.end().minutes())))
}

/// Minutes `this` shares with any of `others`, each counted once.
pub fn shared_minutes(others: &[TimeRange], this: TimeRange) -> u32 {
    let mut others: Vec<_> = others.iter().filter(|other| other.overlap(this) > 0).collect();
    others.sort();
    let (mut shared, mut until) = (0, this.start());
    for other in others {
        let start = other.start().max(until);
        let end = other.end().min(this.end());
        shared += u32::from(end.minutes().saturating_sub(start.minutes()));
        until = until.max(end);
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: &str, end: &str) -> TimeRange {
        TimeRange::parse_ends(start, end).unwrap()
    }

    #[test]
    fn shared_minutes_count_once() {
        let others = [range("8", "10"), range("9", "10.30"), range("13", "14")];
        assert_eq!(shared_minutes(&others, range("9.30", "12")), 60);
        assert_eq!(shared_minutes(&others, range("10.30", "12")), 0);
        assert_eq!(shared_minutes(&others, range("7", "17")), 210);
    }

    #[test]
    fn bar_grows_for_early_and_late_work() {
        assert_eq!(bounds([range("5", "8"), range("20", "21.30")].into_iter()), (300, 1290));
    }
}
