//! Parts that pages are made of.

pub mod choices;
pub mod chooser;
pub mod conflict;
pub mod copy;
pub mod duration_bar;
pub mod fields;
pub mod form_frame;
pub mod icon;
pub mod invite_form;
pub mod light;
pub mod log_in_again;
pub mod page;
pub mod paged_list;
pub mod progress;
pub mod rows;
pub mod sheet;
pub mod times;
pub mod typed;
