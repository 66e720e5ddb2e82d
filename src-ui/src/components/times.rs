//! Day and time of day: the usual ones by a press, any other typed.

use lentera_domain::{Day, TimeOfDay};
use leptos::prelude::*;

use super::fields::{control_id, described_by, remarks};
use crate::locales::dotted;
use crate::platform;
use crate::state::app;
use crate::state::form::Binding;

/// Minutes that one press moves a time by.
const STEP: u16 = 15;

/// A day that is not in the future.
#[component]
pub fn DayField(binding: Binding) -> impl IntoView {
    let words = app().words();
    let today = platform::now().day();
    let name = binding.name;
    let shortcut = move |text: &'static str, day: Day| {
        let value = day.to_string();
        let here = value.clone();
        view! {
            <button
                type="button"
                class="chip"
                aria-pressed=move || if binding.value.with(|value| *value == here) { "true" } else { "false" }
                on:click=move |_| binding.set.run(value.clone())
            >
                {text}
            </button>
        }
    };
    view! {
        <div class="field">
            <label for=control_id(name)>{words.date}</label>
            <span class="hint" id=format!("h-{name}")>
                {move || binding.value.with(|value| Day::parse(value).map(|day| words.day(day)).unwrap_or_default())}
            </span>
            {remarks(binding, "")}
            <div class="chips">
                {shortcut(words.today, today)} {shortcut(words.yesterday, today.minus(1))}
                <input
                    id=control_id(name)
                    class="date"
                    name=name
                    type="date"
                    max=today.to_string()
                    aria-describedby=described_by(name)
                    prop:value=move || binding.value.get()
                    on:input=move |event| binding.set.run(event_target_value(&event))
                    on:change=move |event| binding.set.run(event_target_value(&event))
                    on:blur=move |_| binding.leave.run(())
                />
            </div>
        </div>
    }
}

/// A time of day, typed as 915, 9:15 or 09.15, or moved by quarters of an hour; from nothing a press starts at `usual`.
#[component]
fn TimeField(
    binding: Binding,
    label: &'static str,
    /// A likely time in minutes, for a first press.
    usual: Callback<(), u16>,
) -> impl IntoView {
    let words = app().words();
    let name = binding.name;
    let step = move |forward: bool| {
        let next = match TimeOfDay::parse(&binding.value.get_untracked()) {
            Ok(time) => moved(time.minutes(), forward),
            Err(_) => usual.run(()),
        };
        binding.set.run(written(next));
    };
    view! {
        <div class="field">
            <label for=control_id(name)>{label}</label>
            {remarks(binding, words.time_hint)}
            <input
                id=control_id(name)
                name=name
                type="text"
                inputmode="numeric"
                autocomplete="off"
                aria-invalid=move || if binding.fault.with(Option::is_some) { "true" } else { "false" }
                aria-describedby=described_by(name)
                prop:value=move || binding.value.get()
                on:input=move |event| binding.set.run(event_target_value(&event))
                on:change=move |event| binding.set.run(event_target_value(&event))
                on:blur=move |_| binding.leave.run(())
            />
            <div class="steps">
                <button type="button" class="button" aria-label=format!("{label}: {}", words.earlier) on:click=move |_| step(false)>
                    "\u{2212}15"
                </button>
                <button type="button" class="button" aria-label=format!("{label}: {}", words.later) on:click=move |_| step(true)>
                    "+15"
                </button>
            </div>
        </div>
    }
}

/// Start and end. From nothing, a first press starts an hour ago, and ends an hour after the start.
pub fn time_pair(start: Binding, end: Binding) -> impl IntoView {
    let words = app().words();
    let hour_later = move || match start.value.with_untracked(|start| TimeOfDay::parse(start)) {
        Ok(start) => (start.minutes() + 60).min(24 * 60),
        Err(_) => last_quarter(),
    };
    view! {
        <div class="pair">
            <TimeField binding=start label=words.start usual=Callback::new(|()| last_quarter().saturating_sub(60)) />
            <TimeField binding=end label=words.end usual=Callback::new(move |()| hour_later()) />
        </div>
    }
}

/// The next quarter of an hour, within the day.
fn moved(minutes: u16, forward: bool) -> u16 {
    let quarter = minutes / STEP * STEP;
    match (forward, quarter == minutes) {
        (true, _) => (quarter + STEP).min(24 * 60),
        (false, true) => quarter.saturating_sub(STEP),
        (false, false) => quarter,
    }
}

/// The latest quarter of an hour that has begun.
fn last_quarter() -> u16 {
    platform::now().time_of_day().minutes() / STEP * STEP
}

/// As 09.15.
fn written(minutes: u16) -> String {
    dotted(&format!("{:02}:{:02}", minutes / 60, minutes % 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_land_on_quarters_and_stay_in_the_day() {
        assert_eq!((moved(555, true), moved(555, false)), (570, 540));
        assert_eq!((moved(557, true), moved(557, false)), (570, 555));
        assert_eq!((moved(1440, true), moved(0, false)), (1440, 0));
        assert_eq!(written(555), "09.15");
        assert_eq!(TimeOfDay::parse(&written(1440)).unwrap().minutes(), 1440);
    }
}
