use super::{BALANCER, OWN, VIP, of};
use crate::world::{ROUTER, backend_mac};
use etherparse::{IpNumber, Ipv4Header, Ipv6FlowLabel, Ipv6Header, PacketBuilder, UdpHeader};
use lb_common::decap::{Family, Kind, Tunnel};
use std::net::{Ipv4Addr, Ipv6Addr};

/// UDP port of generic UDP encapsulation.
pub const GUE_PORT: u16 = 6080;

/// A packet in a tunnel, as a balancer sends it to the back-end, where nothing else is said.
#[derive(Clone, Debug)]
pub struct Packet {
    /// The tunnel.
    pub tunnel: Tunnel,
    /// VLAN tags: ether type and control information of each.
    pub tags: Vec<(u16, u16)>,
    /// Outer source address.
    pub source: String,
    /// Outer destination address.
    pub destination: String,
    /// Type of service or traffic class of the outer header.
    pub class: u8,
    /// Options of an outer IPv4 header, a multiple of 4 bytes.
    pub options: Vec<u8>,
    /// What is between the outer IP header and its payload: extension headers, with the protocol of the first.
    pub extensions: Option<(u8, Vec<u8>)>,
    /// UDP destination port.
    pub port: u16,
    /// The header of generic UDP encapsulation; `None` for the right one.
    pub gue: Option<Vec<u8>>,
    /// The packet inside.
    pub inner: Vec<u8>,
    /// Bytes behind the outer packet.
    pub padding: usize,
}

impl Packet {
    /// `inner`, which is of the family that `tunnel` says, in that tunnel.
    pub fn new(tunnel: Tunnel, inner: Vec<u8>) -> Self {
        Self {
            tunnel,
            tags: Vec::new(),
            source: of(BALANCER, tunnel.outer).to_owned(),
            destination: of(OWN, tunnel.outer).to_owned(),
            class: 0,
            options: Vec::new(),
            extensions: None,
            port: GUE_PORT,
            gue: None,
            inner,
            padding: 0,
        }
    }

    /// The frame.
    ///
    /// # Panics
    /// When the description makes no sense.
    pub fn frame(&self) -> Vec<u8> {
        [self.link(self.tunnel.outer), self.outer(), vec![0; self.padding]].concat()
    }

    /// The frame that comes out: the same Ethernet addresses and tags, and the packet inside.
    pub fn stripped(&self) -> Vec<u8> {
        [self.link(self.tunnel.inner), self.inner.clone(), vec![0; self.padding]].concat()
    }

    /// Length of the Ethernet header and its tags.
    pub fn link_len(&self) -> usize {
        14 + 4 * self.tags.len()
    }

    fn link(&self, family: Family) -> Vec<u8> {
        let mut link = [backend_mac(1).octets(), ROUTER.octets()].concat();
        for (ether_type, control) in &self.tags {
            link.extend([ether_type.to_be_bytes(), control.to_be_bytes()].concat());
        }
        link.extend(of([0x0800_u16, 0x86dd], family).to_be_bytes());
        link
    }

    fn outer(&self) -> Vec<u8> {
        let (protocol, carried) = self.carried();
        let (protocol, extensions) = self.extensions.clone().unwrap_or((protocol, Vec::new()));
        let payload = [extensions, carried].concat();
        let header = match self.tunnel.outer {
            Family::V4 => self.ipv4(protocol, payload.len()),
            Family::V6 => self.ipv6(protocol, payload.len()),
        };
        [header, payload].concat()
    }

    /// What is behind the outer IP header, and its protocol.
    fn carried(&self) -> (u8, Vec<u8>) {
        let protocol = of([4, 41], self.tunnel.inner);
        let payload = match (self.tunnel.kind, &self.gue) {
            (Kind::Ipip, _) => return (protocol, self.inner.clone()),
            (_, Some(gue)) => [gue, &self.inner[..]].concat(),
            (Kind::Gue, None) => [&[0, protocol, 0, 0], &self.inner[..]].concat(),
            (Kind::GueDirect, None) => self.inner.clone(),
        };
        let length = (8 + payload.len()) as u16;
        let udp = UdpHeader { source_port: 50_000, destination_port: self.port, length, checksum: 0 };
        (17, [&udp.to_bytes(), &payload[..]].concat())
    }

    fn ipv4(&self, protocol: u8, payload: usize) -> Vec<u8> {
        let [source, destination] =
            [&self.source, &self.destination].map(|text| text.parse::<Ipv4Addr>().expect("an IPv4 address").octets());
        let header =
            Ipv4Header::new((self.options.len() + payload) as u16, 64, IpNumber(protocol), source, destination);
        let mut header = header.expect("a short payload");
        header.options = self.options.as_slice().try_into().expect("options");
        header.total_len = (header.header_len() + payload) as u16;
        let mut bytes = header.to_bytes().to_vec();
        bytes[1] = self.class;
        bytes
    }

    fn ipv6(&self, protocol: u8, payload: usize) -> Vec<u8> {
        let [source, destination] =
            [&self.source, &self.destination].map(|text| text.parse::<Ipv6Addr>().expect("an IPv6 address").octets());
        let header = Ipv6Header {
            traffic_class: self.class,
            flow_label: Ipv6FlowLabel::try_new(0x2_5a5a).expect("20 bits"),
            payload_length: payload as u16,
            next_header: IpNumber(protocol),
            hop_limit: 64,
            source,
            destination,
        };
        header.to_bytes().to_vec()
    }
}

/// A UDP datagram of a client to the VIP of this family: `payload` bytes, and what its IP header says of service and congestion.
///
/// # Panics
/// When the payload does not fit into a packet.
pub fn inner(family: Family, class: u8, payload: usize) -> Vec<u8> {
    let payload: Vec<u8> = (0..payload).map(|index| index as u8).collect();
    let mut bytes = Vec::new();
    let vip = of(VIP, family);
    let written = match family {
        Family::V4 => {
            let vip = vip.parse::<Ipv4Addr>().expect("an IPv4 address").octets();
            let mut header = Ipv4Header::new(0, 63, IpNumber(0), [203, 0, 113, 9], vip).expect("a short payload");
            header.dscp = (class >> 2).try_into().expect("6 bits");
            header.ecn = (class & 3).try_into().expect("2 bits");
            let ip = etherparse::IpHeaders::Ipv4(header, etherparse::Ipv4Extensions::default());
            PacketBuilder::ip(ip).udp(40_000, 53).write(&mut bytes, &payload)
        }
        Family::V6 => {
            let [client, vip] = ["2001:db8:9::9", vip].map(|text| text.parse::<Ipv6Addr>().expect("IPv6").octets());
            let header = Ipv6Header {
                traffic_class: class,
                source: client,
                destination: vip,
                hop_limit: 63,
                ..Ipv6Header::default()
            };
            let ip = etherparse::IpHeaders::Ipv6(header, etherparse::Ipv6Extensions::default());
            PacketBuilder::ip(ip).udp(40_000, 53).write(&mut bytes, &payload)
        }
    };
    written.expect("a short payload");
    bytes
}
