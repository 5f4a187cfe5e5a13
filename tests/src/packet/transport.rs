//! What IP carries.

use super::icmp::Message;
use super::notation::{Addresses, Bytes};
use super::sctp::{self, Chunks};
use super::tcp::TcpKeys;
use super::tunnel::{Carried, Tunnel};
use super::udp::UdpKeys;
use anyhow::{Context, Result, bail, ensure};
use etherparse::IpNumber;
use serde::Deserialize;

/// What a description says of a transport other than TCP and UDP, and of the payload and the checksum of any.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TransportKeys {
    sctp: Option<Chunks>,
    icmp: Option<Message>,
    /// Number of another protocol.
    protocol: Option<u8>,
    /// How the packet carries the one that came in.
    pub(super) tunnel: Option<Tunnel>,
    /// Length of the payload in bytes, which are 0, 1, 2 and so on.
    payload: Option<usize>,
    /// The payload.
    data: Option<Bytes>,
    checksum: Checksum,
}

impl TransportKeys {
    /// What the IP packet carries, and the number of its protocol.
    pub(super) fn packet(
        &self,
        tcp: &TcpKeys,
        udp: &UdpKeys,
        addresses: Addresses,
        carried: Option<Carried<'_>>,
    ) -> Result<(IpNumber, Vec<u8>)> {
        ensure!(tcp.tcp.is_some() || !tcp.has_details(), "tcp-options and data-offset are for TCP");
        ensure!(udp.udp.is_some() || !udp.has_details(), "udp-length is for UDP");
        let payload = self.payload(carried)?;
        let (protocol, mut bytes, checksum) =
            match (&tcp.tcp, udp.udp, &self.sctp, &self.icmp, self.protocol, self.tunnel) {
                (Some(segment), None, None, None, None, None) => {
                    (IpNumber::TCP, tcp.segment(segment, addresses, &payload)?, 16..18)
                }
                (None, Some(ports), None, None, None, None | Some(Tunnel::Gue)) => {
                    (IpNumber::UDP, udp.datagram(ports, addresses, &payload)?, 6..8)
                }
                (None, None, Some(chunks), None, None, None) => {
                    (IpNumber::SCTP, chunks.packet(&payload)?, sctp::CHECKSUM)
                }
                (None, None, None, Some(message), None, None) => {
                    let (protocol, bytes) = message.packet(addresses, &payload)?;
                    (protocol, bytes, 2..4)
                }
                (None, None, None, None, Some(number), None) => (IpNumber(number), payload, 0..0),
                (None, None, None, None, None, Some(Tunnel::Ipip)) => {
                    (carried.context("tunnel is for packets that go out")?.protocol, payload, 0..0)
                }
                _ => bail!("a packet has one of tcp, udp, sctp, icmp, protocol and tunnel, or udp with the tunnel gue"),
            };
        ensure!(self.checksum == Checksum::Right || !checksum.is_empty(), "protocol {} has no checksum", protocol.0);
        self.checksum.spoil(&mut bytes[checksum]);
        Ok((protocol, bytes))
    }

    fn payload(&self, carried: Option<Carried<'_>>) -> Result<Vec<u8>> {
        match (self.payload, &self.data, self.tunnel) {
            (None, None, None) => Ok(Vec::new()),
            (Some(length), None, None) => Ok((0..length).map(|index| index as u8).collect()),
            (None, Some(Bytes(data)), None) => Ok(data.clone()),
            (None, None, Some(tunnel)) => Ok(tunnel.payload(carried.context("tunnel is for packets that go out")?)),
            _ => bail!("a packet has one of payload, data and tunnel"),
        }
    }
}

/// Whether a checksum is right: `bad` is a wrong one, `none` is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Checksum {
    #[default]
    Right,
    Bad,
    None,
}

impl Checksum {
    /// Spoils a checksum that is right.
    pub(super) fn spoil(self, bytes: &mut [u8]) {
        match self {
            Self::Right => {}
            Self::Bad => bytes.iter_mut().for_each(|byte| *byte ^= 0x55),
            Self::None => bytes.fill(0),
        }
    }
}
