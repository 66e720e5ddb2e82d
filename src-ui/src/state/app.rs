//! The one state all pages share, and the way to the engine.

use std::sync::Arc;
use std::time::Duration;

use lentera_api::view::{Light, Person};
use lentera_api::{Call, Error, Event, Language, Status};
use lentera_domain::{Day, LogEntryId};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;

use super::Route;
use crate::backend::{self, Backend};
use crate::locales::{self, Words};
use crate::platform;

/// How long a toast without a way back stays.
const TOAST: Duration = Duration::from_secs(8);

/// Where the choice of language is kept.
const LANGUAGE_KEY: &str = "language";

/// Something done, said once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// What was done.
    pub text: String,
    /// The entry whose cancellation can be taken back.
    pub undo: Option<LogEntryId>,
}

/// What pages share. All signals live as long as the page.
#[derive(Clone, Copy)]
pub struct App {
    backend: StoredValue<Arc<dyn Backend>>,
    /// Language of the screens.
    pub language: RwSignal<Language>,
    /// The light; `None` until the engine has told.
    pub light: RwSignal<Option<Light>>,
    /// Who uses the app.
    pub person: RwSignal<Option<Person>>,
    /// The app's version.
    pub version: RwSignal<String>,
    /// How the engine's first answer came out; `None` until then.
    pub started: RwSignal<Option<Result<(), Error>>>,
    /// Counts changes that came from elsewhere.
    pub changed: RwSignal<u32>,
    /// Counts changes made on this screen.
    pub own: RwSignal<u32>,
    /// Where the person is.
    pub route: RwSignal<Route>,
    /// The day the log shows; `None` is today.
    pub day: RwSignal<Option<Day>>,
    /// What is being said.
    pub toast: RwSignal<Option<Toast>>,
    /// Why the last press did nothing; until the next place.
    pub failed: RwSignal<Option<Error>>,
    /// True while the sheet of Catat is open.
    pub noting: RwSignal<bool>,
    /// The sheet that lies over the page: Back closes it.
    sheet: StoredValue<Option<RwSignal<bool>>>,
}

/// The state, from any page.
pub fn app() -> App {
    expect_context()
}

impl App {
    /// Begins with the engine of this page.
    pub fn start() -> Self {
        let language = if platform::kept(LANGUAGE_KEY).as_deref() == Some("en") { Language::En } else { Language::Id };
        let path = window().location().pathname().unwrap_or_default();
        let app = Self {
            backend: StoredValue::new(backend::of_this_page()),
            language: RwSignal::new(language),
            light: RwSignal::new(None),
            person: RwSignal::new(None),
            version: RwSignal::default(),
            started: RwSignal::new(None),
            changed: RwSignal::new(0),
            own: RwSignal::new(0),
            route: RwSignal::new(Route::of_path(&path)),
            day: RwSignal::new(None),
            toast: RwSignal::new(None),
            failed: RwSignal::new(None),
            noting: RwSignal::new(false),
            sheet: StoredValue::new(None),
        };
        platform::set_page_language(app.words().code);
        app.backend.with_value(|backend| {
            backend.listen(Box::new(move |event| match event {
                Event::Light(light) => app.take_light(light),
                Event::RecordsChanged => app.changed.update(|count| *count += 1),
            }));
        });
        let _ = window_event_listener(leptos::ev::popstate, move |_| {
            let route = Route::of_path(&window().location().pathname().unwrap_or_default());
            // From the place in the history that a sheet had, to the page it lay over.
            if !app.close_sheet() && route != app.route.get_untracked() {
                app.arrive(route);
            }
        });
        app.ask_status();
        app
    }

    /// Asks the engine who is enrolled and what the light says.
    pub fn ask_status(self) {
        spawn_local(async move {
            let status = self.call(Status {}).await;
            self.started.set(Some(status.map(|status| self.take_status(status))));
        });
    }

    /// Shows what the engine told about itself.
    pub fn take_status(self, status: lentera_api::view::Status) {
        platform::set_present(status.present);
        self.version.set(status.version);
        self.light.set(Some(status.light));
        self.person.set(status.person);
    }

    fn take_light(self, light: Light) {
        let moved = self.light.with_untracked(|old| {
            old.as_ref()
                .is_some_and(|old| (old.refused, old.waiting, old.arrived_at) != (light.refused, light.waiting, light.arrived_at))
        });
        self.light.set(Some(light));
        // Where a record stands has changed; a draft's letters change nothing that lists show.
        if moved {
            self.changed.update(|count| *count += 1);
        }
    }

    /// Has the engine carry out a command. Begins at once, answers when awaited.
    pub fn call<C: Call>(self, command: C) -> impl Future<Output = Result<C::Answer, Error>> {
        let answer = self.backend.with_value(|backend| backend.dispatch(command.into()));
        async move { serde_json::from_value(answer.await?).map_err(|error| Error::Internal { detail: error.to_string() }) }
    }

    /// True where nothing outlives the page.
    pub fn is_trial(self) -> bool {
        self.backend.with_value(|backend| backend.is_trial())
    }

    /// Words of the language at this moment. The screens are made anew when it changes.
    pub fn words(self) -> &'static Words {
        locales::words(self.language.get_untracked())
    }

    /// The sentence of an error.
    pub fn sentence(self, error: &Error) -> String {
        lentera_api::sentence(error, self.language.get_untracked())
    }

    /// What this device is called on screen.
    pub fn device(self) -> &'static str {
        let words = self.words();
        if platform::is_phone() { words.this_phone } else { words.this_computer }
    }

    /// Changes the language and keeps the choice.
    pub fn speak(self, language: Language) {
        let code = locales::words(language).code;
        platform::keep(LANGUAGE_KEY, code);
        platform::set_page_language(code);
        self.language.set(language);
    }

    /// Goes to a place.
    pub fn go(self, route: Route) {
        // The place in the history that an open sheet has is taken over.
        if self.close_sheet() {
            self.go_instead(route);
            return;
        }
        if route != self.route.get_untracked()
            && let Ok(history) = window().history()
        {
            let _ = history.push_state_with_url(&JsValue::NULL, "", Some(&route.path()));
        }
        self.arrive(route);
    }

    /// Goes to a place so that Back does not lead to the present one again: a saved form is spent.
    pub fn go_instead(self, route: Route) {
        if let Ok(history) = window().history() {
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&route.path()));
        }
        self.arrive(route);
    }

    /// A sheet has been opened: it gets a place in the history, so that Back closes it and not the page beneath.
    pub fn sheet_opened(self, open: RwSignal<bool>) {
        if let Ok(history) = window().history() {
            let _ = history.push_state(&JsValue::NULL, "");
        }
        self.sheet.set_value(Some(open));
    }

    /// A sheet has been closed. Where that was not by Back or by going elsewhere, its place in the history goes, too.
    pub fn sheet_closed(self, open: RwSignal<bool>) {
        if self.sheet.get_value() == Some(open) {
            self.sheet.set_value(None);
            if let Ok(history) = window().history() {
                let _ = history.back();
            }
        }
    }

    /// Closes the open sheet; tells whether there was one.
    fn close_sheet(self) -> bool {
        let sheet = self.sheet.try_update_value(Option::take).flatten();
        if let Some(open) = sheet {
            open.try_set(false);
        }
        sheet.is_some()
    }

    fn arrive(self, route: Route) {
        self.noting.set(false);
        self.failed.set(None);
        self.toast.set(None);
        if let Route::LogDay(day) = route {
            self.day.set(day);
        }
        if route != self.route.get_untracked() {
            self.route.set(route);
        }
    }

    /// Says what was done: until the person goes elsewhere, and for eight seconds at most where it cannot be undone.
    pub fn say(self, text: String, undo: Option<LogEntryId>) {
        let toast = Toast { text, undo };
        self.toast.set(Some(toast.clone()));
        if undo.is_none() {
            set_timeout(
                move || {
                    if self.toast.with_untracked(|shown| shown.as_ref() == Some(&toast)) {
                        self.toast.set(None);
                    }
                },
                TOAST,
            );
        }
    }

    /// Lists are to be read again because of something done here.
    pub fn did_change(self) {
        self.own.update(|count| *count += 1);
    }
}
