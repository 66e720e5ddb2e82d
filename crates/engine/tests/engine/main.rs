//! The engine with real folders and real SQLite files; only clock, randomness and network are the test's, and the office is a small one in memory.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod conflicts;
mod doctor;
mod enrolment;
mod files;
mod history;
mod keys;
mod limits;
mod lists;
mod migration;
mod office;
mod receipts;
mod refusals;
mod rescue;
mod restoring;
mod rows;
mod saving;
mod schedule;
mod sending;
mod world;
