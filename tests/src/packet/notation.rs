//! How vectors write addresses, ports and bytes.

use anyhow::{Context, Error, Result};
use lb_common::wire::Mac;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An Ethernet address: `02:00:00:00:00:01`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Ethernet(pub Mac);

/// Bytes in hexadecimal, spaces wherever they help: `0800 4500`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Bytes(pub Vec<u8>);

/// Source and destination address, of one family: `10.0.0.1 > 192.0.2.10`, `2001:db8::1 > 2001:db8:ffff::10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Addresses {
    /// IPv4.
    V4 {
        /// Source.
        from: Ipv4Addr,
        /// Destination.
        to: Ipv4Addr,
    },
    /// IPv6.
    V6 {
        /// Source.
        from: Ipv6Addr,
        /// Destination.
        to: Ipv6Addr,
    },
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

impl Addresses {
    /// The pair, unless the two are of different families.
    pub fn new(from: IpAddr, to: IpAddr) -> Option<Self> {
        match (from, to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => Some(Self::V4 { from, to }),
            (IpAddr::V6(from), IpAddr::V6(to)) => Some(Self::V6 { from, to }),
            _ => None,
        }
    }

    /// The addresses of the way back.
    pub fn reversed(self) -> Self {
        match self {
            Self::V4 { from, to } => Self::V4 { from: to, to: from },
            Self::V6 { from, to } => Self::V6 { from: to, to: from },
        }
    }
}

/// Ports, and the words behind them: `40000 > 443 SA`.
pub(super) fn ports_and_words(text: &str) -> Result<(Ports, Vec<&str>)> {
    let words: Vec<&str> = text.split(' ').collect();
    let (ports, words) = words.split_at(words.len().min(3));
    Ok((Ports::try_from(ports.join(" "))?, words.to_vec()))
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
        let addresses = pair(&text).and_then(|(from, to)| Self::new(from, to));
        addresses.with_context(|| format!("{text:?} is not two addresses of one family, as 10.0.0.1 > 192.0.2.10"))
    }
}

impl TryFrom<String> for Ports {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let pair = pair(&text).map(|(from, to)| Self { from, to });
        pair.with_context(|| format!("{text:?} is not two ports, as 40000 > 443"))
    }
}

fn pair<T: FromStr>(text: &str) -> Option<(T, T)> {
    let (from, to) = text.split_once(" > ")?;
    Some((from.parse().ok()?, to.parse().ok()?))
}
