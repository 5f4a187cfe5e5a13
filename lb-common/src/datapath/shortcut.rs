//! The way of most frames: plain IPv4, TCP or UDP, of a flow that is known; and what is not for us. Nothing is decided here that the
//! whole way would decide otherwise; whatever is out of the ordinary takes the whole way.

use super::parse::{Signal, tcp_signal};
use super::{Plan, device, flow};
use crate::abi::{Address, Settings, ticks};
use crate::flow::{FlowKey, Ports};
use crate::frame::Frame;
use crate::tables::Tables;
use crate::verdict::{Forwarded, Passed, Verdict};
use crate::wire::{Ethernet, Ipv4, Tcp, Udp, ether_type, protocol};

/// How far the shortcut leads.
pub(super) enum Shortcut<'t> {
    /// To the back-end.
    Backend(Plan<'t>),
    /// To the verdict.
    Verdict(Verdict),
    /// Nowhere.
    None,
}

/// Offset of the IP header in plain frames.
pub(super) const NETWORK: usize = size_of::<Ethernet>();
/// Offset of the transport header in plain frames.
pub(super) const TRANSPORT: usize = NETWORK + Ipv4::MIN_LEN;

#[inline(always)]
pub(super) fn take<'t, T: Tables>(tables: &'t T, settings: &Settings, frame: &Frame<'_>) -> Shortcut<'t> {
    // First, while nothing else is at hand: the search takes registers.
    let ingress = device::ingress(tables, settings);
    let Some(ethernet) = frame.header::<Ethernet>(0) else { return Shortcut::None };
    match ethernet.ether_type {
        ether_type::IPV4 => {}
        ether_type::IPV6 | ether_type::VLAN | ether_type::SERVICE_VLAN => return Shortcut::None,
        _ => return Shortcut::Verdict(Verdict::Passed(Passed::NotIp)),
    }
    if let Err(verdict) = device::accept(ingress, &ethernet.destination) {
        return Shortcut::Verdict(verdict);
    }
    let Some(ipv4) = frame.header::<Ipv4>(NETWORK) else { return Shortcut::None };
    if !ipv4.is_plain() || ipv4.total_length() < Ipv4::MIN_LEN {
        return Shortcut::None;
    }
    if !settings.vips.may_contain_v4(ipv4.destination.raw()) {
        return Shortcut::Verdict(Verdict::Passed(Passed::NoService));
    }
    read(frame).and_then(|(key, signal)| known_flow(tables, settings, key, signal)).unwrap_or(Shortcut::None)
}

/// The flow of a plain, well-formed TCP or UDP packet, and what the packet says of it.
#[inline(always)]
pub(super) fn read(frame: &Frame<'_>) -> Option<(FlowKey, Signal)> {
    let ethernet = frame.header::<Ethernet>(0)?;
    let ipv4 = frame.header::<Ipv4>(NETWORK)?;
    let is_whole = NETWORK + ipv4.total_length() <= frame.len();
    if ethernet.ether_type != ether_type::IPV4 || !ipv4.is_plain() || !is_whole {
        return None;
    }
    let payload_len = ipv4.total_length().checked_sub(Ipv4::MIN_LEN)?;
    let (ports, signal) = match ipv4.protocol {
        protocol::TCP => {
            let tcp = frame.header::<Tcp>(TRANSPORT)?;
            if tcp.header_len() < size_of::<Tcp>() || tcp.header_len() > payload_len {
                return None;
            }
            (Ports { source: tcp.source, destination: tcp.destination }, tcp_signal(tcp)?)
        }
        protocol::UDP => {
            let udp = frame.header::<Udp>(TRANSPORT)?;
            let len = usize::from(udp.length.get());
            if len < size_of::<Udp>() || len > payload_len {
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
    Some((key, signal))
}

#[inline(always)]
fn known_flow<'t, T: Tables>(tables: &'t T, settings: &Settings, key: FlowKey, signal: Signal) -> Option<Shortcut<'t>> {
    if signal == Signal::Open {
        return None;
    }
    let flow = flow::identify(settings, key);
    let found = flow::recall(tables, settings, signal.into(), &flow, ticks(tables.now()))?;
    // A connection ID may say otherwise.
    (found.backend.is_quic == 0).then_some(Shortcut::Backend(Plan {
        slot: found.slot,
        backend: found.backend,
        how: Forwarded::Remembered,
        network: NETWORK as u8,
        hash: flow.hash,
    }))
}
