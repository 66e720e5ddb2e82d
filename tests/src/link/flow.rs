//! What is seen of one connection from outside, without opening its encryption.

use std::time::Instant;

use super::packet::{SYN, Segment};

/// TLS records of handshake, and of anything encrypted.
const HANDSHAKE: u8 = 22;
const ENCRYPTED: u8 = 23;

/// One connection of the device's.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The device's port.
    pub port: u16,
    /// When it was opened.
    pub opened: Instant,
    /// When the first byte of the first request since [`super::Link::forget`] left the device.
    pub request_at: Option<Instant>,
    /// When the server's last byte was delivered to the device.
    pub answered_at: Option<Instant>,
    /// IP bytes both ways, those that were lost too.
    pub bytes: u64,
    /// Of them, those of the TLS handshake: from the client's first word to before the first byte of a request.
    pub tls_bytes: u64,
    /// Bytes of the device's requests as TCP carries them, with TLS's own framing, once each.
    pub request_bytes: u64,
    /// It will carry nothing any more: the link went dark under it.
    pub dead: bool,
    next: u32,
    records: Records,
    last: Option<Segment<'static>>,
}

impl Flow {
    pub(super) fn new(port: u16, now: Instant) -> Self {
        Self {
            port,
            opened: now,
            request_at: None,
            answered_at: None,
            bytes: 0,
            tls_bytes: 0,
            request_bytes: 0,
            dead: false,
            next: 0,
            records: Records::default(),
            last: None,
        }
    }

    /// Counts from zero.
    pub(super) fn forget(&mut self) {
        (self.bytes, self.tls_bytes, self.request_bytes) = (0, 0, 0);
        (self.request_at, self.answered_at) = (None, None);
    }

    /// A packet of the device's. It comes straight from its TCP: in order, and again only what was lost.
    pub(super) fn sent(&mut self, segment: &Segment<'_>, length: usize, now: Instant) {
        if segment.flags & SYN != 0 {
            self.next = segment.sequence.wrapping_add(1);
        }
        let known = self.next.wrapping_sub(segment.sequence);
        let new = segment.payload.get(known as usize..).unwrap_or_default();
        if !new.is_empty() {
            self.next = self.next.wrapping_add(u32::try_from(new.len()).unwrap_or(0));
            let requested = self.records.take(new);
            self.request_bytes += requested;
            if requested > 0 {
                self.request_at.get_or_insert(now);
            }
        }
        self.last = Some(Segment { payload: &[], ..*segment });
        self.count(length);
    }

    /// Whether a segment that begins a connection begins another than this one.
    pub(super) fn is_over_with(&self, begins: &Segment<'_>) -> bool {
        self.dead || self.next != begins.sequence.wrapping_add(1)
    }

    /// The device's last segment.
    pub(super) const fn last(&self) -> Option<&Segment<'static>> {
        self.last.as_ref()
    }

    /// A packet of the server's.
    pub(super) fn answered(&mut self, length: usize) {
        self.count(length);
    }

    /// A packet of the server's has come.
    pub(super) fn delivered(&mut self, segment: &Segment<'_>, now: Instant) {
        if !segment.payload.is_empty() {
            self.answered_at = Some(now);
        }
    }

    fn count(&mut self, length: usize) {
        self.bytes += length as u64;
        if self.records.shakes_hands() {
            self.tls_bytes += length as u64;
        }
    }
}

/// TLS records as they go by; or none, where the connection is not encrypted.
#[derive(Clone, Debug, Default)]
struct Records {
    /// First byte of the connection.
    first: Option<u8>,
    /// The head of the next record, as far as it is here.
    head: Vec<u8>,
    /// Bytes that are left of the present record.
    left: usize,
    /// Encrypted records begun: the first of TLS 1.3 ends the handshake, the second begins a request.
    encrypted: u32,
}

impl Records {
    /// Takes the next bytes; how many of them belong to requests.
    fn take(&mut self, mut bytes: &[u8]) -> u64 {
        self.first = self.first.or(bytes.first().copied());
        if self.first != Some(HANDSHAKE) {
            return bytes.len() as u64;
        }
        let mut requested = 0;
        while let Some((byte, rest)) = bytes.split_first() {
            if self.left > 0 {
                let (record, rest) = bytes.split_at_checked(self.left).unwrap_or((bytes, &[]));
                self.left -= record.len();
                requested += if self.encrypted > 1 { record.len() as u64 } else { 0 };
                bytes = rest;
                continue;
            }
            self.head.push(*byte);
            bytes = rest;
            if let [kind, _, _, high, low] = *self.head.as_slice() {
                self.left = usize::from(u16::from_be_bytes([high, low]));
                self.encrypted += u32::from(kind == ENCRYPTED);
                requested += if self.encrypted > 1 { 5 } else { 0 };
                self.head.clear();
            }
        }
        requested
    }

    /// Between the client's first word and its first request.
    fn shakes_hands(&self) -> bool {
        self.first == Some(HANDSHAKE) && self.encrypted < 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, length: u16) -> Vec<u8> {
        let mut bytes = vec![kind, 3, 3];
        bytes.extend(length.to_be_bytes());
        bytes.extend(vec![0; usize::from(length)]);
        bytes
    }

    #[test]
    fn only_what_follows_the_handshake_is_a_request() {
        // Hello, change of cipher, finished, then two records of requests.
        let bytes = [record(22, 300), record(20, 1), record(23, 53), record(23, 400), record(23, 90)].concat();
        for piece in [1, 7, 64, 1000] {
            let mut records = Records::default();
            let requested: u64 = bytes.chunks(piece).map(|chunk| records.take(chunk)).sum();
            assert_eq!(requested, 405 + 95, "in pieces of {piece}");
        }
        let mut plain = Records::default();
        assert_eq!(plain.take(b"POST /v1/sync"), 13);
        assert!(!plain.shakes_hands());
    }
}
