//! How vectors write addresses, ports and bytes.

use anyhow::{Context, Error, Result, bail};
use etherparse::TcpHeader;
use lb_common::wire::Mac;
use serde::Deserialize;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// An Ethernet address: `02:00:00:00:00:01`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Ethernet(pub Mac);

/// Bytes in hexadecimal, spaces wherever they help: `0800 4500`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Bytes(pub Vec<u8>);

/// Source and destination address: `10.0.0.1 > 192.0.2.10`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Addresses {
    /// Source.
    pub from: Ipv4Addr,
    /// Destination.
    pub to: Ipv4Addr,
}

/// Source and destination port: `40000 > 443`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Ports {
    /// Source.
    pub from: u16,
    /// Destination.
    pub to: u16,
}

/// Ports and flags of a TCP segment: `40000 > 443 SA`. Flags are `S`, `A`, `P`, `F`, `R` and `U`, or none at all.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Segment {
    ports: Ports,
    flags: String,
}

impl Segment {
    /// The TCP header, but for its checksum.
    pub(super) fn header(&self) -> TcpHeader {
        let has = |flag| self.flags.contains(flag);
        let mut header = TcpHeader::new(self.ports.from, self.ports.to, 1_000, 65_535);
        (header.syn, header.ack, header.psh) = (has('S'), has('A'), has('P'));
        (header.fin, header.rst, header.urg) = (has('F'), has('R'), has('U'));
        header
    }
}

impl TryFrom<String> for Ethernet {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let octets = hex::decode(text.replace(':', "")).ok().and_then(|bytes| bytes.try_into().ok());
        octets
            .map(|octets| Self(Mac::new(octets)))
            .with_context(|| format!("{text:?} is not an Ethernet address, as 02:00:00:00:00:01"))
    }
}

impl TryFrom<String> for Bytes {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let bytes = hex::decode(text.replace(' ', ""));
        bytes.map(Self).with_context(|| format!("{text:?} is not bytes in hexadecimal, as 0800 4500"))
    }
}

impl TryFrom<String> for Addresses {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let pair = pair(&text).map(|(from, to)| Self { from, to });
        pair.with_context(|| format!("{text:?} is not two IPv4 addresses, as 10.0.0.1 > 192.0.2.10"))
    }
}

impl TryFrom<String> for Ports {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let pair = pair(&text).map(|(from, to)| Self { from, to });
        pair.with_context(|| format!("{text:?} is not two ports, as 40000 > 443"))
    }
}

impl TryFrom<String> for Segment {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let (ports, flags) = match text.rsplit_once(' ') {
            Some((ports, flags)) if flags.starts_with(|c: char| c.is_ascii_uppercase()) => (ports, flags),
            _ => (text.as_str(), ""),
        };
        if let Some(unknown) = flags.chars().find(|flag| !"SAPFRU".contains(*flag)) {
            bail!("{text:?}: there is no TCP flag {unknown:?}: use S, A, P, F, R and U");
        }
        Ok(Self { ports: Ports::try_from(ports.to_owned())?, flags: flags.to_owned() })
    }
}

fn pair<T: FromStr>(text: &str) -> Option<(T, T)> {
    let (from, to) = text.split_once(" > ")?;
    Some((from.parse().ok()?, to.parse().ok()?))
}
