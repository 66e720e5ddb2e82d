//! The kabupaten server: takes what devices hand over, keeps it, and hands it on to those who may have it.
//!
//! [`http`] speaks the protocol, [`service`] decides, [`storage`] keeps. Processes keep no state of their own.

pub mod clock;
pub mod http;
pub mod listen;
pub mod pace;
mod places;
pub mod private_file;
pub mod service;
pub mod storage;
pub mod tls;
