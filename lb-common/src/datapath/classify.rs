//! What kind of frame comes in, for the counters by protocol.

use super::parse::{Family, Link, is_tag};
use super::shortcut::{NETWORK, TRANSPORT};
use crate::abi::{LinkKind, NetworkKind, TrafficClass, TransportKind};
use crate::frame::Frame;
use crate::tables::Counters;
use crate::verdict::{Passed, Verdict};
use crate::wire::{Ethernet, Ipv4, Ipv6, Tcp, ether_type, protocol};

/// Counts `frame` by its class, and returns how many of that class there were.
#[inline(always)]
pub fn count_frame<C: Counters>(counters: &C, frame: &Frame<'_>) -> u64 {
    counters.count_class(classify(frame), frame.len() as u64)
}

/// The class of a frame like most: plain IPv4, UDP or TCP amid a connection. Whatever else it is takes going through its headers.
#[inline(always)]
pub(super) fn glance(frame: &Frame<'_>) -> Option<TrafficClass> {
    let ethernet = frame.header::<Ethernet>(0)?;
    let ipv4 = frame.header::<Ipv4>(NETWORK)?;
    if ethernet.ether_type != ether_type::IPV4 || !ipv4.is_plain() {
        return None;
    }
    let transport = match ipv4.protocol {
        protocol::TCP => segment(frame.header::<Tcp>(TRANSPORT)?),
        protocol::UDP => TransportKind::Udp,
        _ => return None,
    };
    let is_amid = matches!(transport, TransportKind::Tcp | TransportKind::Udp);
    is_amid.then_some(TrafficClass::new(LinkKind::Ethernet, NetworkKind::V4, transport))
}

#[inline(always)]
fn classify(frame: &Frame<'_>) -> TrafficClass {
    let ether_type = frame.header::<Ethernet>(0).map(|ethernet| ethernet.ether_type);
    let link = if ether_type.is_some_and(is_tag) { LinkKind::Vlan } else { LinkKind::Ethernet };
    let (network, transport) = match Link::parse(frame) {
        Ok(Link { family: Family::V4, network, .. }) => (NetworkKind::V4, v4(frame, network)),
        Ok(Link { family: Family::V6, network, .. }) => (NetworkKind::V6, v6(frame, network)),
        Err(Verdict::Passed(Passed::NotIp)) if ether_type == Some(ether_type::ARP) => {
            (NetworkKind::Arp, TransportKind::Other)
        }
        Err(_) => (NetworkKind::Other, TransportKind::Other),
    };
    TrafficClass::new(link, network, transport)
}

#[inline(always)]
fn v4(frame: &Frame<'_>, network: usize) -> TransportKind {
    let Some(ipv4) = frame.header::<Ipv4>(network) else { return TransportKind::Other };
    // Of a packet in pieces, the first has the flags; but who sends pieces of TCP has other worries.
    let begins = (!ipv4.is_fragment()).then(|| network + ipv4.header_len());
    transport(frame, ipv4.protocol, begins)
}

#[inline(always)]
fn v6(frame: &Frame<'_>, network: usize) -> TransportKind {
    let Some(ipv6) = frame.header::<Ipv6>(network) else { return TransportKind::Other };
    transport(frame, ipv6.next_header, Some(network + Ipv6::LEN))
}

/// The class of a packet of this IP protocol, whose header begins there if it has one.
#[inline(always)]
fn transport(frame: &Frame<'_>, number: u8, begins: Option<usize>) -> TransportKind {
    match number {
        protocol::TCP => begins.and_then(|at| frame.header::<Tcp>(at)).map_or(TransportKind::Tcp, segment),
        protocol::UDP => TransportKind::Udp,
        protocol::ICMP | protocol::ICMPV6 => TransportKind::Icmp,
        protocol::SCTP => TransportKind::Sctp,
        protocol::IPV4 | protocol::IPV6 => TransportKind::Tunnel,
        _ => TransportKind::Other,
    }
}

#[inline(always)]
fn segment(tcp: &Tcp) -> TransportKind {
    if tcp.flags & (Tcp::SYN | Tcp::FIN | Tcp::RST) == 0 {
        TransportKind::Tcp
    } else if tcp.flags & Tcp::RST != 0 {
        TransportKind::TcpRst
    } else if tcp.flags & Tcp::SYN != 0 {
        TransportKind::TcpSyn
    } else {
        TransportKind::TcpFin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    /// A frame of IPv4, more or less, as a rule one that can be told at a glance.
    fn frames() -> impl Strategy<Value = Vec<u8>> {
        let ether_type = prop_oneof![8 => Just([0x08, 0x00]), 1 => Just([0x81, 0x00]), 1 => any::<[u8; 2]>()];
        let version_ihl = prop_oneof![8 => Just(0x45_u8), 2 => any::<u8>()];
        let fragment = prop_oneof![8 => Just([0x40, 0x00]), 2 => any::<[u8; 2]>()];
        let number = prop_oneof![6 => Just(protocol::TCP), 2 => Just(protocol::UDP), 2 => any::<u8>()];
        let len = prop_oneof![4 => Just(60_usize), 2 => 0_usize..60];
        (ether_type, version_ihl, fragment, number, len, any::<[u8; 20]>()).prop_map(
            |(ether_type, version_ihl, fragment, number, len, header)| {
                let mut frame = vec![0; 60];
                frame[12..14].copy_from_slice(&ether_type);
                frame[NETWORK] = version_ihl;
                frame[NETWORK + 6..NETWORK + 8].copy_from_slice(&fragment);
                frame[NETWORK + 9] = number;
                frame[TRANSPORT..TRANSPORT + 20].copy_from_slice(&header);
                frame.truncate(len);
                frame
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_glance_sees_what_the_headers_say(mut bytes in frames()) {
            let frame = Frame::from_slice(&mut bytes);
            if let Some(class) = glance(&frame) {
                prop_assert_eq!(class, classify(&frame));
            }
        }
    }

    #[test]
    fn packets_amid_a_flow_are_told_at_a_glance() {
        for (number, flags, expected) in [
            (protocol::TCP, Tcp::ACK, Some(TransportKind::Tcp)),
            (protocol::TCP, Tcp::SYN, None),
            (protocol::UDP, 0, Some(TransportKind::Udp)),
            (protocol::ICMP, 0, None),
        ] {
            let mut bytes = [0; 60];
            bytes[12] = 0x08;
            bytes[NETWORK] = 0x45;
            bytes[NETWORK + 9] = number;
            bytes[TRANSPORT + 13] = flags;
            let expected = expected.map(|kind| TrafficClass::new(LinkKind::Ethernet, NetworkKind::V4, kind));
            assert_eq!(glance(&Frame::from_slice(&mut bytes)), expected);
        }
    }
}
