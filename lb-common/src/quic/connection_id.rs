use super::block::Block;
use crate::frame::{Frame, Header};

/// Most octets of a connection ID (RFC 9000, 17.2).
pub const MAX_CONNECTION_ID_LEN: usize = 20;

/// Connection IDs of this codepoint name no server (3.2).
pub const UNROUTABLE: u8 = 7;

/// The connection ID that a packet is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionId {
    /// Its first octet (3.4).
    pub(super) first: u8,
    /// The octets behind the first one.
    pub(super) rest: Rest,
    /// How many octets it has, the first one included. Only a long header says so: behind a short one, the most that there can be.
    pub(super) len: u8,
    /// Whether the client may have made it up, as it does before it knows one of the server's: it is in an Initial or 0-RTT packet,
    /// or in a long header of an unknown version. It may still be one of the server's.
    pub may_be_client_chosen: bool,
}

/// What follows the first octet: 16 octets and then 3, as big-endian numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rest {
    pub(super) block: Block,
    pub(super) tail: u32,
}

/// The connection ID that the packet whose UDP payload begins at `payload` is sent to. `None` when the payload is shorter than any
/// packet that a client sends with a routable connection ID.
///
/// A packet with a short header has 21 octets besides its connection ID, or it could not be decrypted (RFC 9001, 5.4.2); one with a long
/// header has more. So the longest connection ID can be read even where a shorter one is, after one comparison of lengths. And a
/// frame with so much payload is longer than those that Ethernet pads.
#[inline(always)]
pub fn destination(frame: &Frame<'_>, payload: usize) -> Option<ConnectionId> {
    let short = frame.header::<ShortHeader>(payload)?;
    if short.first & LONG_HEADER == 0 {
        return Some(ConnectionId::from_octets(&short.destination, MAX_CONNECTION_ID_LEN as u8, false));
    }
    let long = frame.header::<LongHeader>(payload)?;
    let len = long.destination_len.min(MAX_CONNECTION_ID_LEN as u8);
    Some(ConnectionId::from_octets(&long.destination, len, may_be_client_chosen(long)))
}

/// The start of a packet with a short header (RFC 8999, 5.2).
#[repr(C)]
struct ShortHeader {
    first: u8,
    destination: Octets,
}

/// The start of a packet with a long header (RFC 8999, 5.1).
#[repr(C)]
struct LongHeader {
    first: u8,
    version: [u8; 4],
    destination_len: u8,
    destination: Octets,
}

/// A connection ID of the greatest length.
#[repr(C)]
struct Octets {
    first: u8,
    block: [u8; 16],
    tail: [u8; 3],
}

const _: () = assert!(size_of::<Octets>() == MAX_CONNECTION_ID_LEN);

// SAFETY: both are bytes alone.
unsafe impl Header for ShortHeader {}
// SAFETY: as above.
unsafe impl Header for LongHeader {}

const LONG_HEADER: u8 = 0x80;

#[inline(always)]
fn may_be_client_chosen(header: &LongHeader) -> bool {
    const VERSION_1: u32 = 1;
    const VERSION_2: u32 = 0x6b33_43cf;
    let packet_type = header.first >> 4 & 3;
    match u32::from_be_bytes(header.version) {
        // Initial and 0-RTT: RFC 9000, 17.2, and RFC 9369, 3.2.
        VERSION_1 => packet_type <= 1,
        VERSION_2 => packet_type == 1 || packet_type == 2,
        _ => true,
    }
}

impl ConnectionId {
    /// The connection ID of these octets, as a server would issue it. `None` when there are none or more than [`MAX_CONNECTION_ID_LEN`].
    pub fn new(octets: &[u8]) -> Option<Self> {
        let (&first, rest) = octets.split_first()?;
        let mut all = [0; MAX_CONNECTION_ID_LEN - 1];
        all.get_mut(..rest.len())?.copy_from_slice(rest);
        Some(Self { first, rest: Rest::from_octets(all), len: octets.len() as u8, may_be_client_chosen: false })
    }

    #[inline(always)]
    fn from_octets(octets: &Octets, len: u8, may_be_client_chosen: bool) -> Self {
        let [a, b, c] = octets.tail;
        let rest = Rest { block: Block::from_be_bytes(octets.block), tail: u32::from_be_bytes([0, a, b, c]) };
        Self { first: octets.first, rest, len, may_be_client_chosen }
    }

    /// The configuration that it is to be read by (3.1): 0 to 6, or [`UNROUTABLE`].
    #[inline(always)]
    pub fn codepoint(&self) -> u8 {
        self.first >> 5
    }

    /// Its octets and how many of them there are.
    pub fn octets(&self) -> ([u8; MAX_CONNECTION_ID_LEN], usize) {
        let mut octets = [self.first; MAX_CONNECTION_ID_LEN];
        octets[1..].copy_from_slice(&self.rest.octets());
        (octets, usize::from(self.len))
    }
}

impl Rest {
    pub(super) fn from_octets(octets: [u8; MAX_CONNECTION_ID_LEN - 1]) -> Self {
        let (mut block, mut tail) = ([0; 16], [0; 4]);
        block.copy_from_slice(&octets[..16]);
        tail[1..].copy_from_slice(&octets[16..]);
        Self { block: Block::from_be_bytes(block), tail: u32::from_be_bytes(tail) }
    }

    pub(super) fn octets(&self) -> [u8; MAX_CONNECTION_ID_LEN - 1] {
        let mut octets = [0; MAX_CONNECTION_ID_LEN - 1];
        octets[..16].copy_from_slice(&self.block.to_be_bytes());
        octets[16..].copy_from_slice(&self.tail.to_be_bytes()[1..]);
        octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// In front of the UDP payload.
    const HEADERS: usize = 42;

    /// The destination of the packet whose UDP payload is `first`, then `more`, then 28 octets.
    fn parse(first: &[u8], more: &[u8]) -> Option<ConnectionId> {
        let mut bytes = [&[0; HEADERS], first, more, &[0x77; 28]].concat();
        destination(&Frame::from_slice(&mut bytes), HEADERS)
    }

    #[test]
    fn a_short_header_has_the_longest_connection_id_that_may_be() {
        let octets: [u8; MAX_CONNECTION_ID_LEN] = core::array::from_fn(|at| at as u8 + 0xc0);
        let connection_id = parse(&[0x40], &octets).expect("a packet that is long enough");
        assert_eq!(connection_id.octets(), (octets, MAX_CONNECTION_ID_LEN));
        assert_eq!(connection_id, ConnectionId::new(&octets).expect("20 octets"));
        assert_eq!((connection_id.codepoint(), connection_id.may_be_client_chosen), (6, false));
    }

    #[test]
    fn a_long_header_says_how_long_it_is() {
        let octets: [u8; MAX_CONNECTION_ID_LEN] = core::array::from_fn(|at| at as u8);
        for (said, len) in [(0, 0), (1, 1), (8, 8), (20, 20), (21, 20), (255, 20)] {
            let connection_id = parse(&[0xe0, 0, 0, 0, 1, said], &octets).expect("a packet that is long enough");
            assert_eq!(connection_id.octets(), (octets, len));
        }
    }

    #[test]
    fn only_some_long_headers_may_be_sent_to_what_the_client_chose() {
        let types = |version: [u8; 4]| {
            let may_be = |packet_type: u8| {
                let [a, b, c, d] = version;
                parse(&[0xc0 | packet_type << 4, a, b, c, d, 8], &[]).map(|parsed| parsed.may_be_client_chosen)
            };
            [0, 1, 2, 3].map(may_be)
        };
        // Initial, 0-RTT, Handshake, Retry.
        assert_eq!(types([0, 0, 0, 1]), [Some(true), Some(true), Some(false), Some(false)]);
        // Retry, Initial, 0-RTT, Handshake.
        assert_eq!(types([0x6b, 0x33, 0x43, 0xcf]), [Some(false), Some(true), Some(true), Some(false)]);
        assert_eq!(types([0xfa; 4]), [Some(true); 4]);
    }

    #[test]
    fn a_cut_packet_has_no_destination() {
        for (first, needed) in [(0x40, 21), (0xc0, 26)] {
            for len in 0..30 {
                let mut bytes: Vec<u8> = [&[0; HEADERS][..], &[first; 30][..len]].concat();
                let found = destination(&Frame::from_slice(&mut bytes), HEADERS);
                assert_eq!(found.is_some(), len >= needed, "{len} octets that begin with {first:#x}");
            }
        }
    }

    #[test]
    fn a_connection_id_has_1_to_20_octets() {
        let len = |len| ConnectionId::new(&[1; 21][..len]).map(|connection_id| connection_id.octets().1);
        assert_eq!([len(0), len(1), len(20), len(21)], [None, Some(1), Some(20), None]);
    }
}
