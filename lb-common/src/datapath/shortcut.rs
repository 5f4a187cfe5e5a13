//! The way of most packets: plain IPv4, TCP or UDP, of a flow that is known. Nothing is decided here that the whole way would decide
//! otherwise; whatever is out of the ordinary takes the whole way.

use super::parse::{Signal, tcp_signal};
use super::{Plan, device, flow};
use crate::abi::{Address, Settings, ticks};
use crate::flow::{FlowKey, Ports};
use crate::frame::Frame;
use crate::tables::Tables;
use crate::verdict::Forwarded;
use crate::wire::{Ethernet, Ipv4, Tcp, Udp, ether_type, protocol};

#[inline(always)]
pub(super) fn known_flow<'t, T: Tables>(tables: &'t T, settings: &Settings, frame: &Frame<'_>) -> Option<Plan<'t>> {
    const NETWORK: usize = size_of::<Ethernet>();
    const TRANSPORT: usize = NETWORK + Ipv4::MIN_LEN;
    let ethernet = frame.header::<Ethernet>(0)?;
    let ipv4 = frame.header::<Ipv4>(NETWORK)?;
    if ethernet.ether_type != ether_type::IPV4
        || !ipv4.is_plain()
        || !settings.vips.may_contain_v4(ipv4.destination.raw())
        || NETWORK + ipv4.total_length() > frame.len()
        || device::accept(tables, settings, ethernet.destination).is_err()
    {
        return None;
    }
    let payload_len = ipv4.total_length().wrapping_sub(Ipv4::MIN_LEN);
    let (ports, signal) = match ipv4.protocol {
        protocol::TCP => {
            let tcp = frame.header::<Tcp>(TRANSPORT)?;
            if tcp.header_len() < size_of::<Tcp>() || tcp.header_len() > payload_len {
                return None;
            }
            let signal = tcp_signal(tcp).filter(|&signal| signal != Signal::Open)?;
            (Ports { source: tcp.source, destination: tcp.destination }, signal)
        }
        protocol::UDP => {
            let udp = frame.header::<Udp>(TRANSPORT)?;
            if usize::from(udp.length.get()).wrapping_sub(size_of::<Udp>()) > payload_len.wrapping_sub(size_of::<Udp>())
            {
                return None;
            }
            (Ports { source: udp.source, destination: udp.destination }, Signal::Datagram)
        }
        _ => return None,
    };
    let key = FlowKey {
        source: Address::from_quad(ipv4.source),
        destination: Address::from_quad(ipv4.destination),
        ports,
        protocol: u32::from(ipv4.protocol),
    };
    let flow = flow::identify(settings, key);
    let found = flow::recall(tables, settings, signal.into(), &flow, ticks(tables.now()))?;
    // A connection ID may say otherwise.
    (found.backend.is_quic == 0).then_some(Plan {
        slot: found.slot,
        backend: found.backend,
        how: Forwarded::Remembered,
        network: NETWORK as u8,
        hash: flow.hash,
    })
}
