//! Places, for connections or for requests: so many in all, and so many for one address, so that no neighbour takes them all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Who holds how many places.
#[derive(Debug)]
pub struct Places {
    all: usize,
    per_address: usize,
    held: Mutex<Held>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    neighbours: HashMap<IpAddr, (usize, Arc<Notify>)>,
}

/// A place; given back when dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    address: IpAddr,
    crowded: Arc<Notify>,
}

impl Places {
    /// So many places in all, and for one address.
    pub fn new(all: usize, per_address: usize) -> Self {
        Self { all, per_address, held: Mutex::default(), emptied: Notify::new() }
    }

    /// A place for somebody from there, or `None`. Where three quarters are taken, those who hold one and do nothing are asked to go.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = neighbour(address);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let here = held.neighbours.get(&address).map_or(0, |(count, _)| *count);
        // A proxy or a test on this machine speaks for many.
        let of_address = if address.is_loopback() { self.all } else { self.per_address };
        if is_crowded(held.all, self.all) {
            held.neighbours.values().for_each(|(_, crowded)| crowded.notify_waiters());
        } else if is_crowded(here, of_address)
            && let Some((_, crowded)) = held.neighbours.get(&address)
        {
            crowded.notify_waiters();
        }
        if held.all >= self.all || here >= of_address {
            return None;
        }
        held.all += 1;
        let (count, crowded) = held.neighbours.entry(address).or_default();
        *count += 1;
        Some(Place { places: Arc::clone(self), address, crowded: Arc::clone(crowded) })
    }

    /// Ends when nobody holds a place.
    pub async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.held.lock().unwrap_or_else(PoisonError::into_inner).all == 0 {
                return;
            }
            emptied.await;
        }
    }
}

impl Place {
    /// Told when places become few: who does nothing should go.
    pub fn crowded(&self) -> Arc<Notify> {
        Arc::clone(&self.crowded)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all = held.all.saturating_sub(1);
        if let Some((count, _)) = held.neighbours.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.neighbours.remove(&self.address);
            }
        }
        if held.all == 0 {
            self.places.emptied.notify_waiters();
        }
    }
}

const fn is_crowded(taken: usize, of: usize) -> bool {
    taken >= of - of / 4
}

/// What counts as one address: of IPv6 the network, since a household has 2⁶⁴ addresses.
fn neighbour(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_take_all_and_all_have_an_end() {
        let places = Arc::new(Places::new(8, 3));
        let greedy: Vec<_> = (0..3).map(|_| places.take(address("10.0.0.1")).unwrap()).collect();
        assert!(places.take(address("10.0.0.1")).is_none());
        assert!(places.take(address("::ffff:10.0.0.1")).is_none());
        let others: Vec<_> = (2..7).map(|last| places.take(address(&format!("10.0.0.{last}"))).unwrap()).collect();
        assert!(places.take(address("10.0.0.9")).is_none());
        drop(greedy);
        assert!(places.take(address("10.0.0.1")).is_some());
        drop(others);
        let held = places.held.lock().unwrap();
        assert_eq!((held.all, held.neighbours.len()), (0, 0));
    }

    #[test]
    fn a_network_is_one_address_and_this_machine_is_many() {
        let places = Arc::new(Places::new(8, 2));
        let network: Vec<_> = (1..3).map(|last| places.take(address(&format!("2001:db8::{last}"))).unwrap()).collect();
        assert!(places.take(address("2001:db8::ffff")).is_none());
        assert!(places.take(address("2001:db8:0:1::1")).is_some());
        let local: Vec<_> = (0..6).map(|_| places.take(address("127.0.0.1")).unwrap()).collect();
        assert!(places.take(address("::1")).is_none());
        drop((network, local));
    }

    #[tokio::test]
    async fn those_who_do_nothing_are_asked_to_go_before_the_last_place_is_taken() {
        let places = Arc::new(Places::new(100, 4));
        let idle = places.take(address("10.0.0.1")).unwrap();
        let other = places.take(address("10.0.0.2")).unwrap();
        let (told, not_told) = (idle.crowded(), other.crowded());
        let (mut told, mut not_told) = (Box::pin(told.notified()), Box::pin(not_told.notified()));
        assert!(!told.as_mut().enable() && !not_told.as_mut().enable());
        let more: Vec<_> = (0..2).map(|_| places.take(address("10.0.0.1")).unwrap()).collect();
        assert!(!told.as_mut().enable());
        assert!(places.take(address("10.0.0.1")).is_some());
        assert!(told.as_mut().enable() && !not_told.as_mut().enable());
        drop(more);
    }
}
