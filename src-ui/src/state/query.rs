//! What a page reads from the engine, and reads again when something changed.

use lentera_api::{Call, Error};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::app;

/// An answer of the engine, kept fresh.
pub struct Query<T: Send + Sync + 'static> {
    /// The last good answer; `None` before the first. It stays while the next is read, and if that fails.
    pub data: RwSignal<Option<T>>,
    /// Why the last reading failed.
    pub error: RwSignal<Option<Error>>,
}

impl<T: Send + Sync + 'static> Clone for Query<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Query<T> {}

/// Reads what `command` asks for now, whenever a signal that it reads changes, and whenever records changed. Late answers to earlier questions are dropped.
pub fn query<C: Call + 'static>(command: impl Fn() -> C + 'static) -> Query<C::Answer>
where
    C::Answer: Send + Sync,
{
    let query = Query { data: RwSignal::new(None), error: RwSignal::new(None) };
    read_on_change(command, move |answer| {
        match answer {
            Ok(data) => {
                query.error.try_set(None);
                query.data.try_set(Some(data));
            }
            Err(error) => {
                query.error.try_set(Some(error));
            }
        };
    });
    query
}

/// Reads once: what a form is opened with must not change under it.
pub fn read_once<C: Call + 'static>(command: C) -> Query<C::Answer>
where
    C::Answer: Send + Sync,
{
    let query = Query { data: RwSignal::new(None), error: RwSignal::new(None) };
    let answer = app().call(command);
    spawn_local(async move {
        match answer.await {
            Ok(data) => drop(query.data.try_set(Some(data))),
            Err(error) => drop(query.error.try_set(Some(error))),
        }
    });
    query
}

/// As [`query`], giving each answer to `take`.
pub fn read_on_change<C: Call + 'static>(
    command: impl Fn() -> C + 'static,
    take: impl Fn(Result<C::Answer, Error>) + Copy + 'static,
) {
    let app = app();
    let asked = StoredValue::new(0_u32);
    Effect::new(move || {
        app.changed.track();
        app.own.track();
        let answer = app.call(command());
        asked.update_value(|asked| *asked += 1);
        let number = asked.get_value();
        spawn_local(async move {
            let answer = answer.await;
            if asked.try_get_value() == Some(number) {
                take(answer);
            }
        });
    });
}
