//! A packet, from its description in a vector to its bytes.
//!
//! It is built whole and honest first, lengths and checksums included, and spoilt afterwards: lies go over what was written, padding behind
//! it, and the cut comes last.

mod notation;

pub use notation::{Addresses, Bytes, Ethernet, Ports, Segment};

use crate::world::{ROUTER, WAN};
use anyhow::{Context, Result, ensure};
use etherparse::{
    IpFragOffset, IpHeaders, IpNumber, Ipv4Extensions, Ipv4Header, Ipv4Options, PacketBuilder, SingleVlanHeader,
    VlanHeader, VlanId,
};
use serde::Deserialize;

/// An IPv4 packet in an Ethernet frame.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Packet {
    /// Source Ethernet address; the router's by default.
    #[serde(default = "router")]
    from: Ethernet,
    /// Destination Ethernet address; the balancer's by default.
    #[serde(default = "balancer")]
    to: Ethernet,
    /// Identifier of a VLAN tag.
    vlan: Option<u16>,
    ip: Addresses,
    #[serde(default = "sixty_four")]
    ttl: u8,
    /// IP options, a multiple of 4 bytes.
    #[serde(default)]
    options: Bytes,
    #[serde(default)]
    dont_fragment: bool,
    #[serde(default)]
    more_fragments: bool,
    /// In bytes, a multiple of 8.
    #[serde(default)]
    fragment_offset: u16,
    tcp: Option<Segment>,
    udp: Option<Ports>,
    /// Number of a protocol other than TCP and UDP.
    protocol: Option<u8>,
    /// Bytes of the payload: 0, 1, 2 and so on.
    #[serde(default)]
    payload: usize,
    /// Bytes of 0 behind the IP packet.
    #[serde(default)]
    padding: usize,
    /// What the IP header says instead of 4.
    version: Option<u8>,
    /// What the IP header says of its own length, in words of 4 bytes.
    ihl: Option<u8>,
    /// What the IP header says of the packet's length, in bytes.
    total_length: Option<u16>,
    /// What the TCP header says of its own length, in words of 4 bytes.
    data_offset: Option<u8>,
    /// What the UDP header says of the datagram's length, in bytes.
    udp_length: Option<u16>,
    /// How many bytes of the frame arrive; all by default.
    cut: Option<usize>,
}

fn router() -> Ethernet {
    Ethernet(ROUTER)
}

fn balancer() -> Ethernet {
    Ethernet(WAN.mac)
}

fn sixty_four() -> u8 {
    64
}

impl Packet {
    /// The frame.
    ///
    /// # Errors
    /// When there can be no such packet.
    pub fn frame(&self) -> Result<Vec<u8>> {
        let mut frame = self.build()?;
        self.lie(&mut frame);
        frame.resize(frame.len() + self.padding, 0);
        if let Some(cut) = self.cut {
            ensure!(cut < frame.len(), "cut is {cut}, but the frame has only {} bytes", frame.len());
            frame.truncate(cut);
        }
        Ok(frame)
    }

    /// The frame as an honest sender makes it.
    fn build(&self) -> Result<Vec<u8>> {
        ensure!(self.data_offset.is_none() || self.tcp.is_some(), "data-offset is for TCP");
        ensure!(self.udp_length.is_none() || self.udp.is_some(), "udp-length is for UDP");
        let ethernet = PacketBuilder::ethernet2(self.from.0.octets(), self.to.0.octets());
        let ip = IpHeaders::Ipv4(self.ipv4()?, Ipv4Extensions::default());
        let builder = match self.vlan {
            Some(id) => ethernet.vlan(vlan(id)?).ip(ip),
            None => ethernet.ip(ip),
        };
        let payload: Vec<u8> = (0..self.payload).map(|index| index as u8).collect();
        let mut frame = Vec::new();
        match (&self.tcp, &self.udp, self.protocol) {
            (Some(segment), None, None) => builder.tcp_header(segment.header()).write(&mut frame, &payload),
            (None, Some(ports), None) => builder.udp(ports.from, ports.to).write(&mut frame, &payload),
            (None, None, Some(number)) => builder.write(&mut frame, IpNumber(number), &payload),
            _ => anyhow::bail!("a packet has one of tcp, udp and protocol"),
        }
        .context("there can be no such packet")?;
        Ok(frame)
    }

    fn ipv4(&self) -> Result<Ipv4Header> {
        ensure!(
            self.fragment_offset.is_multiple_of(8),
            "fragment-offset {} is not a multiple of 8",
            self.fragment_offset
        );
        // The builder puts in length and protocol.
        let mut header = Ipv4Header::new(0, self.ttl, IpNumber(0), self.ip.from.octets(), self.ip.to.octets())?;
        header.options = Ipv4Options::try_from(self.options.0.as_slice()).context("options")?;
        header.dont_fragment = self.dont_fragment;
        header.more_fragments = self.more_fragments;
        header.fragment_offset = IpFragOffset::try_new(self.fragment_offset / 8)?;
        Ok(header)
    }

    /// Writes what the headers say instead of the truth.
    fn lie(&self, frame: &mut [u8]) {
        let ip = if self.vlan.is_some() { 18 } else { 14 };
        let transport = ip + Ipv4Header::MIN_LEN + self.options.0.len();
        if let Some(version) = self.version {
            frame[ip] = version << 4 | frame[ip] & 0x0f;
        }
        if let Some(words) = self.ihl {
            frame[ip] = frame[ip] & 0xf0 | words & 0x0f;
        }
        if let Some(length) = self.total_length {
            frame[ip + 2..ip + 4].copy_from_slice(&length.to_be_bytes());
        }
        if let Some(words) = self.data_offset {
            frame[transport + 12] = words << 4;
        }
        if let Some(length) = self.udp_length {
            frame[transport + 4..transport + 6].copy_from_slice(&length.to_be_bytes());
        }
    }
}

fn vlan(id: u16) -> Result<VlanHeader> {
    let vlan_id = VlanId::try_new(id).context("vlan")?;
    Ok(VlanHeader::Single(SingleVlanHeader { vlan_id, ..SingleVlanHeader::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{NetHeaders, PacketHeaders, TransportHeader};

    fn frame(description: &str) -> Vec<u8> {
        toml::from_str::<Packet>(description).expect("a packet").frame().expect("a frame")
    }

    #[test]
    fn an_honest_packet_reads_as_it_was_described() {
        let frame = frame(
            "ip = '10.0.0.1 > 192.0.2.10'\noptions = '01010100'\ntcp = '40000 > 443 SF'\npayload = 3\npadding = 2",
        );
        let packet = PacketHeaders::from_ethernet_slice(&frame).expect("a packet");
        let Some(NetHeaders::Ipv4(ip, _)) = &packet.net else { panic!("{packet:?}") };
        assert_eq!((ip.source, ip.destination, ip.total_len), ([10, 0, 0, 1], [192, 0, 2, 10], 24 + 20 + 3));
        assert_eq!(ip.header_checksum, ip.calc_header_checksum());
        let tcp = packet.transport.and_then(TransportHeader::tcp).expect("TCP");
        assert_eq!((tcp.source_port, tcp.destination_port), (40_000, 443));
        assert_eq!((tcp.syn, tcp.fin, tcp.ack, tcp.rst), (true, true, false, false));
        assert_eq!(packet.payload.slice(), [0, 1, 2]);
        assert_eq!(frame.len(), 14 + 24 + 20 + 3 + 2);
    }

    #[test]
    fn lies_stand_where_the_truth_was() {
        let tcp = frame(
            "ip = '10.0.0.1 > 192.0.2.10'\ntcp = '1 > 2'\nversion = 6\nihl = 4\ntotal-length = 258\ndata-offset = 15",
        );
        assert_eq!((tcp[14], &tcp[16..18], tcp[14 + 20 + 12]), (0x64, [1, 2].as_slice(), 0xf0));
        let udp = frame("vlan = 5\nip = '10.0.0.1 > 192.0.2.10'\nudp = '1 > 2'\nudp-length = 258\ncut = 44");
        assert_eq!((udp.len(), &udp[12..16], &udp[42..44]), (44, [0x81, 0, 0, 5].as_slice(), [1, 2].as_slice()));
    }

    #[test]
    fn a_packet_has_one_protocol() {
        let packet: Packet =
            toml::from_str("ip = '10.0.0.1 > 192.0.2.10'\nudp = '1 > 2'\nprotocol = 1").expect("a description");
        assert_eq!(packet.frame().expect_err("two").to_string(), "a packet has one of tcp, udp and protocol");
    }
}
