//! IPv4 packets with TCP, as far as the link must understand them.

use std::net::Ipv4Addr;

/// A connection begins.
pub const SYN: u8 = 2;
/// A connection ends here and now.
pub const RST: u8 = 4;

/// What a packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    pub source: (Ipv4Addr, u16),
    pub target: (Ipv4Addr, u16),
    pub sequence: u32,
    pub acknowledged: u32,
    pub flags: u8,
    pub payload: &'a [u8],
}

/// The TCP segment in an IPv4 packet; `None` for anything else.
pub fn read(packet: &[u8]) -> Option<Segment<'_>> {
    let (version, header) = packet.first().map(|byte| (byte >> 4, usize::from(byte & 15) * 4))?;
    let length = usize::from(u16::from_be_bytes(*packet.get(2..4)?.first_chunk()?));
    if version != 4 || *packet.get(9)? != 6 {
        return None;
    }
    let address = |at: usize| packet.get(at..)?.first_chunk::<4>().map(|bytes| Ipv4Addr::from(*bytes));
    let tcp = packet.get(header..length)?;
    let short = |at: usize| tcp.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
    let long = |at: usize| tcp.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
    Some(Segment {
        source: (address(12)?, short(0)?),
        target: (address(16)?, short(2)?),
        sequence: long(4)?,
        acknowledged: long(8)?,
        flags: *tcp.get(13)?,
        payload: tcp.get(usize::from(*tcp.get(12)? >> 4) * 4..)?,
    })
}

/// The packet that ends the connection for whoever sent `segment`: it claims to be from the other side and bears exactly the number that
/// the sender waits for, so that no system doubts it.
pub fn reset(segment: &Segment<'_>) -> Vec<u8> {
    let mut tcp = Vec::with_capacity(20);
    tcp.extend(segment.target.1.to_be_bytes());
    tcp.extend(segment.source.1.to_be_bytes());
    tcp.extend(segment.acknowledged.to_be_bytes());
    tcp.extend([0; 4]);
    tcp.extend([5 << 4, RST, 0, 0, 0, 0, 0, 0]);
    let (from, to) = (segment.target.0.octets(), segment.source.0.octets());
    let pseudo = [&from[..], &to[..], &[0, 6, 0, 20], &tcp].concat();
    set_checksum(&mut tcp, 16, checksum(&pseudo));
    let mut ip = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0];
    ip.extend(from);
    ip.extend(to);
    let sum = checksum(&ip);
    set_checksum(&mut ip, 10, sum);
    ip.extend(tcp);
    ip
}

fn set_checksum(bytes: &mut [u8], at: usize, sum: u16) {
    bytes.iter_mut().skip(at).zip(sum.to_be_bytes()).for_each(|(byte, of_sum)| *byte = of_sum);
}

/// The checksum of RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes
        .chunks(2)
        .map(|pair| u32::from(pair.first().copied().unwrap_or(0)) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)));
    let sum: u32 = words.sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_read_back_and_its_sums_hold() {
        let own = (Ipv4Addr::new(10, 77, 0, 1), 40_000);
        let other = (Ipv4Addr::new(10, 77, 0, 2), 443);
        let sent = Segment { source: own, target: other, sequence: 7, acknowledged: 0xfedc_ba98, flags: 16, payload: b"x" };
        let packet = reset(&sent);
        let read = read(&packet).unwrap();
        assert_eq!((read.source, read.target), (other, own));
        assert_eq!((read.sequence, read.flags, read.payload), (0xfedc_ba98, RST, &b""[..]));
        assert_eq!(checksum(&packet[..20]), 0);
        let pseudo = [&packet[12..20], &[0, 6, 0, 20], &packet[20..]].concat();
        assert_eq!(checksum(&pseudo), 0);
    }

    #[test]
    fn what_is_no_tcp_is_passed_over() {
        for packet in [&[][..], &[0x60; 60], &[0x45; 10], &[0x45; 60]] {
            assert_eq!(read(packet), None);
        }
    }
}
