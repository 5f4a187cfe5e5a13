//! A packet, from its description in a vector to its bytes.
//!
//! It is built from the inside out, by the layers of the description: what the transport carries, the transport, IP, Ethernet. Each
//! layer is honest first, lengths and checksums included, and its lies go over what was written. Padding is put behind the packet, and
//! the cut comes last.

mod extension;
mod fragment;
mod icmp;
mod ip;
mod ipv4;
mod ipv6;
mod link;
mod notation;
mod sctp;
mod tcp;
mod transport;
mod tunnel;
mod udp;

pub use link::{Link, Tag, tags};
pub use notation::{Addresses, Bytes, Ethernet, Ports};
pub use tunnel::{Carried, Tunnel};

use self::ip::{IpKeys, IpPacket};
use self::ipv4::Ipv4Keys;
use self::ipv6::Ipv6Keys;
use self::link::LinkKeys;
use self::tcp::TcpKeys;
use self::transport::TransportKeys;
use self::udp::UdpKeys;
use crate::world::{ROUTER, WAN};
use anyhow::{Result, ensure};
use etherparse::EtherType;
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// An IP packet in an Ethernet frame.
#[derive(Debug, Deserialize)]
pub struct Packet {
    #[serde(flatten)]
    link: LinkKeys,
    #[serde(flatten)]
    ip: IpKeys,
    #[serde(flatten)]
    ipv4: Ipv4Keys,
    #[serde(flatten)]
    ipv6: Ipv6Keys,
    #[serde(flatten)]
    tcp: TcpKeys,
    #[serde(flatten)]
    udp: UdpKeys,
    #[serde(flatten)]
    transport: TransportKeys,
    /// Bytes of 0 behind the IP packet.
    #[serde(default)]
    padding: usize,
    /// How many bytes of the frame arrive; all by default.
    cut: Option<usize>,
    #[serde(flatten, deserialize_with = "no_more_keys")]
    _rest: (),
}

fn no_more_keys<'de, D: Deserializer<'de>>(rest: D) -> Result<(), D::Error> {
    match BTreeMap::<String, IgnoredAny>::deserialize(rest)?.pop_first() {
        Some((key, _)) => Err(D::Error::custom(format!("a packet has no key {key}"))),
        None => Ok(()),
    }
}

impl Packet {
    /// The frame of a packet that comes in: the router sent it to the balancer, unless the description says otherwise.
    ///
    /// # Errors
    /// When there can be no such packet.
    pub fn frame(&self) -> Result<Vec<u8>> {
        self.build(&Link { from: ROUTER, to: WAN.mac, tags: Vec::new() }, None)
    }

    /// The frame of a packet that goes out, with the addresses of `link` unless the description says otherwise. `came_in` is the frame
    /// that it is the answer to, or that it carries in a tunnel.
    ///
    /// # Errors
    /// When there can be no such packet.
    pub fn outgoing(&self, link: &Link, came_in: &[u8]) -> Result<Vec<u8>> {
        self.build(link, self.transport.tunnel.map(|_| Carried::of(came_in)).transpose()?)
    }

    fn build(&self, link: &Link, carried: Option<Carried<'_>>) -> Result<Vec<u8>> {
        let IpPacket { header, payload } = self.packet(carried)?;
        let ether_type = match self.ip.addresses {
            Addresses::V4 { .. } => EtherType::IPV4,
            Addresses::V6 { .. } => EtherType::IPV6,
        };
        let link = self.link.link(link).bytes(self.link.ether_type(ether_type));
        let mut frame = [link, header, payload, vec![0; self.padding]].concat();
        self.cut(&mut frame)?;
        Ok(frame)
    }

    /// The packet as an ICMP error quotes it, with `bytes` bytes of what is behind its IP headers.
    fn quotation(&self, bytes: Option<usize>) -> Result<Vec<u8>> {
        ensure!(self.link.is_empty() && self.padding == 0, "from, to, vlan, ether-type and padding are not quoted");
        let IpPacket { header, payload } = self.packet(None)?;
        let bytes = bytes.unwrap_or(payload.len());
        ensure!(bytes <= payload.len(), "bytes is {bytes}, but behind the IP headers are only {}", payload.len());
        let mut quotation = [&header, &payload[..bytes]].concat();
        self.cut(&mut quotation)?;
        Ok(quotation)
    }

    fn cut(&self, bytes: &mut Vec<u8>) -> Result<()> {
        if let Some(cut) = self.cut {
            ensure!(cut < bytes.len(), "cut is {cut}, but there are only {} bytes", bytes.len());
            bytes.truncate(cut);
        }
        Ok(())
    }

    fn packet(&self, carried: Option<Carried<'_>>) -> Result<IpPacket> {
        let Self { ip, tcp, udp, .. } = self;
        let (protocol, payload) = self.transport.packet(tcp, udp, ip.addresses, carried)?;
        match ip.addresses {
            Addresses::V4 { from, to } => {
                ensure!(self.ipv6 == Ipv6Keys::default(), "flow-label, extensions and payload-length are for IPv6");
                self.ipv4.packet(ip, (from, to), protocol, payload)
            }
            Addresses::V6 { from, to } => {
                ensure!(
                    self.ipv4 == Ipv4Keys::default(),
                    "id, options, dont-fragment, ihl, total-length and header-checksum are for IPv4"
                );
                self.ipv6.packet(ip, (from, to), protocol, payload)
            }
        }
    }
}

#[cfg(test)]
mod tests;
