//! Packets inside of packets.

use super::link::Link;
use anyhow::{Context, Result, bail};
use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice};
use serde::Deserialize;

/// How a packet is carried inside of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tunnel {
    /// Directly behind the outer IP header.
    Ipip,
    /// In UDP, behind a header of generic UDP encapsulation (draft-ietf-intarea-gue, variant 0).
    Gue,
}

impl Tunnel {
    /// What is behind the outer IP header, and behind the UDP header if there is one.
    pub fn payload(self, carried: Carried<'_>) -> Vec<u8> {
        match self {
            Self::Ipip => carried.packet.to_vec(),
            // Version, control bit and header length are 0, then the protocol, and no flags.
            Self::Gue => [&[0, carried.protocol.0, 0, 0], carried.packet].concat(),
        }
    }
}

/// An IP packet that another one carries.
#[derive(Clone, Copy, Debug)]
pub struct Carried<'f> {
    /// The protocol number that it has there.
    pub protocol: IpNumber,
    /// The packet.
    pub packet: &'f [u8],
    /// What is behind it in the frame.
    pub padding: &'f [u8],
}

impl<'f> Carried<'f> {
    /// The IP packet in `frame`.
    ///
    /// # Errors
    /// When there is none, or not all of it.
    pub fn of(frame: &'f [u8]) -> Result<Self> {
        let (_, _, rest) = Link::split(frame)?;
        let (protocol, length) = match rest.first().map(|byte| byte >> 4) {
            Some(4) => (IpNumber::IPV4, Ipv4HeaderSlice::from_slice(rest)?.total_len().into()),
            Some(6) => {
                let header = Ipv6HeaderSlice::from_slice(rest)?;
                (IpNumber::IPV6, header.slice().len() + usize::from(header.payload_length()))
            }
            _ => bail!("the frame holds no IP packet"),
        };
        let (packet, padding) = rest.split_at_checked(length).context("the frame ends in its IP packet")?;
        Ok(Self { protocol, packet, padding })
    }
}
