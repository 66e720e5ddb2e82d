//! The sync doctor: from plain facts to what stands in the way. Pure.

use lentera_api::view::{Attempt, Cause, Finding};
use lentera_domain::Timestamp;
use lentera_protocol::bundle::Boot;

use crate::store::identity::{Anchor, KeyState};

/// Free space below which the person is warned, in MB: room for some weeks of work, so that it is told before a save fails.
const DISK_LOW: u64 = 100;
/// A clock that differs by fewer minutes is right enough.
const CLOCK_MINUTES: i64 = 10;
/// Work that waits so long without a try was not sent because the app was not running, in milliseconds.
const HELD_BACK: i64 = 3 * 60 * 60_000;
/// So long after the app could run again that is worth telling, in milliseconds.
const HELD_BACK_TOLD: i64 = 24 * 60 * 60_000;

/// What is known.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// This device's clock.
    pub now: Timestamp,
    /// Its boot clock.
    pub boot: Option<Boot>,
    /// What the server told last.
    pub anchor: Option<Anchor>,
    /// Address of the server.
    pub address: &'a str,
    /// Whether there is a network.
    pub network: Option<bool>,
    /// Bytes that may still be written.
    pub free_space: Option<u64>,
    /// Whether the server takes this device's key.
    pub key_state: KeyState,
    /// The last tries, newest first.
    pub attempts: &'a [Attempt],
    /// When the next is due.
    pub next_attempt_at: Option<Timestamp>,
    /// Since when the oldest unsent work waits.
    pub waiting_since: Option<Timestamp>,
    /// Records that were refused.
    pub refused: u32,
    /// Things kept aside.
    pub kept_aside: u32,
    /// Records with fields to be settled.
    pub conflicts: u32,
    /// Records of which the server waits for a part of somebody else's.
    pub needing: u32,
    /// The database was rescued and the person has not seen it.
    pub rescued: bool,
}

/// What stands in the way or is worth knowing, the most important first.
pub fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let failed = facts.attempts.first().and_then(|attempt| attempt.failed);
    let address = || facts.address.to_owned();
    let mut findings = Vec::new();
    if matches!(facts.key_state, KeyState::Frozen | KeyState::Unknown) || failed == Some(Cause::LogInAgain) {
        findings.push(Finding::LogInAgain);
    }
    let clock = clock_minutes(facts);
    findings.extend(match failed {
        Some(Cause::Revoked) => Some(Finding::Revoked),
        Some(Cause::AppTooOld) => Some(Finding::AppTooOld),
        Some(Cause::Storage) => Some(Finding::StorageTrouble),
        _ => None,
    });
    let free_mb = facts.free_space.map(|bytes| bytes / 1_000_000);
    findings.extend(free_mb.filter(|free_mb| *free_mb < DISK_LOW).map(|free_mb| Finding::DiskLow { free_mb }));
    // A server on this very device needs no network.
    let no_network = facts.network == Some(false) && !is_loopback(facts.address);
    findings.extend(match failed {
        _ if no_network => Some(Finding::NoNetwork),
        Some(Cause::Unreachable) => Some(Finding::ServerUnreachable { since: last_answer(facts) }),
        Some(Cause::WrongAddress) => Some(Finding::WrongAddress { address: address() }),
        Some(Cause::NotOurServer) => Some(Finding::NotOurServer { address: address() }),
        Some(Cause::Busy) => Some(Finding::Busy { until: facts.next_attempt_at }),
        Some(Cause::BadAnswer) => Some(Finding::BadAnswer),
        Some(Cause::ClockWrong) if clock.is_none() => Some(Finding::ClockWrong { minutes: 0 }),
        _ => None,
    });
    findings.extend(clock.map(|minutes| Finding::ClockWrong { minutes }));
    if facts.refused > 0 {
        findings.push(Finding::Refused { records: facts.refused });
    }
    findings.extend(held_back(facts).map(|since| Finding::HeldBack { since }));
    if facts.needing > 0 {
        findings.push(Finding::NeedsOthers { records: facts.needing });
    }
    if facts.rescued {
        findings.push(Finding::Rescued);
    }
    if facts.conflicts > 0 {
        findings.push(Finding::Conflicts { records: facts.conflicts });
    }
    if facts.kept_aside > 0 {
        findings.push(Finding::KeptAside { count: facts.kept_aside });
    }
    findings
}

/// When the server last answered anything, by this device's clock where a try tells, else by its own.
fn last_answer(facts: &Facts<'_>) -> Option<Timestamp> {
    let answered = |attempt: &&Attempt| !matches!(attempt.failed, Some(Cause::Unreachable | Cause::Storage | Cause::ClockWrong));
    let tried = facts.attempts.iter().find(answered).map(|attempt| attempt.last);
    tried.or_else(|| facts.anchor.map(|anchor| anchor.time))
}

/// By how many minutes this device's clock is ahead of the server's, if by many and as far as can be told.
fn clock_minutes(facts: &Facts<'_>) -> Option<i64> {
    let anchor = facts.anchor?;
    let since = facts
        .boot
        .zip(anchor.boot)
        .filter(|(now, then)| now.id == then.id)
        .map(|(now, then)| now.millis.saturating_sub(then.millis));
    let minutes = match since.filter(|since| *since >= 0) {
        Some(since) => facts.now.millis().saturating_sub(anchor.time.plus_millis(since).millis()) / 60_000,
        // All that is sure after a restart: it is later than what the server told last.
        None => (facts.now.millis().saturating_sub(anchor.time.millis()) / 60_000).min(0),
    };
    (minutes.abs() >= CLOCK_MINUTES).then_some(minutes)
}

/// Since when unsent work waited without being tried, the last time that this happened.
fn held_back(facts: &Facts<'_>) -> Option<Timestamp> {
    let waiting_since = facts.waiting_since?;
    let ends = std::iter::once(facts.now).chain(facts.attempts.iter().map(|attempt| attempt.at));
    let starts = facts.attempts.iter().map(|attempt| attempt.last).chain([waiting_since]);
    let gaps = ends.zip(starts).map(|(end, start)| (end, start.max(waiting_since)));
    let long = |(end, start): &(Timestamp, Timestamp)| end.millis().saturating_sub(start.millis()) > HELD_BACK;
    let recent = |(end, _): &(Timestamp, Timestamp)| facts.now.millis().saturating_sub(end.millis()) < HELD_BACK_TOLD;
    gaps.take_while(recent).find(long).map(|(_, start)| start)
}

/// Whether an address leads to this device itself.
fn is_loopback(address: &str) -> bool {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let host = host
        .strip_prefix('[')
        .map_or_else(|| host.split(':').next().unwrap_or_default(), |rest| rest.split(']').next().unwrap_or_default());
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_399_200_000);
    const HOUR: i64 = 60 * 60_000;

    const fn facts<'a>() -> Facts<'a> {
        Facts {
            now: NOW,
            boot: None,
            anchor: None,
            address: "https://10.0.0.1:8311",
            network: None,
            free_space: None,
            key_state: KeyState::Good,
            attempts: &[],
            next_attempt_at: None,
            waiting_since: None,
            refused: 0,
            kept_aside: 0,
            conflicts: 0,
            needing: 0,
            rescued: false,
        }
    }

    const fn tried(at: i64, failed: Option<Cause>) -> Attempt {
        let at = NOW.plus_millis(at);
        Attempt { at, last: at, count: 1, failed, sent: 0, received: 0, millis: 0 }
    }

    #[test]
    fn all_well_finds_nothing() {
        assert_eq!(findings(&facts()), []);
        let attempts = [tried(-1000, None), tried(-2000, Some(Cause::Unreachable))];
        let well =
            Facts { attempts: &attempts, network: Some(true), free_space: Some(1 << 40), waiting_since: Some(NOW), ..facts() };
        assert_eq!(findings(&well), []);
    }

    #[test]
    fn no_network_and_no_server_are_told_apart_and_a_server_on_the_device_needs_no_network() {
        let attempts = [tried(-1000, Some(Cause::Unreachable)), tried(-HOUR, None)];
        let lost = Facts { attempts: &attempts, network: Some(false), ..facts() };
        assert_eq!(findings(&lost), [Finding::NoNetwork]);
        let since = Some(NOW.plus_millis(-HOUR));
        for (network, address) in [
            (Some(true), "https://10.0.0.1"),
            (None, "https://10.0.0.1"),
            (Some(false), "http://127.0.0.1:8311"),
            (Some(false), "https://localhost/x"),
            (Some(false), "http://[::1]:80/"),
        ] {
            let unreachable = Facts { network, address, ..lost.clone() };
            assert_eq!(findings(&unreachable), [Finding::ServerUnreachable { since }], "{address}");
        }
        assert_eq!(findings(&Facts { address: "http://127.evil.example", ..lost }), [Finding::NoNetwork]);
    }

    #[test]
    fn a_wrong_clock_is_told_by_the_boot_clock_and_otherwise_only_when_sure() {
        let boot = |id, millis| Some(Boot { id, millis });
        let anchor = |boot| Some(Anchor { time: NOW, boot });
        let of = |now: i64, boot, anchor| findings(&Facts { now: NOW.plus_millis(now), boot, anchor, ..facts() });
        assert_eq!(of(HOUR, boot(1, HOUR), anchor(boot(1, 0))), []);
        assert_eq!(of(3 * HOUR, boot(1, HOUR), anchor(boot(1, 0))), [Finding::ClockWrong { minutes: 120 }]);
        assert_eq!(of(-HOUR, boot(1, HOUR), anchor(boot(1, 0))), [Finding::ClockWrong { minutes: -120 }]);
        assert_eq!(of(3 * HOUR, boot(2, HOUR), anchor(boot(1, 0))), [], "it may well be three hours later");
        assert_eq!(of(-HOUR, boot(2, 0), anchor(boot(1, 0))), [Finding::ClockWrong { minutes: -60 }]);
        assert_eq!(of(-HOUR, None, anchor(None)), [Finding::ClockWrong { minutes: -60 }]);
        let unsafe_clock = [tried(0, Some(Cause::ClockWrong))];
        assert_eq!(findings(&Facts { attempts: &unsafe_clock, ..facts() }), [Finding::ClockWrong { minutes: 0 }]);
    }

    #[test]
    fn work_that_waited_while_the_app_did_not_run_is_told() {
        let attempts = [tried(-60_000, None), tried(-9 * HOUR, Some(Cause::Unreachable))];
        let waited =
            |since: i64| findings(&Facts { attempts: &attempts, waiting_since: Some(NOW.plus_millis(since)), ..facts() });
        assert_eq!(waited(-10 * HOUR), [Finding::HeldBack { since: NOW.plus_millis(-9 * HOUR) }]);
        assert_eq!(waited(-5 * HOUR), [Finding::HeldBack { since: NOW.plus_millis(-5 * HOUR) }]);
        assert_eq!(waited(-2 * HOUR), []);
        let reopened = Facts { attempts: &attempts[1..], waiting_since: Some(NOW.plus_millis(-8 * HOUR)), ..facts() };
        assert!(findings(&reopened).contains(&Finding::HeldBack { since: NOW.plus_millis(-8 * HOUR) }));
    }

    #[test]
    fn the_most_important_comes_first() {
        let attempts = [tried(0, Some(Cause::Revoked))];
        let all = findings(&Facts {
            key_state: KeyState::Frozen,
            attempts: &attempts,
            free_space: Some(5_000_000),
            refused: 2,
            kept_aside: 3,
            conflicts: 4,
            needing: 1,
            rescued: true,
            ..facts()
        });
        assert_eq!(
            all,
            [
                Finding::LogInAgain,
                Finding::Revoked,
                Finding::DiskLow { free_mb: 5 },
                Finding::Refused { records: 2 },
                Finding::NeedsOthers { records: 1 },
                Finding::Rescued,
                Finding::Conflicts { records: 4 },
                Finding::KeptAside { count: 3 },
            ]
        );
    }

    proptest! {
        #[test]
        fn no_clock_is_too_odd(now: i64, told: i64, booted: i64, then: i64, waiting: i64, tried_at: i64, last: i64) {
            let at = Timestamp::from_millis;
            let attempts = [Attempt { at: at(tried_at), last: at(last), ..tried(0, Some(Cause::Unreachable)) }];
            let boot = |millis: i64| Some(Boot { id: 1, millis });
            findings(&Facts {
                now: at(now),
                boot: boot(booted),
                anchor: Some(Anchor { time: at(told), boot: boot(then) }),
                attempts: &attempts,
                waiting_since: Some(at(waiting)),
                ..facts()
            });
        }
    }
}
