//! A press that has the engine do something: busy until the answer, and why it did not work.

use lentera_api::{Call, Error};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{App, app};
use crate::platform;

/// How a press goes. One command at a time: a press while one is under way does nothing.
#[derive(Clone, Copy)]
pub struct Asking {
    app: App,
    /// True from the press to the answer.
    pub busy: RwSignal<bool>,
    /// Why the last press did not work.
    pub failed: RwSignal<Option<Error>>,
}

impl Asking {
    /// Nothing has been pressed yet.
    pub fn new() -> Self {
        Self { app: app(), busy: RwSignal::new(false), failed: RwSignal::new(None) }
    }

    /// Has the engine carry out `command`. `done` takes the answer; a refusal is kept, and the focus goes to where it is shown.
    pub fn ask<C: Call + 'static>(self, command: C, done: impl FnOnce(C::Answer) + 'static) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.failed.set(None);
        let answer = self.app.call(command);
        spawn_local(async move {
            let answer = answer.await;
            self.busy.try_set(false);
            match answer {
                Ok(answer) => done(answer),
                Err(error) => {
                    self.failed.try_set(Some(error));
                    platform::focus_soon("[data-test=error]");
                }
            }
        });
    }
}
