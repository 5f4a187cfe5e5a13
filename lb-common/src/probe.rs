//! Probes by way of a VIP: the packets of a health check that goes to a back-end's VIP take the way that clients' packets take.
//!
//! The socket of the probe knows nothing of it: it talks to the back-end's own address, and its packets have a mark. On their way out
//! they are addressed to the VIP, and put into the back-end's tunnel. Answers come from the VIP; on their way in, they are
//! made the back-end's own again. So routes and neighbours are those of the kernel, and it never sees a VIP.

use crate::abi::{Address, Backend};
use crate::datapath::Family;
use crate::frame::Frame;
use crate::wire::{Be16, Ethernet, Ipv4, Ipv6, Udp, ether_type, protocol};

/// The first of the marks (`SO_MARK`) that packets of probes have.
pub const FIRST_MARK: u32 = 0x6864_0000;

/// Most targets of such probes, each of which has a mark of its own.
pub const MAX_TARGETS: u32 = crate::abi::MAX_BACKENDS;

/// What becomes of packets with a mark. Value of the map `TARGETS`, whose key is the mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Target {
    /// Where they go.
    pub vip: Address,
    /// The way there. Of it, only address, forwarding, largest length and outer header matter.
    pub backend: Backend,
}

const _: () = assert!(size_of::<Target>() == 144);

/// What answers are known by. Key of the map `ANSWERS`, whose value is the own address of the back-end that they are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct AnswerKey {
    /// Where they are from.
    pub vip: Address,
    /// Where they go: an address of the balancer.
    pub own: Address,
    /// The port that was asked.
    pub vip_port: Be16,
    /// The port of the probe.
    pub own_port: Be16,
    /// Transport protocol.
    pub protocol: u16,
    /// Always 0.
    pub padding: u16,
}

const _: () = assert!(size_of::<AnswerKey>() == 40);

/// Both ends of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Version of IP.
    pub family: Family,
    /// Transport protocol: TCP or UDP.
    pub protocol: u8,
    /// Who it is from.
    pub source: Address,
    /// Whom it goes to.
    pub destination: Address,
    /// The sender's port.
    pub source_port: Be16,
    /// The receiver's port.
    pub destination_port: Be16,
}

impl Ends {
    /// Those of the packet in an untagged frame. `None` when it is of another kind than the packets of probes and their answers:
    /// TCP or UDP in one piece, without options or extension headers.
    #[inline(always)]
    pub fn read(frame: &Frame<'_>) -> Option<Self> {
        match frame.header::<Ethernet>(0)?.ether_type {
            ether_type::IPV4 => {
                let header = frame.header::<Ipv4>(NETWORK).filter(|header| header.is_plain())?;
                let (source, destination) = (Address::from_quad(header.source), Address::from_quad(header.destination));
                Self::of(frame, Family::V4, header.protocol, source, destination)
            }
            ether_type::IPV6 => {
                let header = frame.header::<Ipv6>(NETWORK)?;
                let (source, destination) = (Address::from_octo(header.source), Address::from_octo(header.destination));
                Self::of(frame, Family::V6, header.next_header, source, destination)
            }
            _ => None,
        }
    }

    #[inline(always)]
    fn of(frame: &Frame<'_>, family: Family, protocol: u8, source: Address, destination: Address) -> Option<Self> {
        if !matches!(protocol, protocol::TCP | protocol::UDP) {
            return None;
        }
        // The ports of TCP are where those of UDP are.
        let ports = frame.header::<Udp>(transport(family))?;
        let (source_port, destination_port) = (ports.source, ports.destination);
        Some(Self { family, protocol, source, destination, source_port, destination_port })
    }

    /// What answers to this packet are known by, once it is addressed to `vip`.
    #[inline(always)]
    pub fn answer_to(&self, vip: Address) -> AnswerKey {
        AnswerKey {
            vip,
            own: self.source,
            vip_port: self.destination_port,
            own_port: self.source_port,
            protocol: self.protocol.into(),
            padding: 0,
        }
    }

    /// What this packet is known by, if it is an answer.
    #[inline(always)]
    pub fn answer(&self) -> AnswerKey {
        AnswerKey {
            vip: self.source,
            own: self.destination,
            vip_port: self.source_port,
            own_port: self.destination_port,
            protocol: self.protocol.into(),
            padding: 0,
        }
    }
}

/// Where the IP header begins, in bytes from the start of the frame.
pub const NETWORK: usize = size_of::<Ethernet>();

/// Where the header of the transport protocol begins, likewise.
#[inline(always)]
pub const fn transport(family: Family) -> usize {
    match family {
        Family::V4 => NETWORK + Ipv4::MIN_LEN,
        Family::V6 => NETWORK + Ipv6::LEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// A frame with this IP packet.
    fn frame(ether_type: [u8; 2], packet: &[&[u8]]) -> Vec<u8> {
        [&[0; 12], &ether_type[..], &packet.concat()].concat()
    }

    fn ipv4(first: u8, fragment: u8, protocol: u8) -> Vec<u8> {
        let header = [first, 0, 0, 40, 0, 0, fragment, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 11];
        frame([8, 0], &[&header, &[0xab, 0xcd, 0, 80, 0, 8, 0, 0]])
    }

    fn ipv6(next_header: u8) -> Vec<u8> {
        let [mut source, mut destination] = [[0; 16]; 2];
        (source[15], destination[15]) = (1, 11);
        let header = [0x60, 0, 0, 0, 0, 8, next_header, 64];
        frame([0x86, 0xdd], &[&header, &source, &destination, &[0xab, 0xcd, 0, 80, 0, 8, 0, 0]])
    }

    fn read(mut frame: Vec<u8>) -> Option<Ends> {
        Ends::read(&Frame::from_slice(&mut frame))
    }

    #[test]
    fn an_answer_is_known_by_what_the_question_was() {
        let vip = Address::from_v4([192, 0, 2, 10]);
        for ends in [read(ipv4(0x45, 0, 6)), read(ipv6(17))].map(|ends| ends.expect("a packet of a probe")) {
            assert_eq!((ends.source_port.get(), ends.destination_port.get()), (0xabcd, 80));
            let Ends { source, source_port, destination_port, .. } = ends;
            let answer = Ends {
                source: vip,
                destination: source,
                source_port: destination_port,
                destination_port: source_port,
                ..ends
            };
            assert_eq!(answer.answer(), ends.answer_to(vip));
            let other = Ends { protocol: ends.protocol ^ 6 ^ 17, ..answer };
            assert_ne!(other.answer(), ends.answer_to(vip));
        }
        assert_eq!(read(ipv4(0x45, 0, 17)).map(|ends| ends.destination), Some(Address::from_v4([192, 0, 2, 11])));
    }

    #[test]
    fn other_packets_have_no_ends() {
        assert_eq!(read(ipv4(0x46, 0, 6)), None, "options");
        assert_eq!(read(ipv4(0x45, 0x20, 6)), None, "a fragment");
        assert_eq!(read(ipv4(0x45, 0, 1)), None, "ICMP");
        assert_eq!(read(ipv6(44)), None, "an extension header");
        assert_eq!(read(frame([8, 6], &[&[0; 28]])), None, "ARP");
        for whole in [ipv4(0x45, 0, 6), ipv6(6)] {
            for len in 0..whole.len() {
                assert_eq!(read(whole[..len].to_vec()), None, "{len} of {} bytes", whole.len());
            }
        }
    }
}
