//! Who is let in, decided before a byte of the body is read. There are seats for those who wait for a slow network, and among them fewer
//! for those whose request is being worked on, so that each is answered soon; the rest is told at once to come later.

mod appointments;
mod rates;
mod tempo;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use lentera_domain::Timestamp;
use lentera_protocol::DeviceId;
use tokio::time::Instant;

use super::body::Paced;
use crate::pace::Pace;
use crate::places::{Place, Places};
use crate::service::Service;
use crate::storage::Storage;
use appointments::Appointments;
use rates::Rates;
use tempo::Tempo;

/// Requests to `/v1/sync` at one moment. Most wait for a slow network, so it is far above what could be worked on at once.
pub const SEATS: usize = 1024;
/// Of these, for one address.
pub const SEATS_PER_ADDRESS: usize = 256;
/// Requests to log in, to enrol and to see who the server is: they wait for passwords to be hashed and must not sit where work is brought.
pub const ACCOUNT_SEATS: usize = 128;
/// Of these, for one address.
pub const ACCOUNT_SEATS_PER_ADDRESS: usize = 64;
/// Pieces of work that wait for the storage; above this nobody is let in.
pub const LOAD_MAX: usize = 1024;
/// A request whose body pauses this long waits for its network, not for us.
pub const PATIENCE: Duration = Duration::from_millis(500);

/// Within this a request to `/v1/sync` has said who asks, which is all of its first frame.
pub const HEADER_TIME: Duration = Duration::from_secs(15);

/// What the gate holds back.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the constants say it")]
pub struct Limits {
    pub seats: usize,
    pub seats_per_address: usize,
    pub account_seats: usize,
    pub account_seats_per_address: usize,
    pub load: usize,
    /// Of the sender of a body.
    pub pace: Pace,
    pub patience: Duration,
    pub header: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            seats: SEATS,
            seats_per_address: SEATS_PER_ADDRESS,
            account_seats: ACCOUNT_SEATS,
            account_seats_per_address: ACCOUNT_SEATS_PER_ADDRESS,
            load: LOAD_MAX,
            pace: Pace::default(),
            patience: PATIENCE,
            header: HEADER_TIME,
        }
    }
}

/// The gate; clones are one.
#[derive(Clone, Debug)]
pub struct Gate {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: Limits,
    seats: Arc<Places>,
    account_seats: Arc<Places>,
    /// Requests being worked on.
    working: AtomicUsize,
    tempo: Mutex<Tempo>,
    appointments: Mutex<Appointments>,
    rates: Mutex<Rates>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Gate {
    /// A gate with these limits.
    pub fn new(limits: Limits) -> Self {
        let shared = Shared {
            limits,
            seats: Arc::new(Places::new(limits.seats, limits.seats_per_address)),
            account_seats: Arc::new(Places::new(limits.account_seats, limits.account_seats_per_address)),
            working: AtomicUsize::new(0),
            tempo: Mutex::new(Tempo::new(Instant::now())),
            appointments: Mutex::new(Appointments::new(Instant::now())),
            rates: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Ends when what was let in has ended, even if its connection is gone.
    pub async fn emptied(&self) {
        self.shared.seats.emptied().await;
        self.shared.account_seats.emptied().await;
    }

    /// A seat for a request that brings work.
    fn seat(&self, from: IpAddr) -> Option<Seat> {
        let shared = &self.shared;
        let place = shared.seats.take(from)?;
        let limit = lock(&shared.tempo).limit();
        let one_more = |working| if working < limit { Some(working + 1) } else { None };
        shared.working.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Seat::new(shared, place, true))
    }

    fn account_seat(&self, from: IpAddr) -> Option<Seat> {
        Some(Seat::new(&self.shared, self.shared.account_seats.take(from)?, false))
    }

    /// "Not now": the same few bytes for everybody but for the seconds, nothing signed.
    fn come_later(&self) -> Response {
        let gap = lock(&self.shared.tempo).gap();
        let seconds = lock(&self.shared.appointments).next(Instant::now(), gap);
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, HeaderValue::from(seconds))]).into_response()
    }
}

/// A request's seat, until it was answered and its body dropped.
#[derive(Debug)]
pub struct Seat {
    shared: Arc<Shared>,
    _place: Place,
    /// It brings work: its time is measured.
    brings_work: bool,
    /// It waits for its network now.
    rests: AtomicBool,
    /// It was answered with what it asked for.
    was_served: AtomicBool,
    since: Instant,
    /// Milliseconds that it waited for its network.
    waited: AtomicU64,
}

impl Seat {
    fn new(shared: &Arc<Shared>, place: Place, brings_work: bool) -> Self {
        let (rests, was_served, waited) = (AtomicBool::new(false), AtomicBool::new(false), AtomicU64::new(0));
        Self { shared: Arc::clone(shared), _place: place, brings_work, rests, was_served, since: Instant::now(), waited }
    }

    /// The network is slow: others may be worked on meanwhile.
    pub fn rest(&self) {
        if self.brings_work && !self.rests.swap(true, Ordering::Relaxed) {
            self.shared.working.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Something came, after so long.
    pub fn go_on(&self, waited: Duration) {
        self.waited.fetch_add(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        if self.brings_work && self.rests.swap(false, Ordering::Relaxed) {
            self.shared.working.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// It is answered with what it asked for: its time says something about the next ones. A refusal, which costs nearly nothing, does not.
    pub fn serve(&self) {
        self.was_served.store(true, Ordering::Relaxed);
    }

    /// Whether the device may ask once more now; else the seconds after which it may.
    pub fn may_ask(&self, device: DeviceId, now: Timestamp) -> Result<(), u32> {
        lock(&self.shared.rates).take(device, now)
    }

    /// How slow the sender may be.
    pub fn pace(&self) -> Pace {
        self.shared.limits.pace
    }

    /// How long the sender may take to say who asks.
    pub fn header_time(&self) -> Duration {
        self.shared.limits.header
    }

    /// How long the sender may pause and still be worked on.
    pub fn patience(&self) -> Duration {
        self.shared.limits.patience
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.brings_work {
            return;
        }
        let waited = Duration::from_millis(self.waited.load(Ordering::Relaxed));
        let took = self.since.elapsed().saturating_sub(waited);
        let working = if self.rests.load(Ordering::Relaxed) {
            self.shared.working.load(Ordering::Relaxed)
        } else {
            self.shared.working.fetch_sub(1, Ordering::Relaxed)
        };
        if self.was_served.load(Ordering::Relaxed) {
            lock(&self.shared.tempo).answered(took, working, Instant::now());
        }
    }
}

/// Gives the request a seat, or sends it away.
pub async fn admit<S: Storage>(State((gate, service)): State<(Gate, Arc<Service<S>>)>, request: Request, next: Next) -> Response {
    // Without a listener of ours, as in tests, nobody is another's neighbour.
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let from = from.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(from)| from.ip());
    let seat = match request.uri().path() {
        _ if service.load() >= gate.shared.limits.load => None,
        "/v1/sync" => gate.seat(from),
        _ => gate.account_seat(from),
    };
    let Some(seat) = seat.map(Arc::new) else { return gate.come_later() };
    let mut request = request.map(|body| axum::body::Body::new(Paced::new(body, Arc::clone(&seat))));
    request.extensions_mut().insert(Arc::clone(&seat));
    next.run(request).await
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn who_waits_for_the_network_keeps_a_seat_but_no_place_at_work() {
        let gate = Gate::default();
        let limit = lock(&gate.shared.tempo).limit();
        let seats: Vec<_> = (0..limit).map(|_| gate.seat(HERE).unwrap()).collect();
        assert!(gate.seat(HERE).is_none());
        seats[0].rest();
        seats[0].rest();
        let another = gate.seat(HERE).unwrap();
        assert!(gate.seat(HERE).is_none());
        seats[0].go_on(Duration::from_millis(900));
        drop((another, seats));
        assert_eq!(gate.shared.working.load(Ordering::Relaxed), 0);
        gate.emptied().await;
    }

    #[tokio::test]
    async fn only_answers_are_measured() {
        let gate = Gate::default();
        let limit = || lock(&gate.shared.tempo).limit();
        let first = limit();
        // A crowd, in which one after the other leaves and another comes.
        let mut crowd: VecDeque<_> = (0..first).map(|_| gate.seat(HERE).unwrap()).collect();
        let mut turns = |are_served: bool| {
            for _ in 0..1000 {
                let seat = crowd.pop_front().unwrap();
                if are_served {
                    seat.serve();
                }
                drop(seat);
                crowd.push_back(gate.seat(HERE).unwrap());
            }
        };
        turns(false);
        assert_eq!(limit(), first);
        turns(true);
        assert!(limit() > first);
    }

    #[tokio::test]
    async fn seats_end_for_all_and_for_one_address_and_log_ins_have_their_own() {
        let limits = Limits { seats: 6, seats_per_address: 2, account_seats: 2, ..Limits::default() };
        let gate = Gate::new(limits);
        let address = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
        let greedy: Vec<_> = (0..2).map(|_| gate.seat(address(1)).unwrap()).collect();
        greedy.iter().for_each(Seat::rest);
        assert!(gate.seat(address(1)).is_none());
        let others: Vec<_> = (2..6).map(|last| gate.seat(address(last)).unwrap()).collect();
        assert!(gate.seat(address(7)).is_none());
        let log_ins: Vec<_> = (1..3).map(|last| gate.account_seat(address(last)).unwrap()).collect();
        assert!(gate.account_seat(address(3)).is_none());
        drop((greedy, others, log_ins));
        gate.emptied().await;
        assert_eq!(gate.shared.working.load(Ordering::Relaxed), 0);
    }
}
