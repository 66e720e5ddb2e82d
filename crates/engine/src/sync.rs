//! Sending and fetching: `exchange` makes a request of what is in the store and takes the answer into it, without a clock or a network;
//! `schedule` says when to try next; `driver` is the loop that does both over the platform.

pub mod driver;
pub mod exchange;
pub mod schedule;
