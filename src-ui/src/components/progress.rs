//! How far something is, in words and as a bar.

use lentera_api::view::Progress;
use leptos::prelude::*;

use crate::state::app;

/// Older records are still being fetched. Quiet: nothing waits for it, and readers are not told of every step.
pub fn fetching(progress: &Progress) -> impl IntoView + use<> {
    let percent = percent(progress);
    let said = (app().words().fetching)(percent);
    view! {
        <div class="fetching" data-test="backfill">
            <p class="hint">{said.clone()}</p>
            <div
                class="meter"
                role="progressbar"
                aria-label=said
                aria-valuemin="0"
                aria-valuemax="100"
                aria-valuenow=percent.to_string()
            >
                <span style:width=format!("{percent}%")></span>
            </div>
        </div>
    }
}

/// Whole hundredths that are done; all of them only when nothing is left.
fn percent(progress: &Progress) -> u64 {
    (u128::from(progress.done) * 100 / u128::from(progress.total.max(1))).min(100).try_into().unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_said_only_of_all() {
        let of = |done, total| percent(&Progress { done, total });
        assert_eq!([of(0, 7), of(4_812, 12_030), of(999, 1000), of(5, 5), of(9, 5)], [0, 40, 99, 100, 100]);
        assert_eq!((of(u64::MAX, u64::MAX), of(1, 0)), (100, 100));
    }
}
