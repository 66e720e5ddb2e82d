//! Parts that pages are made of.

pub mod choices;
pub mod chooser;
pub mod duration_bar;
pub mod fields;
pub mod form_frame;
pub mod icon;
pub mod light;
pub mod page;
pub mod paged_list;
pub mod rows;
pub mod times;
