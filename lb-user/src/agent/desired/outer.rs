use lb_common::abi::Outer;
use lb_common::datapath::HOP_LIMIT;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Protocol inside of IPv4 and IPv6 with GUE: UDP.
const UDP: u8 = 17;

/// What a tunnel from an address of the prefix `source` to `destination` puts in front of packets: an IP header, with `port` also those of
/// UDP and GUE. Lengths, the protocol inside and what the flow decides are filled in for each packet.
pub(super) fn outer(source: (IpAddr, u8), destination: IpAddr, port: Option<u16>) -> Outer {
    let (prefix, bits) = source;
    let (mut bytes, spread) = match (prefix, destination) {
        (IpAddr::V4(prefix), IpAddr::V4(destination)) => (ipv4(prefix, destination, port), free_v4(bits)),
        (prefix, destination) => (ipv6(to_v6(prefix), to_v6(destination), port), free_v6(bits)),
    };
    if let Some(port) = port {
        let [high, low] = port.to_be_bytes();
        // Source port, destination port, length and checksum of UDP; version, protocol and flags of GUE.
        bytes.extend([0, 0, high, low, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
    let mut outer = Outer::NONE;
    for (word, pair) in outer.header.iter_mut().zip(bytes.chunks_exact(2)) {
        *word = u16::from_ne_bytes([pair[0], pair[1]]);
    }
    outer.spread = spread;
    outer
}

fn ipv4(source: Ipv4Addr, destination: Ipv4Addr, port: Option<u16>) -> Vec<u8> {
    let start = [0x45, 0, 0, 0, 0, 0, 0, 0, HOP_LIMIT, port.map_or(0, |_| UDP), 0, 0];
    [&start[..], &source.octets(), &destination.octets()].concat()
}

fn ipv6(source: Ipv6Addr, destination: Ipv6Addr, port: Option<u16>) -> Vec<u8> {
    let start = [0x60, 0, 0, 0, 0, 0, port.map_or(0, |_| UDP), HOP_LIMIT];
    [&start[..], &source.octets(), &destination.octets()].concat()
}

fn to_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// The bits behind a prefix of an IPv4 address, in memory order.
fn free_v4(bits: u8) -> [u16; 4] {
    let [a, b, c, d] = u32::MAX.checked_shr(bits.into()).unwrap_or(0).to_be_bytes();
    [u16::from_ne_bytes([a, b]), u16::from_ne_bytes([c, d]), 0, 0]
}

/// The bits behind a prefix of an IPv6 address among the last 64, in memory order.
fn free_v6(bits: u8) -> [u16; 4] {
    let free = u64::MAX.checked_shr(u32::from(bits).saturating_sub(64)).unwrap_or(0);
    let bytes = free.to_be_bytes();
    [0, 2, 4, 6].map(|at| u16::from_ne_bytes([bytes[at], bytes[at + 1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn an_ipv4_header_leaves_to_the_packet_what_is_the_packets() {
        let outer = outer((Ipv4Addr::new(172, 16, 0, 0).into(), 20), Ipv4Addr::new(10, 0, 0, 1).into(), None);
        let expected = [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 172, 16, 0, 0, 10, 0, 0, 1];
        assert_eq!(bytes(&outer.header)[..20], expected);
        assert!(bytes(&outer.header)[20..].iter().all(|&byte| byte == 0));
        assert_eq!(bytes(&outer.spread), [0, 0, 0x0f, 0xff, 0, 0, 0, 0]);
    }

    #[test]
    fn gue_over_ipv6_has_udp_behind_the_header() {
        let (source, destination) = ("fd00:1::", "2001:db8::1");
        let outer = outer((source.parse().unwrap(), 64), destination.parse().unwrap(), Some(6_080));
        let header = bytes(&outer.header);
        assert_eq!((header[0], header[6], header[7]), (0x60, 17, 64));
        assert_eq!(header[24..40], destination.parse::<Ipv6Addr>().unwrap().octets());
        assert_eq!(header[40..], [0, 0, 0x17, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(outer.spread, [0xffff; 4]);
    }

    #[test]
    fn an_address_alone_is_not_spread() {
        assert_eq!((free_v4(32), free_v6(128)), ([0; 4], [0; 4]));
        assert_eq!(bytes(&free_v6(120)), [0, 0, 0, 0, 0, 0, 0, 0xff]);
    }
}
