//! The first screen.

use std::collections::BTreeMap;

use lentera_api::Error;
use lentera_api::view::{Delivered, Home, LogEntryView, MonthCount};
use lentera_domain::rules::Effect;
use lentera_domain::{Day, Month, Nip, Status};
use rusqlite::Connection;

use super::log::Viewer;
use crate::Engine;
use crate::store::{StoreError, conflict, draft, log_entry, rescue, stream};

pub fn home(engine: &Engine) -> Result<Home, Error> {
    engine.read(|connection, identity| {
        let today = super::present(engine, identity).day();
        let viewer = Viewer::new(connection, identity)?;
        let owner = &identity.employee.nip;
        let light = super::status::light(connection)?;
        Ok(Home {
            person: super::status::person(connection, identity)?,
            today: viewer.day(owner, today, today)?,
            cause: super::delivery::cause(&super::delivery::attempts(engine, connection)?, &light, identity.key_state),
            light,
            month: count_month(connection, &viewer, owner, today.month())?,
            drafts: draft::all(connection)?,
            conflicts: conflict::count_records(connection)?,
            backfill: stream::backfill(connection)?,
            rescue: rescue::unseen(connection)?,
        })
    })
}

fn count_month(connection: &Connection, viewer: &Viewer<'_>, owner: &Nip, month: Month) -> Result<MonthCount, StoreError> {
    let entries = log_entry::of_days(connection, owner, month.first_day(), month.last_day())?;
    let mut days: BTreeMap<Day, Vec<_>> = BTreeMap::new();
    for (id, entry) in entries.into_iter().filter(|(_, entry)| entry.status != Status::Cancelled) {
        days.entry(entry.day).or_default().push((id, entry));
    }
    let mut count = MonthCount {
        month,
        counted: 0,
        waiting: 0,
        not_counted: 0,
        entries: 0,
        judged: viewer.rules(month.last_day()).is_some(),
    };
    for day in days.values() {
        let views: Vec<LogEntryView> =
            day.iter().map(|(id, entry)| viewer.entry(*id, entry.clone(), day)).collect::<Result<_, _>>()?;
        count.entries += u32::try_from(views.len()).unwrap_or(u32::MAX);
        let counts = |view: &&LogEntryView| view.delivered != Delivered::Refused && !view.effects.iter().any(Effect::is_late);
        if views.iter().filter(counts).any(|view| view.delivered == Delivered::Arrived) {
            count.counted += 1;
        } else if views.iter().any(|view| counts(&view)) {
            count.waiting += 1;
        } else {
            count.not_counted += 1;
        }
    }
    Ok(count)
}
