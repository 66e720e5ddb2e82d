//! Everything a screen can ask of the engine. One list: the enum, the answer types and the catalogue come from it.

use lentera_domain::log_entry::LogEntryForm;
use lentera_domain::umkm::UmkmForm;
use lentera_domain::visit::VisitForm;
use lentera_domain::{LogEntryId, UmkmId, VisitId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::view;

/// A command with its answer's type.
pub trait Call: Into<Command> {
    /// What the engine answers.
    type Answer: Serialize + DeserializeOwned + 'static;
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:literal $variant:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? } -> $answer:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
            #[serde(deny_unknown_fields)]
            pub struct $variant { $($(#[$field_doc])* pub $field: $type),* }

            impl From<$variant> for Command {
                fn from(command: $variant) -> Self {
                    Self::$variant(command)
                }
            }

            impl Call for $variant {
                type Answer = $answer;
            }
        )*

        /// Any command.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Command { $($(#[$doc])* $variant($variant)),* }

        impl Command {
            /// Names of all commands.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The command's name.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name),* }
            }

            /// Reads a command from its name and its arguments, a JSON object.
            ///
            /// # Errors
            /// [`Error::UnknownCommand`], or [`Error::BadArguments`] for a missing, extra or wrong-typed field.
            pub fn read(name: &str, arguments: serde_json::Value) -> Result<Self, Error> {
                // Serde would take a list for a struct, too.
                if !arguments.is_object() {
                    return Err(Error::BadArguments { detail: "not a JSON object".to_owned() });
                }
                match name {
                    $($name => serde_json::from_value(arguments).map(Self::$variant).map_err(Error::bad_arguments),)*
                    _ => Err(Error::UnknownCommand { name: name.to_owned() }),
                }
            }

            /// The arguments, as [`Command::read`] takes them.
            pub fn arguments(&self) -> serde_json::Value {
                let arguments = match self { $(Self::$variant(command) => serde_json::to_value(command)),* };
                arguments.unwrap_or_default()
            }

            /// JSON schema of every command's arguments, by name.
            #[cfg(feature = "schema")]
            pub fn catalogue() -> Vec<(&'static str, schemars::Schema)> {
                vec![$(($name, schemars::schema_for!($variant))),*]
            }
        }
    };
}

commands! {
    /// Who uses this app, and what the sync light says.
    "status" Status {} -> view::Status;

    /// Reads an invite: the text of its file or QR code. Changes nothing.
    "read_invite" ReadInvite {
        /// Text of the invite.
        invite: String,
    } -> crate::Invite;

    /// Enrols this device for a member of staff. Needs the network. With the first password or an operator's one-time code a new password is needed too.
    "enrol" Enrol {
        /// Text of the invite.
        invite: String,
        /// NIP as typed.
        nip: String,
        /// Password, first password, or one-time code.
        password: String,
        /// The new password, where one is needed; otherwise empty.
        #[serde(default)]
        new_password: String,
    } -> view::Status;

    /// Changes the password on the server. Needs the network. Unsent work is untouched.
    "change_password" ChangePassword {
        /// The present password, or an operator's one-time code.
        password: String,
        /// The new one, at least 8 characters.
        new_password: String,
    } -> view::Done;

    /// The first screen: today, what waits, this month, open drafts.
    "home" Home {} -> view::Home;

    /// The daily log of one day.
    "log_day" LogDay {
        /// Day as 2026-11-23; empty for today.
        #[serde(default)]
        day: String,
    } -> view::LogDay;

    /// What a superior is shown: the same day of everybody below, by name.
    "team_day" TeamDay {
        /// Day as 2026-11-23; empty for today.
        #[serde(default)]
        day: String,
    } -> Vec<view::MemberDay>;

    /// Newest entries first, for long lists and search.
    "list_log_entries" ListLogEntries {
        /// Words that all must occur; empty for all.
        #[serde(default)]
        search: String,
        /// Entries to pass over.
        #[serde(default)]
        offset: u32,
        /// Entries at most, up to 500.
        limit: u32,
    } -> view::Page<view::LogEntryView>;

    /// One entry.
    "log_entry" LogEntryDetail {
        /// Its id.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        id: LogEntryId,
    } -> view::LogEntryView;

    /// Notes an activity. Removes the draft `log_entry/new` in the same moment.
    "add_log_entry" AddLogEntry {
        /// The entry as typed.
        form: LogEntryForm,
    } -> view::LogEntryView;

    /// Changes an entry: only fields that differ between `opened` and `form` are written, so that another device's edit of the rest stays.
    "edit_log_entry" EditLogEntry {
        /// Its id.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        id: LogEntryId,
        /// The form as it was when opened.
        opened: LogEntryForm,
        /// The form as typed.
        form: LogEntryForm,
    } -> view::LogEntryView;

    /// Cancels an entry: it is kept and counts no more.
    "cancel_log_entry" CancelLogEntry {
        /// Its id.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        id: LogEntryId,
    } -> view::LogEntryView;

    /// Takes a cancellation back.
    "restore_log_entry" RestoreLogEntry {
        /// Its id.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        id: LogEntryId,
    } -> view::LogEntryView;

    /// Enterprises by name.
    "list_umkm" ListUmkm {
        /// Words that all must occur in name, owner, desa or product; empty for all.
        #[serde(default)]
        search: String,
        /// Enterprises to pass over.
        #[serde(default)]
        offset: u32,
        /// Enterprises at most, up to 500.
        limit: u32,
    } -> view::Page<view::UmkmView>;

    /// One enterprise with its visits.
    "umkm" UmkmDetail {
        /// Its id.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        id: UmkmId,
    } -> view::UmkmDetailView;

    /// Registers an enterprise. Removes the draft `umkm/new` in the same moment.
    "register_umkm" RegisterUmkm {
        /// The enterprise as typed.
        form: UmkmForm,
    } -> view::UmkmView;

    /// Changes an enterprise, as `edit_log_entry` does.
    "edit_umkm" EditUmkm {
        /// Its id.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        id: UmkmId,
        /// The form as it was when opened.
        opened: UmkmForm,
        /// The form as typed.
        form: UmkmForm,
    } -> view::UmkmView;

    /// Records a visit, and the log entry that goes with it. Removes the draft `visit/ID-of-the-enterprise` in the same moment, and `visit/new` if it is about the same enterprise.
    "record_visit" RecordVisit {
        /// The visit as typed.
        form: VisitForm,
    } -> view::VisitView;

    /// One visit.
    "visit" VisitDetail {
        /// Its id.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        id: VisitId,
    } -> view::VisitView;

    /// Villages whose name, kecamatan or code holds the words; at most 200.
    "list_villages" ListVillages {
        /// Words; empty for all.
        #[serde(default)]
        search: String,
    } -> Vec<view::Village>;

    /// Keeps a form as typed so far, on this device only.
    "save_draft" SaveDraft {
        /// Which form: `log_entry/new`, `umkm/new`, `log_entry/ID`, `umkm/ID`, `visit/ID-of-the-enterprise`.
        name: String,
        /// The form, any JSON object of at most 64 KiB.
        content: serde_json::Value,
    } -> view::Draft;

    /// The draft of a form, or null.
    "draft" ReadDraft {
        /// Which form.
        name: String,
    } -> Option<view::Draft>;

    /// Sets a draft aside: it leaves the form and is kept under `list_drafts` as set aside.
    "set_draft_aside" SetDraftAside {
        /// Which form.
        name: String,
    } -> view::Done;

    /// What waits, why, what was refused, and how the last tries went.
    "delivery" Delivery {} -> view::Delivery;

    /// Tries to send now.
    "sync_now" SyncNow {} -> view::Delivery;

    /// Log in again after the server stopped taking this device's key: a new key is enrolled, and what had no receipt is written anew under it. Needs the network.
    "log_in_again" LogInAgain {
        /// Password, or an operator's one-time code.
        password: String,
        /// The new password, where one is needed; otherwise empty.
        #[serde(default)]
        new_password: String,
    } -> view::Status;

    /// Takes a new invite of the same office, once its server answers there: the server has another address or certificate. Needs the network.
    "take_invite" TakeInvite {
        /// The invite's text.
        invite: String,
    } -> view::Status;

    /// Fields that were filled in differently on two devices, of all records.
    "conflicts" ListConflicts {} -> Vec<view::Conflict>;

    /// Settles one field: the chosen value stands, on every device.
    "settle_conflict" SettleConflict {
        /// Of which record.
        #[cfg_attr(feature = "schema", schemars(with = "serde_json::Value"))]
        record: lentera_domain::RecordId,
        /// The field's key.
        field: String,
        /// `choice` of the value.
        choice: String,
    } -> view::Done;

    /// Everything that was ever written to a record, newest first: also what others wrote over, and what was refused.
    "history" RecordHistory {
        /// Of which record.
        #[cfg_attr(feature = "schema", schemars(with = "serde_json::Value"))]
        record: lentera_domain::RecordId,
    } -> Vec<view::HistoryEntry>;

    /// The person has dealt with a refused change (copied it, entered it again): it leaves the list and is kept.
    "dismiss_refused" DismissRefused {
        /// `change` of the refused record.
        change: i64,
    } -> view::Done;

    /// Writes everything unsent to a `.lentera` file, encrypted to the server.
    "export_unsent" ExportUnsent {
        /// Where; empty for a new file in the device's folder for documents.
        #[serde(default)]
        path: String,
    } -> view::Exported;

    /// Writes the receipts of colleagues' parcels to a `.lentera` file, for the way back.
    "export_receipts" ExportReceipts {
        /// Where; empty for a new file in the device's folder for documents.
        #[serde(default)]
        path: String,
    } -> view::Exported;

    /// Takes a `.lentera` file: a colleague's parcels, or receipts for this device.
    "take_file" TakeFile {
        /// The file's bytes, base64.
        content: String,
    } -> view::FileTaken;

    /// The person has seen that a damaged database was rescued.
    "acknowledge_rescue" AcknowledgeRescue {} -> view::Done;

    /// Makes every list anew from the documents. Loses nothing; for repair.
    "rebuild" Rebuild {} -> view::Done;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_it_writes() {
        let command = Command::from(LogDay { day: "2026-11-23".into() });
        assert_eq!(Command::read(command.name(), command.arguments()).unwrap(), command);
        for name in Command::NAMES {
            assert!(!matches!(Command::read(name, json!({})), Err(Error::UnknownCommand { .. })));
        }
    }

    #[test]
    fn missing_extra_and_wrong_typed_fields_are_refused() {
        for (name, arguments) in [
            ("add_log_entry", json!({})),
            ("status", json!({"x": 1})),
            ("add_log_entry", json!({"form": {"day": 3}})),
            ("add_log_entry", json!({"form": {"hari": "x"}})),
            ("list_umkm", json!({"limit": -1})),
            ("log_entry", json!({"id": "not-an-id"})),
            ("status", json!([])),
            ("log_day", json!(["2026-11-23"])),
            ("status", json!(null)),
        ] {
            assert!(matches!(Command::read(name, arguments.clone()), Err(Error::BadArguments { .. })), "{name} {arguments}");
        }
        assert_eq!(Command::read("sudo", json!({})), Err(Error::UnknownCommand { name: "sudo".into() }));
    }
}
