//! The threads between the two ends: one reads and one delivers in each direction.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tappers::linux::Tun;

use super::flow::Flow;
use super::packet::{self, SYN, Segment};
use super::{Cut, Terms};
use crate::dice::Dice;

/// Bytes that wait at most to be sent in one direction, as in a mast's queue; what comes then is lost.
const QUEUE: f64 = 64_000.0;
/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(86_400);

/// What passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the device.
    pub up: Way,
    /// To the device.
    pub down: Way,
    /// How often the link went dark by itself.
    pub blackouts: u32,
}

/// One direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// IP bytes given to the link, those that were lost too.
    pub bytes: u64,
    /// Packets given to it.
    pub packets: u64,
    /// Packets lost, whatever the cause.
    pub lost: u64,
}

impl Traffic {
    /// IP bytes of both directions.
    pub fn bytes(&self) -> u64 {
        self.up.bytes + self.down.bytes
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// The link between two TUN devices.
pub struct Wire {
    device: Tun,
    server: Tun,
    state: Mutex<State>,
}

struct State {
    terms: Terms,
    dice: Dice,
    /// When each direction has sent what waits.
    free: [Instant; 2],
    traffic: Traffic,
    flows: BTreeMap<u16, Flow>,
    /// Bytes delivered since it was last dark.
    since_dark: u64,
    dark_until: Option<Instant>,
    /// The device's system knew of the last cut.
    told: bool,
}

impl Wire {
    pub fn join(device: Tun, server: Tun, seed: u64, terms: Terms) -> Arc<Self> {
        let state = State {
            terms,
            dice: Dice::new(seed),
            free: [Instant::now(); 2],
            traffic: Traffic::default(),
            flows: BTreeMap::new(),
            since_dark: 0,
            dark_until: None,
            told: false,
        };
        let wire = Arc::new(Self { device, server, state: Mutex::new(state) });
        for direction in [Direction::Up, Direction::Down] {
            let (sender, receiver) = channel();
            let (reading, delivering) = (Arc::clone(&wire), Arc::clone(&wire));
            thread::spawn(move || reading.read(direction, &sender));
            thread::spawn(move || delivering.deliver(direction, &receiver));
        }
        wire
    }

    pub fn set(&self, terms: Terms) {
        let mut state = self.state();
        state.terms = terms;
        state.since_dark = 0;
    }

    pub fn darken(&self) {
        self.state().dark_until = Some(Instant::now() + FOR_EVER);
    }

    pub fn lighten(&self) {
        self.state().dark_until = None;
    }

    /// Ends the connections there are.
    pub fn cut(&self, cut: Cut) {
        let resets = self.state().cut(cut);
        for reset in resets {
            let _ = self.device.send(&reset);
        }
    }

    pub fn traffic(&self) -> Traffic {
        self.state().traffic
    }

    pub fn flows(&self) -> Vec<Flow> {
        let mut flows: Vec<_> = self.state().flows.values().filter(|flow| flow.bytes > 0).cloned().collect();
        flows.sort_by_key(|flow| flow.opened);
        flows
    }

    pub fn forget(&self) {
        let mut state = self.state();
        state.traffic = Traffic::default();
        state.flows.values_mut().for_each(Flow::forget);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes packets from one end until its device is gone.
    fn read(&self, direction: Direction, sender: &Sender<(Instant, Vec<u8>)>) {
        let mut buffer = vec![0; 65_536];
        let from = if direction == Direction::Up { &self.device } else { &self.server };
        while let Ok(length) = from.recv(&mut buffer) {
            let packet = buffer.get(..length).unwrap_or_default();
            let taken = self.state().take(direction, packet, Instant::now());
            match taken {
                Taken::Lost => {}
                Taken::Due(at) => {
                    if sender.send((at, packet.to_vec())).is_err() {
                        return;
                    }
                }
                // The device's own system ends the connection.
                Taken::Refused(reset) => {
                    let _ = self.device.send(&reset);
                }
            }
        }
    }

    /// Gives packets to the other end when they are due.
    fn deliver(&self, direction: Direction, receiver: &Receiver<(Instant, Vec<u8>)>) {
        let to = if direction == Direction::Up { &self.server } else { &self.device };
        while let Ok((at, packet)) = receiver.recv() {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            let resets = match self.state().pass(direction, &packet, Instant::now()) {
                Passed::Lost => continue,
                Passed::Delivered => {
                    // An end that is gone takes nothing.
                    let _ = to.send(&packet);
                    continue;
                }
                Passed::WentDark(resets) => resets,
            };
            for reset in resets {
                let _ = self.device.send(&reset);
            }
        }
    }
}

enum Taken {
    Lost,
    Due(Instant),
    Refused(Vec<u8>),
}

enum Passed {
    Lost,
    Delivered,
    /// And these packets tell the device.
    WentDark(Vec<Vec<u8>>),
}

impl State {
    /// A packet comes to the link.
    fn take(&mut self, direction: Direction, packet: &[u8], now: Instant) -> Taken {
        let segment = packet::read(packet);
        let way = if direction == Direction::Up { &mut self.traffic.up } else { &mut self.traffic.down };
        way.bytes += packet.len() as u64;
        way.packets += 1;
        let flow = segment.as_ref().map(|segment| self.observe(direction, segment, packet.len(), now));
        let told = self.told;
        let taken = if flow.is_some_and(|dead| dead) {
            match segment {
                Some(segment) if direction == Direction::Up && told => Taken::Refused(packet::reset(&segment)),
                _ => Taken::Lost,
            }
        } else if self.is_dark(now) || (self.dice.below(1_000_000) as f64) < self.terms.loss_percent * 10_000.0 {
            Taken::Lost
        } else {
            self.queue(direction, packet.len(), now).map_or(Taken::Lost, Taken::Due)
        };
        if !matches!(taken, Taken::Due(_)) {
            let way = if direction == Direction::Up { &mut self.traffic.up } else { &mut self.traffic.down };
            way.lost += 1;
        }
        taken
    }

    /// Notes what the packet says of its connection; whether that is dead.
    fn observe(&mut self, direction: Direction, segment: &Segment<'_>, length: usize, now: Instant) -> bool {
        let port = if direction == Direction::Up { segment.source.1 } else { segment.target.1 };
        let begins = direction == Direction::Up && segment.flags & SYN != 0;
        // A port used again is another connection; the first word said twice is not.
        if begins && self.flows.get(&port).is_some_and(|flow| flow.is_over_with(segment)) {
            self.flows.remove(&port);
        }
        let flow = self.flows.entry(port).or_insert_with(|| Flow::new(port, now));
        match direction {
            Direction::Up => flow.sent(segment, length, now),
            Direction::Down => flow.answered(length),
        }
        flow.dead
    }

    /// When a packet of this length will have come; `None` where the queue is full.
    fn queue(&mut self, direction: Direction, length: usize, now: Instant) -> Option<Instant> {
        let [up, down] = &mut self.free;
        let free = if direction == Direction::Up { up } else { down };
        let bytes_per_second = f64::from(self.terms.rate_kbit) * 125.0;
        if bytes_per_second > 0.0 {
            if free.saturating_duration_since(now).as_secs_f64() * bytes_per_second > QUEUE {
                return None;
            }
            *free = (*free).max(now) + Duration::from_secs_f64(length as f64 / bytes_per_second);
        } else {
            *free = now;
        }
        Some(*free + self.terms.delay)
    }

    /// A packet reaches the other end, unless the link is dark by now or goes dark with it.
    fn pass(&mut self, direction: Direction, packet: &[u8], now: Instant) -> Passed {
        let segment = packet::read(packet);
        let port = segment.map(|segment| if direction == Direction::Up { segment.source.1 } else { segment.target.1 });
        let dead = port.and_then(|port| self.flows.get(&port)).is_some_and(|flow| flow.dead);
        let passed = if dead || self.is_dark(now) {
            Passed::Lost
        } else {
            self.since_dark += packet.len() as u64;
            match self.terms.blackout {
                Some(blackout) if self.since_dark > blackout.every_bytes => {
                    self.since_dark = 0;
                    self.dark_until = Some(now + blackout.lasts);
                    self.traffic.blackouts += 1;
                    Passed::WentDark(self.cut(blackout.cut))
                }
                _ => Passed::Delivered,
            }
        };
        if !matches!(passed, Passed::Delivered) {
            let way = if direction == Direction::Up { &mut self.traffic.up } else { &mut self.traffic.down };
            way.lost += 1;
        } else if direction == Direction::Down
            && let (Some(segment), Some(port)) = (segment, port)
            && let Some(flow) = self.flows.get_mut(&port)
        {
            flow.delivered(&segment, now);
        }
        passed
    }

    /// Ends all connections; the packets that tell the device, if it is to be told.
    fn cut(&mut self, cut: Cut) -> Vec<Vec<u8>> {
        if cut == Cut::Pause {
            return Vec::new();
        }
        self.told = cut == Cut::Told;
        let alive = self.flows.values_mut().filter(|flow| !flow.dead);
        let resets = alive.filter_map(|flow| {
            flow.dead = true;
            flow.last().map(packet::reset)
        });
        let resets: Vec<_> = resets.collect();
        if self.told { resets } else { Vec::new() }
    }

    fn is_dark(&self, now: Instant) -> bool {
        self.dark_until.is_some_and(|until| now < until)
    }
}
