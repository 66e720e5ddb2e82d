//! Finds a short history that still goes wrong.

use super::Event;

/// Histories that are tried at most.
const TRIES_MAX: usize = 600;

/// Leaves out events, more at once first, as long as `fails` still holds (delta debugging, Zeller 2002).
pub fn shrink(events: &[Event], mut fails: impl FnMut(&[Event]) -> bool) -> Vec<Event> {
    let mut kept = events.to_vec();
    let mut size = kept.len().div_ceil(2);
    let mut tries = 0;
    while size > 0 && tries < TRIES_MAX {
        let mut start = 0;
        let mut was_shorter = false;
        while start < kept.len() && tries < TRIES_MAX {
            let end = (start + size).min(kept.len());
            let (before, after) = (kept.get(..start).unwrap_or_default(), kept.get(end..).unwrap_or_default());
            let shorter = [before, after].concat();
            tries += 1;
            if fails(&shorter) {
                kept = shorter;
                was_shorter = true;
            } else {
                start = end;
            }
        }
        if !was_shorter || size > 1 {
            size /= 2;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::{What, history};
    use super::*;

    #[test]
    fn only_what_matters_is_left() {
        let all = history(3, 4);
        let matter = |events: &[Event]| {
            let count = |what| events.iter().filter(|event| event.what == what).count();
            count(What::Sync) >= 2 && count(What::Note) >= 1
        };
        assert!(matter(&all));
        assert_eq!(shrink(&all, matter).len(), 3);
    }
}
