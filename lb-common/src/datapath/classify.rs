//! What kind of frame comes in, for the counters by protocol.

use super::parse::{Family, Link, is_tag};
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
