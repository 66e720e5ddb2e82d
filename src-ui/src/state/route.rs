//! The app's places and their addresses. The address is what a page needs to be shown again; the browser's Back walks through it.

use lentera_domain::{Day, Kind, LogEntryId, RecordId, UmkmId, VisitId};
use uuid::Uuid;

/// A place in the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Beranda.
    Home,
    /// The log of a day; `None` is today.
    LogDay(Option<Day>),
    /// All entries, to search.
    LogAll,
    /// A new entry.
    LogNew,
    /// The log of a day of those below; `None` is today.
    Team(Option<Day>),
    /// One entry.
    LogEntry(LogEntryId),
    /// Changing an entry.
    LogEdit(LogEntryId),
    /// Enterprises.
    UmkmList,
    /// Registering an enterprise.
    UmkmNew,
    /// Registering an enterprise in order to go on with the visit that is being written.
    UmkmNewForVisit,
    /// One enterprise.
    Umkm(UmkmId),
    /// Changing an enterprise.
    UmkmEdit(UmkmId),
    /// A new visit to a given enterprise.
    UmkmVisit(UmkmId),
    /// A new visit whose enterprise is chosen in its form, or has just been registered for it.
    VisitNew(Option<UmkmId>),
    /// One visit.
    Visit(VisitId),
    /// Fields to be settled; of one record, or of all.
    Conflicts(Option<Uuid>),
    /// Everything that was ever written to a record.
    History(RecordId),
    /// The light's page.
    Delivery,
    /// Lainnya.
    More,
    /// Changing the password.
    Password,
    /// A new invite of the same office.
    Invite,
}

impl Route {
    /// The place at this path; an address of nowhere is Beranda.
    pub fn of_path(path: &str) -> Self {
        let id = |text: &str| Uuid::try_parse(text).ok();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let found = match parts.as_slice() {
            ["kegiatan"] => Some(Self::LogDay(None)),
            ["kegiatan", "hari", day] => Day::parse(day).ok().map(|day| Self::LogDay(Some(day))),
            ["kegiatan", "semua"] => Some(Self::LogAll),
            ["bawahan"] => Some(Self::Team(None)),
            ["bawahan", day] => Day::parse(day).ok().map(|day| Self::Team(Some(day))),
            ["kegiatan", "baru"] => Some(Self::LogNew),
            ["kegiatan", entry] => id(entry).map(|id| Self::LogEntry(LogEntryId(id))),
            ["kegiatan", entry, "ubah"] => id(entry).map(|id| Self::LogEdit(LogEntryId(id))),
            ["umkm"] => Some(Self::UmkmList),
            ["umkm", "baru"] => Some(Self::UmkmNew),
            ["umkm", "baru", "kunjungan"] => Some(Self::UmkmNewForVisit),
            ["umkm", umkm] => id(umkm).map(|id| Self::Umkm(UmkmId(id))),
            ["umkm", umkm, "ubah"] => id(umkm).map(|id| Self::UmkmEdit(UmkmId(id))),
            ["umkm", umkm, "kunjungan"] => id(umkm).map(|id| Self::UmkmVisit(UmkmId(id))),
            ["kunjungan", "baru"] => Some(Self::VisitNew(None)),
            ["kunjungan", "baru", umkm] => id(umkm).map(|id| Self::VisitNew(Some(UmkmId(id)))),
            ["kunjungan", visit] => id(visit).map(|id| Self::Visit(VisitId(id))),
            ["bentrok"] => Some(Self::Conflicts(None)),
            ["bentrok", record] => id(record).map(|id| Self::Conflicts(Some(id))),
            ["kegiatan", entry, "riwayat"] => id(entry).map(|id| Self::History(LogEntryId(id).record())),
            ["umkm", umkm, "riwayat"] => id(umkm).map(|id| Self::History(UmkmId(id).record())),
            ["kunjungan", visit, "riwayat"] => id(visit).map(|id| Self::History(VisitId(id).record())),
            ["pengiriman"] => Some(Self::Delivery),
            ["lainnya"] => Some(Self::More),
            ["lainnya", "sandi"] => Some(Self::Password),
            ["lainnya", "undangan"] => Some(Self::Invite),
            _ => None,
        };
        found.unwrap_or(Self::Home)
    }

    /// Its path.
    pub fn path(self) -> String {
        match self {
            Self::Home => "/".into(),
            Self::LogDay(None) => "/kegiatan".into(),
            Self::LogDay(Some(day)) => format!("/kegiatan/hari/{day}"),
            Self::LogAll => "/kegiatan/semua".into(),
            Self::Team(None) => "/bawahan".into(),
            Self::Team(Some(day)) => format!("/bawahan/{day}"),
            Self::LogNew => "/kegiatan/baru".into(),
            Self::LogEntry(id) => format!("/kegiatan/{id}"),
            Self::LogEdit(id) => format!("/kegiatan/{id}/ubah"),
            Self::UmkmList => "/umkm".into(),
            Self::UmkmNew => "/umkm/baru".into(),
            Self::UmkmNewForVisit => "/umkm/baru/kunjungan".into(),
            Self::Umkm(id) => format!("/umkm/{id}"),
            Self::UmkmEdit(id) => format!("/umkm/{id}/ubah"),
            Self::UmkmVisit(id) => format!("/umkm/{id}/kunjungan"),
            Self::VisitNew(None) => "/kunjungan/baru".into(),
            Self::VisitNew(Some(id)) => format!("/kunjungan/baru/{id}"),
            Self::Visit(id) => format!("/kunjungan/{id}"),
            Self::Conflicts(None) => "/bentrok".into(),
            Self::Conflicts(Some(id)) => format!("/bentrok/{id}"),
            Self::History(record) => Self::of_record(record).path() + "/riwayat",
            Self::Delivery => "/pengiriman".into(),
            Self::More => "/lainnya".into(),
            Self::Password => "/lainnya/sandi".into(),
            Self::Invite => "/lainnya/undangan".into(),
        }
    }

    /// The form a draft belongs to.
    pub fn of_draft(name: &str) -> Self {
        match name.split_once('/').map(|(kind, which)| (kind, Uuid::try_parse(which))) {
            Some(("log_entry", Ok(id))) => Self::LogEdit(LogEntryId(id)),
            Some(("log_entry", Err(_))) => Self::LogNew,
            Some(("umkm", Ok(id))) => Self::UmkmEdit(UmkmId(id)),
            Some(("umkm", Err(_))) => Self::UmkmNew,
            Some(("visit", Ok(id))) => Self::UmkmVisit(UmkmId(id)),
            Some(("visit", Err(_))) => Self::VisitNew(None),
            _ => Self::Home,
        }
    }

    /// Where a record is shown.
    pub fn of_record(record: RecordId) -> Self {
        match record.kind {
            Kind::LogEntry => Self::LogEntry(LogEntryId(record.id)),
            Kind::Umkm | Kind::UmkmOwner => Self::Umkm(UmkmId(record.id)),
            Kind::Visit => Self::Visit(VisitId(record.id)),
        }
    }

    /// Which of the four entries of the bar it belongs to.
    pub fn section(self) -> Section {
        match self {
            Self::Home | Self::Conflicts(_) => Section::Home,
            Self::LogDay(_) | Self::LogAll | Self::LogNew | Self::LogEntry(_) | Self::LogEdit(_) => Section::Log,
            Self::UmkmList
            | Self::UmkmNew
            | Self::UmkmNewForVisit
            | Self::Umkm(_)
            | Self::UmkmEdit(_)
            | Self::UmkmVisit(_)
            | Self::VisitNew(_)
            | Self::Visit(_) => Section::Umkm,
            Self::History(record) => Self::of_record(record).section(),
            Self::Delivery | Self::More | Self::Password | Self::Invite | Self::Team(_) => Section::More,
        }
    }

    /// The list this place is itself, if it is one; every other place of [`Section::Log`] and [`Section::Umkm`] lies beside a list.
    pub fn list(self) -> Option<List> {
        match self {
            Self::LogDay(_) => Some(List::LogDay),
            Self::LogAll => Some(List::LogAll),
            Self::UmkmList => Some(List::Umkm),
            _ => None,
        }
    }

    /// Where "back" in the head of the page leads.
    pub fn parent(self) -> Self {
        if let Self::History(record) = self {
            return Self::of_record(record);
        }
        match self.section() {
            Section::Home => Self::Home,
            Section::Log => match self {
                Self::LogEdit(id) => Self::LogEntry(id),
                _ => Self::LogDay(None),
            },
            Section::Umkm => match self {
                Self::UmkmEdit(id) | Self::UmkmVisit(id) => Self::Umkm(id),
                Self::UmkmNewForVisit => Self::VisitNew(None),
                _ => Self::UmkmList,
            },
            Section::More => Self::More,
        }
    }
}

/// An entry of the bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Beranda.
    Home,
    /// Kegiatan.
    Log,
    /// UMKM.
    Umkm,
    /// Lainnya.
    More,
}

/// A list that stays beside what is opened from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// One day's entries.
    LogDay,
    /// All entries.
    LogAll,
    /// Enterprises.
    Umkm,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_again_by_its_path() {
        let id = Uuid::from_u128(0x0197_f1d0_0000_7000_8000_0000_0000_0001);
        for route in [
            Route::Home,
            Route::LogDay(None),
            Route::LogDay(Some(Day::parse("2026-11-23").unwrap())),
            Route::LogAll,
            Route::Team(None),
            Route::LogNew,
            Route::LogEntry(LogEntryId(id)),
            Route::LogEdit(LogEntryId(id)),
            Route::UmkmList,
            Route::UmkmNew,
            Route::UmkmNewForVisit,
            Route::Umkm(UmkmId(id)),
            Route::UmkmEdit(UmkmId(id)),
            Route::UmkmVisit(UmkmId(id)),
            Route::VisitNew(None),
            Route::VisitNew(Some(UmkmId(id))),
            Route::Visit(VisitId(id)),
            Route::Conflicts(None),
            Route::Conflicts(Some(id)),
            Route::History(LogEntryId(id).record()),
            Route::History(UmkmId(id).record()),
            Route::History(VisitId(id).record()),
            Route::Delivery,
            Route::More,
            Route::Password,
            Route::Invite,
        ] {
            assert_eq!(Route::of_path(&route.path()), route);
        }
        for nowhere in ["", "/index.html", "/umkm/x", "/kegiatan/hari/2026-02-30", "//"] {
            assert_eq!(Route::of_path(nowhere), Route::Home, "{nowhere}");
        }
    }

    #[test]
    fn drafts_lead_to_their_forms() {
        let id = Uuid::from_u128(9);
        assert_eq!(Route::of_draft("log_entry/new"), Route::LogNew);
        assert_eq!(Route::of_draft("visit/new"), Route::VisitNew(None));
        assert_eq!(Route::of_draft(&format!("visit/{id}")), Route::UmkmVisit(UmkmId(id)));
        assert_eq!(Route::of_draft(&format!("umkm/{id}")), Route::UmkmEdit(UmkmId(id)));
    }
}
