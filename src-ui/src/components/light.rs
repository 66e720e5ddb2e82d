//! The light: where the work stands, in word, shape and colour together; worst first.

use lentera_api::view::Light;
use lentera_domain::Day;
use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::locales::Words;
use crate::platform;
use crate::state::{Route, app};

/// What the light shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// `checking`, `refused`, `waiting`, `saved` or `sent`.
    pub state: &'static str,
    /// Records the state is about; forms for `saved`.
    pub count: u32,
    /// The words.
    pub text: String,
}

/// What the light shows on `today`; before the engine has told, that it is being looked at.
pub fn shown(light: Option<&Light>, words: &Words, today: Day) -> Shown {
    let shown = |state, count, text: String| Shown { state, count, text };
    match light {
        None => shown("checking", 0, words.checking.into()),
        Some(light) if light.refused > 0 => shown("refused", light.refused, (words.n_refused)(light.refused)),
        Some(light) if light.waiting > 0 => shown("waiting", light.waiting, (words.n_waiting)(light.waiting)),
        Some(light) if light.drafts > 0 => shown("saved", light.drafts, words.saved.into()),
        Some(light) => {
            let text = match light.arrived_at {
                Some(at) => format!("{}, {}", words.all_sent, words.moment(at, today)),
                None => words.all_sent.into(),
            };
            shown("sent", 0, text)
        }
    }
}

/// The shape of a state of the light.
pub fn shape(state: &str) -> Icon {
    match state {
        "refused" => Icon::Refused,
        "waiting" => Icon::Waiting,
        "saved" => Icon::Square,
        "sent" => Icon::Arrived,
        _ => Icon::Checking,
    }
}

/// The light in the top bar; opens its page.
#[component]
pub fn LightLink() -> impl IntoView {
    let app = app();
    let shown = Memo::new(move |_| app.light.with(|light| shown(light.as_ref(), app.words(), platform::now().day())));
    view! {
        <a
            href=Route::Delivery.path()
            class=move || format!("light light-{}", shown.with(|shown| shown.state))
            data-test="light"
            data-state=move || shown.with(|shown| shown.state)
            data-count=move || shown.with(|shown| shown.count.to_string())
        >
            {move || icon(shape(shown.with(|shown| shown.state)))}
            <span aria-live="polite">{move || shown.with(|shown| shown.text.clone())}</span>
        </a>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locales::words;
    use lentera_api::Language;
    use lentera_domain::Timestamp;

    #[test]
    fn the_worst_wins_and_nothing_is_said_before_it_is_known() {
        let today = Day::parse("2026-11-23").unwrap();
        let of = |refused, waiting, drafts| {
            let light = Light { refused, waiting, drafts, arrived_at: Some(Timestamp::from_millis(1_795_399_200_000)) };
            let shown = shown(Some(&light), words(Language::Id), today);
            (shown.state, shown.count, shown.text)
        };
        assert_eq!(of(1, 2, 3), ("refused", 1, "1 ditolak server".into()));
        assert_eq!(of(0, 2, 3), ("waiting", 2, "2 belum terkirim".into()));
        assert_eq!(of(0, 0, 3), ("saved", 3, "Tersimpan".into()));
        assert_eq!(of(0, 0, 0), ("sent", 0, "Semua terkirim, 10.00".into()));
        assert_eq!(shown(None, words(Language::Id), today).state, "checking");
    }
}
