//! The engine on a thread of its own, for hosts with many threads.

use std::path::PathBuf;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use lentera_api::{Command, Error, Event};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;

use crate::{Engine, NativePlatform};

/// Until sending and fetching begin anew after a fault of ours ended them.
const AFTER_FAULT: Duration = Duration::from_secs(60);

enum Message {
    Dispatch(Box<Command>, oneshot::Sender<Result<Value, Error>>),
    InFront(bool),
    NetworkIsBack,
}

/// A handle to an engine that runs, with its background sync, until the last handle is gone.
#[derive(Clone, Debug)]
pub struct Host {
    messages: mpsc::UnboundedSender<Message>,
}

impl Host {
    /// Opens (and locks) a data folder and starts its engine. `documents` is where people look for files of theirs.
    ///
    /// # Errors
    /// Those of [`Engine::open`], and [`Error::Internal`] where the system gives no thread.
    pub fn start(data: PathBuf, documents: Option<PathBuf>, on_event: impl Fn(Event) + Send + 'static) -> Result<Self, Error> {
        let (messages, inbox) = mpsc::unbounded_channel();
        let (opened, is_open) = std::sync::mpsc::channel();
        let thread = thread::Builder::new().name("lentera-engine".to_owned());
        thread.spawn(move || serve(data, documents, on_event, inbox, &opened)).map_err(|error| internal(&error))?;
        is_open.recv().map_err(|error| internal(&error))??;
        Ok(Self { messages })
    }

    /// Carries out one command.
    ///
    /// # Errors
    /// The command's.
    pub async fn dispatch(&self, command: Command) -> Result<Value, Error> {
        let (answer, answered) = oneshot::channel();
        self.messages.send(Message::Dispatch(Box::new(command), answer)).map_err(|error| internal(&error))?;
        answered.await.map_err(|error| internal(&error))?
    }

    /// The app came to the front of its person, and tries to send now, or left it.
    pub fn set_in_front(&self, in_front: bool) {
        // Without an engine there is nothing to wake.
        let _ = self.messages.send(Message::InFront(in_front));
    }

    /// The network is back: try to send within seconds.
    pub fn network_is_back(&self) {
        let _ = self.messages.send(Message::NetworkIsBack);
    }
}

fn internal(error: &dyn std::fmt::Display) -> Error {
    Error::Internal { detail: error.to_string() }
}

/// The engine's thread. Commands run one beside another, each up to its next wait, so that a list is shown while an exchange is under way.
fn serve(
    data: PathBuf,
    documents: Option<PathBuf>,
    on_event: impl Fn(Event) + 'static,
    mut inbox: mpsc::UnboundedReceiver<Message>,
    opened: &std::sync::mpsc::Sender<Result<(), Error>>,
) {
    let start = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| internal(&error))?;
        let platform = NativePlatform::new(documents).map_err(|error| internal(&error))?;
        let engine = Engine::open(&data, Rc::new(platform), on_event)?;
        Ok((runtime, Rc::new(engine)))
    };
    let (runtime, engine) = match start() {
        Ok(started) => started,
        Err(error) => {
            let _ = opened.send(Err(error));
            return;
        }
    };
    let _ = opened.send(Ok(()));
    LocalSet::new().block_on(&runtime, async move {
        let background = Rc::clone(&engine);
        let background = tokio::task::spawn_local(async move {
            loop {
                let engine = Rc::clone(&background);
                let Err(error) = tokio::task::spawn_local(async move { engine.run().await }).await else { break };
                // A fault of ours must not end the sending until the app is started again.
                tracing::error!(%error, "sending and fetching ended");
                tokio::time::sleep(AFTER_FAULT).await;
            }
        });
        while let Some(message) = inbox.recv().await {
            match message {
                Message::InFront(in_front) => engine.set_in_front(in_front),
                Message::NetworkIsBack => engine.network_is_back(),
                Message::Dispatch(command, answer) => {
                    let engine = Rc::clone(&engine);
                    tokio::task::spawn_local(async move {
                        // Whoever asked may be gone.
                        let _ = answer.send(engine.dispatch(*command).await);
                    });
                }
            }
        }
        background.abort();
    });
}
