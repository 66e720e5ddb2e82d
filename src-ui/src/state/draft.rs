//! Keeping a form's draft: written on every input, one write under way, the newest next, no timer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lentera_api::{Error, SaveDraft};
use lentera_domain::Timestamp;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::Value;

use super::App;

/// What the draft line of a form says.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftState {
    /// Nothing typed yet.
    Empty,
    /// The newest letters are on their way to the disk.
    Saving,
    /// All that was typed is on the disk since then.
    Saved(Timestamp),
    /// The form was filled with what was typed at that time.
    Restored(Timestamp),
    /// What was typed last is not on the disk.
    Failed(Error),
}

/// Which content is to be written, and when.
#[derive(Default)]
struct Queue {
    under_way: bool,
    next: Option<Value>,
    closed: bool,
    when_idle: Option<Box<dyn FnOnce() + Send>>,
}

impl Queue {
    /// Takes new content; gives it back if it is to be written now.
    fn push(&mut self, content: Value) -> Option<Value> {
        if self.closed {
            return None;
        }
        if self.under_way {
            self.next = Some(content);
            return None;
        }
        self.under_way = true;
        Some(content)
    }

    /// The write under way has ended; gives what is to be written next.
    fn done(&mut self) -> Option<Value> {
        let next = self.next.take();
        self.under_way = next.is_some();
        next
    }

    /// Drops what waits and takes no more. The form itself is about to be saved: a draft written after that would come back from the dead.
    fn close(&mut self) {
        self.closed = true;
        self.next = None;
    }
}

/// Keeps the draft of one form.
#[derive(Clone)]
pub struct DraftKeeper {
    app: App,
    name: Arc<str>,
    queue: Arc<Mutex<Queue>>,
    /// For the form's draft line.
    pub state: RwSignal<DraftState>,
}

impl DraftKeeper {
    /// For the form `name`, as in [`SaveDraft::name`].
    pub fn new(app: App, name: &str) -> Self {
        Self { app, name: name.into(), queue: Arc::default(), state: RwSignal::new(DraftState::Empty) }
    }

    /// The form's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes `content`, now or after the write under way. Goes on when the form is left.
    pub fn push(&self, content: Value) {
        let Some(mut content) = self.lock().push(content) else { return };
        self.state.set(DraftState::Saving);
        let keeper = self.clone();
        spawn_local(async move {
            loop {
                let written = keeper.app.call(SaveDraft { name: keeper.name.to_string(), content }).await;
                let (next, idle) = {
                    let mut queue = keeper.lock();
                    let next = queue.done();
                    let idle = if next.is_none() { queue.when_idle.take() } else { None };
                    (next, idle)
                };
                if let Some(then) = idle {
                    then();
                }
                match next {
                    Some(next) => content = next,
                    None => {
                        let state = written.map_or_else(DraftState::Failed, |draft| DraftState::Saved(draft.saved_at));
                        // The form may have been left.
                        let _ = keeper.state.try_set(state);
                        break;
                    }
                }
            }
        });
    }

    /// Takes no more content, and calls `then` once no write is under way.
    pub fn close(&self, then: impl FnOnce() + Send + 'static) {
        let mut queue = self.lock();
        queue.close();
        if queue.under_way {
            queue.when_idle = Some(Box::new(then));
        } else {
            drop(queue);
            then();
        }
    }

    /// Takes content again.
    pub fn open_again(&self) {
        self.lock().closed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_write_at_a_time_and_the_newest_next() {
        let mut queue = Queue::default();
        assert_eq!(queue.push(json!("R")), Some(json!("R")));
        assert_eq!(queue.push(json!("Re")), None);
        assert_eq!(queue.push(json!("Rek")), None);
        assert_eq!(queue.done(), Some(json!("Rek")));
        assert_eq!(queue.push(json!("Reka")), None);
        assert_eq!(queue.done(), Some(json!("Reka")));
        assert_eq!(queue.done(), None);
        assert_eq!(queue.push(json!("Rekap")), Some(json!("Rekap")));
    }

    #[test]
    fn nothing_is_written_once_the_form_is_being_saved() {
        let mut queue = Queue::default();
        queue.push(json!("a"));
        queue.push(json!("ab"));
        queue.close();
        assert_eq!(queue.push(json!("abc")), None);
        assert_eq!(queue.done(), None);
        assert_eq!(queue.push(json!("abcd")), None);
        queue.closed = false;
        assert_eq!(queue.push(json!("abcde")), Some(json!("abcde")));
    }
}
