//! Packets in a tunnel to their back-end: IP in IP (RFC 2003, RFC 2473) and generic UDP encapsulation.

use crate::packet::{Addresses, Carried, Link, Tunnel};
use anyhow::{Result, bail, ensure};
use etherparse::{
    EtherType, IpDscp, IpEcn, IpNumber, Ipv4Header, Ipv4HeaderSlice, Ipv6FlowLabel, Ipv6Header, Ipv6HeaderSlice,
    NetSlice, SlicedPacket, UdpHeader,
};
use ipnet::IpNet;
use std::net::IpAddr;

/// UDP source ports of tunnels are the dynamic ones (RFC 6335).
const LOWEST_PORT: u16 = 49_152;

/// A tunnel to a back-end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TunnelTo {
    /// Address of the back-end.
    pub address: IpAddr,
    /// How packets are carried.
    pub tunnel: Tunnel,
    /// UDP port of the back-end, for [`Tunnel::Gue`].
    pub port: u16,
    /// Where the outer source address may be from.
    pub sources: IpNet,
}

/// What the data plane chooses for a packet in a tunnel, the same for all packets of a flow: it spreads flows over the queues of
/// the back-end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    source: IpAddr,
    /// UDP source port, for [`Tunnel::Gue`].
    port: u16,
    /// For IPv6 (RFC 6438).
    flow_label: Ipv6FlowLabel,
}

/// The addresses, the protocol and the ports of a flow.
pub type Flow = (Addresses, u8, [u8; 4]);

impl TunnelTo {
    /// Bytes that it adds to a packet.
    pub fn overhead(&self) -> u16 {
        let ip = if self.address.is_ipv4() { 20 } else { 40 };
        match self.tunnel {
            Tunnel::Ipip => ip,
            Tunnel::Gue => ip + 8 + 4,
        }
    }

    /// What was chosen for the packet that came out in `frame`.
    ///
    /// # Errors
    /// When it is no such packet, or the choice is not allowed.
    pub fn choice(&self, frame: &[u8]) -> Result<Choice> {
        let (_, _, packet) = Link::split(frame)?;
        let (source, flow_label, header_len) = if self.address.is_ipv4() {
            let header = Ipv4HeaderSlice::from_slice(packet)?;
            (header.source_addr().into(), Ipv6FlowLabel::ZERO, header.slice().len())
        } else {
            let header = Ipv6HeaderSlice::from_slice(packet)?;
            (header.source_addr().into(), header.flow_label(), header.slice().len())
        };
        ensure!(self.sources.contains(&source), "the tunnel's source address is {source}, not of {}", self.sources);
        let port = match (self.tunnel, &packet[header_len..]) {
            (Tunnel::Ipip, _) => 0,
            (Tunnel::Gue, [high, low, ..]) => u16::from_be_bytes([*high, *low]),
            (Tunnel::Gue, _) => bail!("there is no UDP header"),
        };
        ensure!(self.tunnel == Tunnel::Ipip || port >= LOWEST_PORT, "the tunnel's UDP source port is {port}");
        Ok(Choice { source, port, flow_label })
    }

    /// The packet in `frame` as it should come out behind the Ethernet header `link`.
    ///
    /// # Errors
    /// When there is no packet in it.
    pub fn wrapped(&self, frame: &[u8], link: &Link, choice: Choice) -> Result<Vec<u8>> {
        let carried = Carried::of(frame)?;
        let Choice { source, port, flow_label } = choice;
        let mut payload = self.tunnel.payload(carried);
        let protocol = match self.tunnel {
            Tunnel::Ipip => carried.protocol,
            Tunnel::Gue => {
                let length = u16::try_from(UdpHeader::LEN + payload.len())?;
                // The inner packet has checksums of its own (RFC 6935).
                let udp = UdpHeader { source_port: port, destination_port: self.port, length, checksum: 0 };
                payload.splice(..0, udp.to_bytes());
                IpNumber::UDP
            }
        };
        let Inner { dscp, ecn, id } = Inner::of(carried)?;
        let (ether_type, header) = match Addresses::new(source, self.address) {
            Some(Addresses::V4 { from, to }) => {
                let mut header = Ipv4Header::new(payload.len().try_into()?, 64, protocol, from.octets(), to.octets())?;
                (header.dscp, header.ecn) = (dscp, ecn);
                (header.dont_fragment, header.identification) = (id.is_none(), id.unwrap_or(0));
                header.header_checksum = header.calc_header_checksum();
                (EtherType::IPV4, header.to_bytes().to_vec())
            }
            Some(Addresses::V6 { from, to }) => {
                let mut header = Ipv6Header {
                    traffic_class: 0,
                    flow_label,
                    payload_length: payload.len().try_into()?,
                    next_header: protocol,
                    hop_limit: 64,
                    source: from.octets(),
                    destination: to.octets(),
                };
                header.set_dscp(dscp);
                header.set_ecn(ecn);
                (EtherType::IPV6, header.to_bytes().to_vec())
            }
            None => bail!("{source} and {} are of different families", self.address),
        };
        Ok([&link.bytes(ether_type)[..], &header, &payload, carried.padding].concat())
    }
}

/// What the outer header takes from the inner one.
struct Inner {
    dscp: IpDscp,
    /// RFC 6040, normal mode.
    ecn: IpEcn,
    /// Identification of a packet that may be fragmented; `None` when it must not be.
    id: Option<u16>,
}

impl Inner {
    fn of(carried: Carried<'_>) -> Result<Self> {
        if carried.protocol == IpNumber::IPV4 {
            let header = Ipv4HeaderSlice::from_slice(carried.packet)?;
            let id = (!header.dont_fragment()).then(|| header.identification());
            Ok(Self { dscp: header.dcp(), ecn: header.ecn(), id })
        } else {
            let header = Ipv6HeaderSlice::from_slice(carried.packet)?.to_header();
            Ok(Self { dscp: header.dscp(), ecn: header.ecn(), id: None })
        }
    }
}

/// The flow of the packet in `frame`, if it shows ports.
pub fn flow(frame: &[u8]) -> Option<Flow> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let net = packet.net?;
    let addresses = match &net {
        NetSlice::Ipv4(ip) => Addresses::V4 { from: ip.header().source_addr(), to: ip.header().destination_addr() },
        NetSlice::Ipv6(ip) => Addresses::V6 { from: ip.header().source_addr(), to: ip.header().destination_addr() },
        NetSlice::Arp(_) => return None,
    };
    let payload = net.ip_payload_ref().filter(|payload| !payload.fragmented)?;
    let has_ports = [IpNumber::TCP, IpNumber::UDP, IpNumber::SCTP].contains(&payload.ip_number);
    let ports = payload.payload.first_chunk().filter(|_| has_ports)?;
    Some((addresses, payload.ip_number.0, *ports))
}
