//! A form: what is typed, its draft, its faults, and saving it.

use std::time::Duration;

use lentera_api::{Call, Error, ReadDraft, SetDraftAside, sentence};
use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::visit::VisitForm;
use lentera_domain::{Day, FieldError, Nip, Reason, Timestamp};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::draft::{DraftKeeper, DraftState};
use super::{App, app};
use crate::platform;

/// Saving that takes longer than this is said.
const SLOW: Duration = Duration::from_millis(300);

/// A form of text fields.
pub trait Form: Clone + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// A form in which nothing is wrong, to judge one field at a time in.
    fn faultless(today: Day) -> Self;

    /// The first field that cannot be taken.
    fn fault(&self, nip: &Nip, now: Timestamp) -> Option<FieldError>;
}

impl Form for LogEntryForm {
    fn faultless(today: Day) -> Self {
        let text = || String::from("x");
        Self {
            day: today.to_string(),
            start: "0".into(),
            end: "24".into(),
            category: text(),
            activity: text(),
            unit: text(),
            ..Self::default()
        }
    }

    fn fault(&self, nip: &Nip, now: Timestamp) -> Option<FieldError> {
        self.parse(nip.clone(), now).err()
    }
}

impl Form for UmkmForm {
    fn faultless(_: Day) -> Self {
        let text = || String::from("x");
        Self { name: text(), owner_name: text(), village: "63.11.01.2001".into(), ..Self::default() }
    }

    fn fault(&self, _: &Nip, now: Timestamp) -> Option<FieldError> {
        self.parse(now).err()
    }
}

impl Form for VisitForm {
    fn faultless(today: Day) -> Self {
        Self {
            umkm: uuid::Uuid::nil().to_string(),
            day: today.to_string(),
            start: "0".into(),
            end: "24".into(),
            purposes: "pembinaan".into(),
            ..Self::default()
        }
    }

    fn fault(&self, nip: &Nip, now: Timestamp) -> Option<FieldError> {
        self.parse(nip.clone(), now).err()
    }
}

/// A field of a form: its name and where it lies.
pub struct Field<F> {
    /// Name in commands and faults.
    pub name: &'static str,
    /// Reads it.
    pub of: fn(&F) -> &String,
    /// Changes it.
    pub of_mut: fn(&mut F) -> &mut String,
}

impl<F> Clone for Field<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Field<F> {}

/// The field of that name; a name no form has does not compile.
macro_rules! field {
    ($name:ident) => {
        $crate::state::form::Field { name: stringify!($name), of: |form| &form.$name, of_mut: |form| &mut form.$name }
    };
}
pub(crate) use field;

/// What an input needs to know of its field.
#[derive(Clone, Copy)]
pub struct Binding {
    /// The field's name.
    pub name: &'static str,
    /// What stands in it.
    pub value: Signal<String>,
    /// Takes what was typed.
    pub set: Callback<String>,
    /// Judges it when the person leaves it.
    pub leave: Callback<()>,
    /// What is wrong with it.
    pub fault: Signal<Option<String>>,
}

/// A form on the screen.
pub struct FormState<F: Form> {
    app: App,
    /// What is typed.
    pub typed: RwSignal<F>,
    opened: StoredValue<F>,
    /// Keeps the draft.
    pub draft: StoredValue<DraftKeeper>,
    /// True once the draft has been looked for: not before may anything be typed.
    pub ready: RwSignal<bool>,
    /// Fields that cannot be taken as they are.
    pub faults: RwSignal<Vec<FieldError>>,
    /// Why it was not saved, where no field is at fault.
    pub failed: RwSignal<Option<Error>>,
    /// True while the summary of faults stands at the top: after a try to save.
    pub summed_up: RwSignal<bool>,
    /// True from the press of Save to the engine's refusal.
    pub busy: RwSignal<bool>,
    /// True where that takes long.
    pub slow: RwSignal<bool>,
}

impl<F: Form> Clone for FormState<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: Form> Copy for FormState<F> {}

impl<F: Form> FormState<F> {
    /// The form `opened`, or what was typed of it before. `adjust` sees whichever it is.
    pub fn open(draft_name: &str, opened: F, adjust: impl FnOnce(&mut F) + 'static) -> Self {
        let app = app();
        let keeper = DraftKeeper::new(app, draft_name);
        let state = Self {
            app,
            typed: RwSignal::new(opened.clone()),
            opened: StoredValue::new(opened),
            draft: StoredValue::new(keeper.clone()),
            ready: RwSignal::new(false),
            faults: RwSignal::default(),
            failed: RwSignal::new(None),
            summed_up: RwSignal::new(false),
            busy: RwSignal::new(false),
            slow: RwSignal::new(false),
        };
        spawn_local(async move {
            let draft = app.call(ReadDraft { name: keeper.name().to_owned() }).await.ok().flatten();
            if let Some(draft) = draft {
                match read_draft(draft.content) {
                    Ok((typed, opened)) => {
                        state.typed.try_set(typed);
                        // What the person saw then is what their words are an answer to, not what has come since.
                        if let Some(opened) = opened {
                            state.opened.try_set_value(opened);
                        }
                        keeper.state.try_set(DraftState::Restored(draft.saved_at));
                    }
                    // Another version of the app wrote it: kept, but not in this form.
                    Err(_) => drop(app.call(SetDraftAside { name: keeper.name().to_owned() }).await),
                }
            }
            let before = state.typed.try_get_untracked();
            state.typed.try_update_untracked(adjust);
            state.ready.try_set(true);
            if before != state.typed.try_get_untracked() {
                state.keep();
            }
        });
        state
    }

    /// What the input of `field` needs.
    pub fn bind(self, field: Field<F>) -> Binding {
        let value = Memo::new(move |_| self.typed.with(|form| (field.of)(form).clone()));
        let language = self.app.language.get_untracked();
        let fault = Memo::new(move |_| {
            let fault = self.faults.with(|faults| faults.iter().find(|fault| fault.field == field.name).cloned())?;
            Some(sentence(&Error::Field(fault), language))
        });
        Binding {
            name: field.name,
            value: value.into(),
            set: Callback::new(move |typed| self.set(field, typed)),
            leave: Callback::new(move |()| self.judge(field)),
            fault: fault.into(),
        }
    }

    /// Takes what was typed into `field` and keeps the draft.
    pub fn set(self, field: Field<F>, typed: String) {
        if self.typed.with_untracked(|form| *(field.of)(form) == typed) {
            return;
        }
        self.typed.update(|form| *(field.of_mut)(form) = typed);
        self.forget_fault(field.name);
        // Start and end are judged together: changing either answers this one.
        self.faults.update(|faults| faults.retain(|fault| !matches!(fault.reason, Reason::EndNotAfterStart { .. })));
        self.keep();
    }

    /// Has the draft written.
    fn keep(self) {
        let Some(opened) = self.opened.try_get_value() else { return };
        if let Some(Ok(content)) = self.typed.try_with_untracked(|typed| draft_of(typed, &opened)) {
            self.draft.try_with_value(|draft| draft.push(content));
        }
    }

    /// True where one of the fields `names` cannot be taken.
    pub fn has_fault_in(self, names: &[&str]) -> bool {
        self.faults.with(|faults| faults.iter().any(|fault| names.contains(&fault.field.as_ref())))
    }

    fn nip(self) -> Option<Nip> {
        self.app.person.with_untracked(|person| person.as_ref().map(|person| person.nip.clone()))
    }

    fn forget_fault(self, name: &str) {
        if self.faults.with_untracked(|faults| faults.iter().any(|fault| fault.field == name)) {
            self.faults.update(|faults| faults.retain(|fault| fault.field != name));
        }
    }

    /// Looks whether `field` can be taken as it is. That it is still empty is no fault yet.
    fn judge(self, field: Field<F>) {
        let Some(nip) = self.nip() else { return };
        let now = platform::now();
        let mut probe = F::faultless(now.day());
        self.typed.with_untracked(|form| (field.of)(form).clone_into((field.of_mut)(&mut probe)));
        let fault = probe.fault(&nip, now).filter(|fault| fault.field == field.name && fault.reason != Reason::Missing);
        self.forget_fault(field.name);
        self.faults.update(|faults| faults.extend(fault));
    }

    /// Saves by the command that `make` forms of the form as opened and as typed. Only when the engine has answered is anything said;
    /// `done` then leaves the form. A press while that is under way does nothing.
    pub fn save<C>(self, make: impl FnOnce(F, F) -> C, done: impl FnOnce(C::Answer) + Send + 'static)
    where
        C: Call + Send + 'static,
    {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.failed.set(None);
        self.summed_up.set(false);
        set_timeout(
            move || {
                self.slow.try_set(true);
            },
            SLOW,
        );
        let command = make(self.opened.get_value(), self.typed.get_untracked());
        let keeper = self.draft.get_value();
        let app = self.app;
        self.draft.with_value(|draft| {
            draft.close(move || {
                spawn_local(async move {
                    match app.call(command).await {
                        Ok(answer) => {
                            app.did_change();
                            done(answer);
                        }
                        Err(error) => {
                            keeper.open_again();
                            self.refuse(error);
                        }
                    }
                });
            });
        });
    }

    fn refuse(self, error: Error) {
        self.busy.try_set(false);
        self.slow.try_set(false);
        if let Error::Field(fault) = error {
            // The engine names the first fault only; whoever must correct one should see all.
            let mut faults = self
                .nip()
                .zip(self.typed.try_get_untracked())
                .map_or_else(Vec::new, |(nip, typed)| faults_of(&typed, &nip, platform::now()));
            faults.retain(|known| known.field != fault.field);
            faults.insert(0, fault);
            self.faults.try_set(faults);
        } else {
            self.failed.try_set(Some(error));
        }
        self.summed_up.try_set(true);
        platform::focus_soon("[data-test=error]");
    }
}

/// Where a draft keeps the form as it was opened, beside what was typed.
const OPENED: &str = "opened";

/// The draft of a form.
fn draft_of<F: Form>(typed: &F, opened: &F) -> serde_json::Result<serde_json::Value> {
    Ok(draft_with(serde_json::to_value(typed)?, Some(serde_json::to_value(opened)?)))
}

/// A draft of these fields, as a command kept them.
pub fn draft_with(mut typed: serde_json::Value, opened: Option<serde_json::Value>) -> serde_json::Value {
    if let Some((fields, opened)) = typed.as_object_mut().zip(opened) {
        fields.insert(OPENED.to_owned(), opened);
    }
    typed
}

/// What was typed, and what it was typed into, as far as the draft tells.
fn read_draft<F: Form>(mut content: serde_json::Value) -> serde_json::Result<(F, Option<F>)> {
    let opened = content.as_object_mut().and_then(|fields| fields.remove(OPENED));
    Ok((serde_json::from_value(content)?, opened.and_then(|opened| serde_json::from_value(opened).ok())))
}

/// All that cannot be taken, in the form's order: each fault is mended from a faultless form to find the next.
fn faults_of<F: Form>(form: &F, nip: &Nip, now: Timestamp) -> Vec<FieldError> {
    let mut faults: Vec<FieldError> = Vec::new();
    let (Ok(mut probe), Ok(faultless)) = (serde_json::to_value(form), serde_json::to_value(F::faultless(now.day()))) else {
        return faults;
    };
    while let Some(fault) = serde_json::from_value::<F>(probe.clone()).ok().and_then(|form| form.fault(nip, now)) {
        let mended = faultless.get(fault.field.as_ref()).cloned();
        let (Some(field), Some(mended)) = (probe.get_mut(fault.field.as_ref()), mended) else { break };
        if *field == mended {
            break;
        }
        *field = mended;
        faults.push(fault);
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23 10:00 WITA.
    const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);

    #[test]
    fn all_faults_are_named_in_the_forms_order() {
        let nip = Nip::parse("197203151998032000").unwrap();
        let form = LogEntryForm { day: "2026-11-24".into(), end: "25".into(), volume: "2".into(), ..LogEntryForm::default() };
        let names: Vec<_> = faults_of(&form, &nip, NOW).into_iter().map(|fault| fault.field.into_owned()).collect();
        assert_eq!(names, ["day", "start", "end", "category", "activity", "unit"]);
        assert_eq!(faults_of(&VisitForm::default(), &nip, NOW).len(), 5);
        assert_eq!(faults_of(&UmkmForm::default(), &nip, NOW).len(), 3);
    }

    #[test]
    fn a_draft_holds_what_was_typed_and_what_it_was_typed_into() {
        let opened = UmkmForm { name: "Dapur".into(), phone: "0812".into(), ..UmkmForm::default() };
        let typed = UmkmForm { name: "Dapur Melati".into(), ..opened.clone() };
        let draft = draft_of(&typed, &opened).unwrap();
        assert_eq!(draft["name"], "Dapur Melati");
        assert_eq!(read_draft::<UmkmForm>(draft).unwrap(), (typed.clone(), Some(opened)));
        // An earlier version kept only what was typed; another form's draft is none of this one's.
        assert_eq!(read_draft::<UmkmForm>(serde_json::to_value(&typed).unwrap()).unwrap(), (typed.clone(), None));
        assert!(read_draft::<LogEntryForm>(draft_of(&typed, &typed).unwrap()).is_err());
    }

    #[test]
    fn faultless_forms_are() {
        let nip = Nip::parse("197203151998032000").unwrap();
        assert_eq!(LogEntryForm::faultless(NOW.day()).fault(&nip, NOW), None);
        assert_eq!(UmkmForm::faultless(NOW.day()).fault(&nip, NOW), None);
        assert_eq!(VisitForm::faultless(NOW.day()).fault(&nip, NOW), None);
    }
}
