//! The packets that are measured.

use lb_common::wire::{Be16, ether_type};

/// The VIPs.
pub(crate) const VIP_V4: [u8; 4] = [192, 0, 2, 10];
pub(crate) const VIP_V6: [u8; 16] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];

/// A packet to start from. The harness gives it the Ethernet addresses, the client's address and its port.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packet {
    /// A TCP segment of a connection that goes on, to the IPv4 service.
    Ack,
    /// The first segment of a TCP connection, to the IPv4 service.
    Syn,
    /// As [`Packet::Ack`], to the IPv6 service.
    AckV6,
    /// As [`Packet::Syn`], to the IPv6 service.
    SynV6,
    /// A UDP datagram to the IPv4 service.
    Datagram,
    /// A TCP segment to an address that is not a VIP.
    Elsewhere,
    /// An ARP request.
    Arp,
}

impl Packet {
    /// What is in the Ethernet frame.
    pub(crate) fn ether_type(self) -> Be16 {
        match self {
            Self::Arp => Be16::new(0x0806),
            Self::AckV6 | Self::SynV6 => ether_type::IPV6,
            _ => ether_type::IPV4,
        }
    }

    /// The frame, as short as there are.
    pub(crate) fn frame(self) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend(self.ether_type().get().to_be_bytes());
        match self {
            Self::Arp => {}
            Self::AckV6 | Self::SynV6 => frame.extend(self.ipv6()),
            _ => frame.extend(self.ipv4()),
        }
        frame.resize(frame.len().max(60), 0);
        frame
    }

    fn ipv4(self) -> Vec<u8> {
        let (protocol, transport) = self.transport();
        let destination = if let Self::Elsewhere = self { [192, 0, 2, 99] } else { VIP_V4 };
        let length = 20 + transport.len() as u8;
        let mut packet = vec![0x45, 0, 0, length, 0, 0, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 0];
        packet.extend(destination);
        packet.extend(transport);
        packet
    }

    fn ipv6(self) -> Vec<u8> {
        let (protocol, transport) = self.transport();
        let mut packet = vec![0x60, 0, 0, 0, 0, transport.len() as u8, protocol, 64];
        packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        packet.extend(VIP_V6);
        packet.extend(transport);
        packet
    }

    /// The protocol's number, and the packet behind the IP header.
    fn transport(self) -> (u8, Vec<u8>) {
        let ports = |port: u16| [[0, 0], port.to_be_bytes()].concat();
        match self {
            Self::Datagram => (17, [ports(53), vec![0, 26, 0, 0], vec![0; 18]].concat()),
            Self::Syn | Self::SynV6 => (6, [ports(443), vec![0; 8], vec![0x50, 0x02], vec![0; 6]].concat()),
            _ => (6, [ports(443), vec![0; 8], vec![0x50, 0x10], vec![0; 6]].concat()),
        }
    }
}
