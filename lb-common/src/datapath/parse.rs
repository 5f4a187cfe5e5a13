//! Step 1: what the packet is. Reads Ethernet, IPv4 with its options, TCP and UDP; believes no length it has not checked.

use crate::flow::FlowKey;
use crate::frame::Frame;
use crate::verdict::{Passed, Verdict};
use crate::wire::{Ethernet, Ipv4, Tcp, Udp, ether_type, protocol};

/// What a decision needs to know of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The 5-tuple.
    pub key: FlowKey,
    /// What the packet says of its flow.
    pub signal: Signal,
}

/// What a packet says of its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A TCP connection is to begin: SYN without ACK.
    Open,
    /// A TCP connection goes on.
    Continue,
    /// The client is done with a TCP connection: FIN or RST.
    Close,
    /// UDP has no signals.
    Datagram,
}

/// The Ethernet header of the packet in `frame`.
///
/// # Errors
/// The verdict on a packet that is not IPv4.
#[inline(always)]
pub(super) fn ethernet<'f>(frame: &'f Frame<'_>) -> Result<&'f Ethernet, Verdict> {
    let ethernet = frame.header::<Ethernet>(0).ok_or(MALFORMED)?;
    if ethernet.ether_type == ether_type::IPV4 { Ok(ethernet) } else { Err(Verdict::Passed(Passed::NotIpv4)) }
}

/// Reads the headers of the IPv4 packet in `frame`.
///
/// # Errors
/// The verdict on a packet that cannot belong to any service.
#[inline(always)]
pub fn packet(frame: &Frame<'_>) -> Result<Packet, Verdict> {
    const IPV4: usize = size_of::<Ethernet>();
    let ipv4 = frame.header::<Ipv4>(IPV4).ok_or(MALFORMED)?;
    let header_len = ipv4.header_len();
    if ipv4.version() != 4 || header_len < Ipv4::MIN_LEN || IPV4 + ipv4.total_length() > frame.len() {
        return Err(MALFORMED);
    }
    if ipv4.is_fragment() {
        return Err(Verdict::Passed(Passed::Fragment));
    }
    let payload_len = ipv4.total_length().wrapping_sub(header_len);
    let (source_port, destination_port, signal) = match ipv4.protocol {
        protocol::TCP => {
            let tcp = frame.header::<Tcp>(IPV4 + header_len).ok_or(MALFORMED)?;
            check_fits::<Tcp>(payload_len)?;
            (tcp.source, tcp.destination, signal(tcp))
        }
        protocol::UDP => {
            let udp = frame.header::<Udp>(IPV4 + header_len).ok_or(MALFORMED)?;
            check_fits::<Udp>(payload_len)?;
            (udp.source, udp.destination, Signal::Datagram)
        }
        _ => return Err(Verdict::Passed(Passed::OtherProtocol)),
    };
    let key = FlowKey {
        source: ipv4.source.raw(),
        destination: ipv4.destination.raw(),
        source_port,
        destination_port,
        protocol: u32::from(ipv4.protocol),
    };
    Ok(Packet { key, signal })
}

const MALFORMED: Verdict = Verdict::Passed(Passed::Malformed);

/// The transport header must lie inside the IP packet, not in the padding behind it. A total length below the header's wraps to
/// something far too big, and the frame is shorter than that.
#[inline(always)]
fn check_fits<T>(payload_len: usize) -> Result<(), Verdict> {
    if (size_of::<T>()..=usize::from(u16::MAX)).contains(&payload_len) { Ok(()) } else { Err(MALFORMED) }
}

#[inline(always)]
fn signal(tcp: &Tcp) -> Signal {
    if tcp.opens() {
        Signal::Open
    } else if tcp.closes() {
        Signal::Close
    } else {
        Signal::Continue
    }
}
