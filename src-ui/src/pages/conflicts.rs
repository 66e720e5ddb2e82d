//! Data bentrok: fields that were filled in differently on two devices, to be settled.

use lentera_api::ListConflicts;
use lentera_api::view::Conflict;
use leptos::prelude::*;
use uuid::Uuid;

use crate::components::conflict::{Open, conflict_card};
use crate::components::page::{empty, loaded, opened_head};
use crate::state::query::{Query, query};
use crate::state::{Route, app};

/// All of them, or those of one record.
pub fn conflicts(record: Option<Uuid>) -> impl IntoView {
    let words = app().words();
    let answer = query(|| ListConflicts {});
    let shown = Query { data: RwSignal::new(None::<Vec<Open>>), error: answer.error };
    Effect::new(move || {
        let Some(mut fresh) = answer.data.get() else { return };
        fresh.retain(|conflict| record.is_none_or(|record| conflict.record.id == record));
        let before = shown.data.get_untracked().unwrap_or_default();
        shown.data.set(Some(merged(before, fresh)));
    });
    let others = Memo::new(move |_| {
        let all = answer.data.with(|all| all.as_ref().map_or(0, Vec::len));
        record.is_some() && all > shown.data.with(|shown| shown.as_ref().map_or(0, |shown| still_open(shown)))
    });
    view! {
        {opened_head(Route::Conflicts(record), words.conflicts)}
        {loaded(
            shown,
            move |data| {
                let open = Memo::new(move |_| data.with(|shown| shown.as_ref().map_or(0, |shown| still_open(shown))));
                let is_empty = Memo::new(move |_| data.with(|shown| shown.as_ref().is_some_and(Vec::is_empty)));
                view! {
                    {move || {
                        if is_empty.get() {
                            empty(words.no_conflicts).into_any()
                        } else {
                            view! { <p>{words.conflicts_about}</p> }.into_any()
                        }
                    }}
                    <p class="count" aria-live="polite">
                        {move || Some(open.get()).filter(|open| *open > 0).map(words.conflicts_count)}
                    </p>
                    <For each=move || data.get().unwrap_or_default() key=|open| key(&open.conflict) children=conflict_card />
                }
            },
        )}
        {move || {
            others
                .get()
                .then(|| {
                    view! {
                        <a class="button" href=Route::Conflicts(None).path()>
                            {words.all_conflicts}
                        </a>
                    }
                })
        }}
    }
}

fn still_open(shown: &[Open]) -> usize {
    shown.iter().filter(|open| open.settled.with(Option::is_none)).count()
}

/// What makes a field be drawn anew: another value came.
fn key(conflict: &Conflict) -> String {
    let choices: Vec<_> = conflict.values.iter().map(|value| value.choice.as_str()).collect();
    format!("{:?} {} {}", conflict.record, conflict.field, choices.join(" "))
}

/// `fresh`, with what was settled here still in its place, so that nothing moves.
fn merged(before: Vec<Open>, fresh: Vec<Conflict>) -> Vec<Open> {
    let mut fresh: Vec<_> = fresh.into_iter().map(Some).collect();
    let mut merged = Vec::with_capacity(fresh.len());
    for open in before {
        let again = fresh.iter_mut().find(|next| next.as_ref().is_some_and(|next| key(next) == key(&open.conflict)));
        let is_there = again.and_then(Option::take).is_some();
        if is_there || open.settled.with_untracked(Option::is_some) {
            merged.push(open);
        }
    }
    merged.extend(fresh.into_iter().flatten().map(|conflict| Open { conflict, settled: ArcRwSignal::new(None) }));
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use lentera_api::view::ConflictValue;
    use lentera_domain::UmkmId;

    fn conflict(field: &str, choice: &str) -> Conflict {
        let value =
            ConflictValue { choice: choice.into(), text: "x".into(), author: "Siti".into(), own: true, at: None, shown: true };
        Conflict { record: UmkmId(Uuid::nil()).record(), title: "Dapur".into(), field: field.into(), values: vec![value] }
    }

    #[test]
    fn what_was_settled_here_stays_in_place_and_what_was_settled_elsewhere_goes() {
        let first = merged(vec![], vec![conflict("name", "1"), conflict("phone", "2"), conflict("address", "3")]);
        first[1].settled.set(Some("x".into()));
        let second = merged(first, vec![conflict("product", "4"), conflict("address", "5")]);
        let fields: Vec<_> =
            second.iter().map(|open| (open.conflict.field.as_str(), open.conflict.values[0].choice.as_str())).collect();
        assert_eq!(fields, [("phone", "2"), ("product", "4"), ("address", "5")]);
        assert_eq!(still_open(&second), 2);
    }
}
