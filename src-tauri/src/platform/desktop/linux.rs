//! What only a Linux desktop must be asked.

use gtk::gio::{self, prelude::*};
use lentera_api::Error;

/// How long the message bus may take to answer, in milliseconds.
const BUS_TIMEOUT: i32 = 1000;

/// Tauri would panic where there is no display; GTK may be started twice.
pub fn check_display() -> Result<(), Error> {
    gtk::init().map_err(|_| Error::Internal { detail: "no display".into() })
}

/// Asks the session's message bus whether anyone shows tray icons.
pub fn has_tray() -> bool {
    let ask = || -> Result<bool, gtk::glib::Error> {
        let nobody = gio::Cancellable::NONE;
        let bus = gio::bus_get_sync(gio::BusType::Session, nobody)?;
        let answer = bus.call_sync(
            Some("org.freedesktop.DBus"),
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "NameHasOwner",
            Some(&("org.kde.StatusNotifierWatcher",).to_variant()),
            None,
            gio::DBusCallFlags::NONE,
            BUS_TIMEOUT,
            nobody,
        )?;
        Ok(answer.get::<(bool,)>().is_some_and(|(owned,)| owned))
    };
    ask().unwrap_or(false)
}
