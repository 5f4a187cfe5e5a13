//! Several packets, and the time between them, as one input.

use lb_common::abi::Ticks;
use std::iter;

/// What is between two packets. With this instead of lengths in front of them, bytes that the fuzzer inserts into one packet, or takes
/// away, leave the others as they were.
const NEXT: &[u8] = b"\xff<>\xff";

/// The packets in `input`, each with the time before it.
pub fn packets(input: &[u8]) -> impl Iterator<Item = (Ticks, &[u8])> {
    let mut rest = Some(input);
    iter::from_fn(move || {
        let here = rest?;
        let end = here.windows(NEXT.len()).position(|window| window == NEXT);
        rest = end.map(|end| &here[end + NEXT.len()..]);
        let (wait, frame) = here[..end.unwrap_or(here.len())].split_first().unwrap_or((&0, &[]));
        Some((Ticks::from(*wait), frame))
    })
}

/// The input with these packets. A longer time than 255 ticks is as good as that.
pub fn input<'f>(packets: impl IntoIterator<Item = (Ticks, &'f [u8])>) -> Vec<u8> {
    let packets = packets.into_iter().map(|(wait, frame)| {
        let wait = u8::try_from(wait).unwrap_or(u8::MAX);
        [&[wait], frame].concat()
    });
    packets.collect::<Vec<_>>().join(NEXT)
}

/// The frame with a VLAN tag; `None` for one that ends in its Ethernet header, or has a tag already.
pub fn tagged(frame: &[u8]) -> Option<Vec<u8>> {
    const TAG: [u8; 4] = [0x81, 0x00, 0x00, 0x64];
    let (addresses, rest) = frame.split_at_checked(12)?;
    let ether_type = rest.first_chunk()?;
    (![[0x81, 0x00], [0x88, 0xa8]].contains(ether_type)).then(|| [addresses, &TAG, rest].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out() {
        let traffic: [(Ticks, &[u8]); 4] = [(0, b"one"), (255, b""), (7, b"\xff<three>\xff"), (0, b"four")];
        assert_eq!(packets(&input(traffic)).collect::<Vec<_>>(), traffic);
    }

    #[test]
    fn every_input_is_traffic() {
        assert_eq!(packets(b"").collect::<Vec<_>>(), [(0, &b""[..])]);
        assert_eq!(packets(b"\x05a\xff<>\xff\xff<>\xff\x06").collect::<Vec<_>>(), [(5, &b"a"[..]), (0, b""), (6, b"")]);
    }
}
