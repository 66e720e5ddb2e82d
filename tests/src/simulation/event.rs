//! What can happen. An event holds all of its own dice, so that a history is still a history when some of it is left out.

use std::fmt;
use std::str::FromStr;

use crate::dice::Dice;

macro_rules! happenings {
    ($($(#[$doc:meta])+ $name:literal $variant:ident $weight:literal;)*) => {
        /// A kind of event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum What { $($(#[$doc])+ $variant),* }

        impl What {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name in a history.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// How often it happens, beside the others.
            const fn weight(self) -> u64 {
                match self { $(Self::$variant => $weight),* }
            }
        }
    };
}

happenings! {
    /// An activity is noted.
    "note" Note 28;
    /// An activity of one's own is edited.
    "edit" Edit 20;
    /// An activity is cancelled, or the cancellation taken back.
    "cancel" Cancel 6;
    /// An enterprise is registered.
    "register" Register 8;
    /// An enterprise is edited, by whoever sees it.
    "amend" Amend 26;
    /// A visit is recorded.
    "visit" Visit 8;
    /// A visit with notes so long that they travel in parts.
    "tell" Tell 4;
    /// A conflict is settled.
    "settle" Settle 6;
    /// A form is left half filled in.
    "draft" Draft 4;
    /// The person has dealt with a refused change.
    "dismiss" Dismiss 2;

    /// All is sent and fetched.
    "sync" Sync 48;
    /// A request does not reach the server.
    "lost-request" LostRequest 5;
    /// The server's answer does not reach the device.
    "lost-answer" LostAnswer 9;
    /// The connection breaks in the middle of the request.
    "cut-body" CutBody 9;
    /// A request reaches the server twice.
    "twice" Twice 6;
    /// A request is held up on its way; the device sees none of it.
    "held-up" HeldUp 6;
    /// Requests that were held up reach the server now, in any order.
    "arrive" Arrive 6;
    /// The device gets an earlier answer instead of its own.
    "stale-answer" StaleAnswer 2;
    /// Something else answers, or the answer is changed on its way.
    "false-answer" FalseAnswer 2;

    /// The device's power will go at one of its next writes.
    "cut-device" CutDevice 10;
    /// The server's power will go at one of its next writes.
    "cut-server" CutServer 8;
    /// The device's app ends and starts again.
    "restart-device" RestartDevice 4;
    /// The server's program ends and starts again.
    "restart-server" RestartServer 2;
    /// The device's disk is full for one event.
    "full-device" FullDevice 2;
    /// The server's disk is full for one exchange.
    "full-server" FullServer 2;

    /// The server's database is backed up.
    "back-up" BackUp 3;
    /// The server's database is replaced by its last backup.
    "restore" Restore 3;
    /// The device's disk is copied.
    "image" Image 3;
    /// The device's disk is replaced by its last copy.
    "set-back" SetBack 2;
    /// The device's disk and its last copy change places, as if two devices had one key.
    "twin" Twin 3;
    /// A piece of the device's database is overwritten with rubbish.
    "damage" Damage 2;
    /// The device is emptied and enrolled anew, if all had arrived.
    "reinstall" Reinstall 1;
    /// The server withdraws the device.
    "revoke" Revoke 1;

    /// The server's program ends twice while it examines a change of the device's that is yet to be sent: it will not examine it again.
    "poison" Poison 2;

    /// The person moves to another unit.
    "move-person" MovePerson 2;
    /// An enterprise is given to another unit.
    "move-umkm" MoveUmkm 2;
    /// The device's clock jumps by years, or the device starts anew.
    "device-clock" DeviceClock 4;
    /// The server's clock jumps.
    "server-clock" ServerClock 2;

    /// What is unsent goes as a file to a colleague's device.
    "file" File 4;
    /// Receipts of others' files go back as a file.
    "file-back" FileBack 4;
    /// The person logs in again, where that is asked for.
    "log-in-again" LogInAgain 4;
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its kind.
    pub what: What,
    /// Which device it happens to, or on.
    pub device: usize,
    /// The seed of its own dice.
    pub pick: u32,
}

impl Event {
    /// Its dice.
    pub fn dice(&self) -> Dice {
        Dice::new((u64::from(self.pick) << 8) | self.device as u64)
    }
}

/// The history of a seed, for so many devices. Each seed leaves out some kinds of events altogether, so that what they would hide
/// comes to light, and has more of others, so that rare ones meet.
pub fn history(seed: u64, devices: usize) -> Vec<Event> {
    let mut dice = Dice::new(seed);
    let weights: Vec<_> = What::ALL
        .iter()
        .map(|what| {
            let is_always = matches!(what, What::Note | What::Edit | What::Amend | What::Register | What::Sync);
            let share = match dice.below(9) {
                0..3 if !is_always => 0,
                3 => 6,
                _ => 1,
            };
            (*what, what.weight() * share)
        })
        .collect();
    let all: u64 = weights.iter().map(|(_, weight)| weight).sum();
    let length = 20 + dice.below(80);
    (0..length)
        .map(|_| {
            let mut at = dice.below(all);
            let what = weights.iter().find(|(_, weight)| {
                let found = at < *weight;
                at = at.saturating_sub(*weight);
                found
            });
            let device = usize::try_from(dice.below(devices as u64)).unwrap_or_default();
            Event { what: what.map_or(What::Sync, |(what, _)| *what), device, pick: dice.below(1 << 32) as u32 }
        })
        .collect()
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{:x}", self.what.name(), self.device, self.pick)
    }
}

impl FromStr for Event {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (name, rest) = text.split_once('.')?;
            let (device, pick) = rest.split_once('.')?;
            let what = What::ALL.iter().find(|what| what.name() == name)?;
            Some(Self { what: *what, device: device.parse().ok()?, pick: u32::from_str_radix(pick, 16).ok()? })
        };
        read().ok_or_else(|| anyhow::anyhow!("no event: {text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_its_seeds_and_is_read_back() {
        let all = history(7, 4);
        assert_eq!(all, history(7, 4));
        assert_ne!(all, history(8, 4));
        let text: Vec<String> = all.iter().map(ToString::to_string).collect();
        let read: Vec<Event> = text.iter().map(|event| event.parse().unwrap()).collect();
        assert_eq!(read, all);
        for wrong in ["", "note", "note.x.1", "dance.0.1", "note.0.xyz"] {
            assert!(wrong.parse::<Event>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_kind_happens() {
        let mut seen = std::collections::HashSet::new();
        (0..400).for_each(|seed| seen.extend(history(seed, 4).into_iter().map(|event| event.what)));
        assert_eq!(seen.len(), What::ALL.len());
    }
}
