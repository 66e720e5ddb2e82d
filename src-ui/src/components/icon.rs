//! Line icons and the four shapes of the light, drawn for this app on a 24 × 24 grid.

use leptos::prelude::*;

/// A picture beside a word; never alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Lantern,
    Home,
    Log,
    Shop,
    More,
    Plus,
    Back,
    Forward,
    Search,
    Close,
    Visit,
    Pencil,
    Warning,
    Phone,
    Pin,
    Key,
    /// Saved here.
    Square,
    /// Waiting to be sent.
    Waiting,
    /// Arrived.
    Arrived,
    /// Refused.
    Refused,
    /// Not known yet.
    Checking,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Lantern => {
                "M9 5h6M10 5a2 2 0 0 1 4 0M8 8h8l1.5 9h-11zM6 20h12M12 11c1.6 1.6 1.6 3.4 0 4.2-1.6-.8-1.6-2.6 0-4.2z"
            }
            Self::Home => "M4 11.5 12 5l8 6.5M6 10.5V19h12v-8.5M10 19v-5h4v5",
            Self::Log => "M6 4h12v16H6zM9 9h6M9 12.5h6M9 16h4",
            Self::Shop => {
                "M4 9.5 5.5 5h13L20 9.5a2.7 2.7 0 0 1-5.3 0 2.7 2.7 0 0 1-5.4 0A2.7 2.7 0 0 1 4 9.5zM5.5 12v7h13v-7M10 19v-4h4v4"
            }
            Self::More => "M4 7h16M4 12h16M4 17h16",
            Self::Plus => "M12 5v14M5 12h14",
            Self::Back => "M14.5 5.5 8 12l6.5 6.5",
            Self::Forward => "M9.5 5.5 16 12l-6.5 6.5",
            Self::Search => "M10.5 5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM14.8 14.8 20 20",
            Self::Close => "M6 6l12 12M18 6 6 18",
            Self::Visit => {
                "M13 5.2a1.6 1.6 0 1 1-3.2 0 1.6 1.6 0 0 1 3.2 0zM8 13l2.5-4 3 1 1.5 3 3 1M11 10l-1 5 3 2 1 4M10 15l-3 5"
            }
            Self::Pencil => "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3",
            Self::Warning => "M12 4 21 20H3zM12 10v4.5M12 17v.4",
            Self::Phone => "M7 4h3l1.5 4-2 1.5a10 10 0 0 0 5 5l1.5-2 4 1.5v3a2 2 0 0 1-2.2 2A16 16 0 0 1 5 6.2 2 2 0 0 1 7 4z",
            Self::Pin => "M12 21c4-4.4 6-7.6 6-10.5a6 6 0 0 0-12 0C6 13.4 8 16.6 12 21zM12 8.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4z",
            Self::Key => "M8 9a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM11.5 11.5 19 4M16 7l2.5 2.5M13.5 9.5l2 2",
            Self::Square => "M5 5h14v14H5z",
            Self::Waiting => "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 16V8.5M8.8 11.5 12 8.2l3.2 3.3",
            Self::Arrived => "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM7.6 12.3l3 3 5.8-6",
            Self::Refused => "M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3zM12 7.5v5.5M12 16v.4",
            Self::Checking => "M6.5 12v.1M12 12v.1M17.5 12v.1",
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Square => "icon shape shape-saved",
            Self::Waiting => "icon shape shape-waiting",
            Self::Arrived => "icon shape shape-arrived",
            Self::Refused => "icon shape shape-refused",
            _ => "icon",
        }
    }
}

/// The picture, hidden from readers: the word beside it says it.
pub fn icon(icon: Icon) -> impl IntoView {
    view! {
        <svg class=icon.class() viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=icon.path()></path>
        </svg>
    }
}
