//! What both versions of IP have in common. [`super::ipv4`] and [`super::ipv6`] write the headers.

use super::fragment::Fragment;
use super::notation::Addresses;
use anyhow::{Context, Error, Result};
use etherparse::{IpDscp, IpEcn};
use serde::Deserialize;

/// What a description says of any IP packet.
#[derive(Debug, Deserialize)]
pub(super) struct IpKeys {
    #[serde(rename = "ip")]
    pub(super) addresses: Addresses,
    #[serde(default = "sixty_four", alias = "hop-limit")]
    pub(super) ttl: u8,
    #[serde(default)]
    pub(super) dscp: u8,
    #[serde(default)]
    pub(super) ecn: Ecn,
    pub(super) fragment: Option<Fragment>,
    /// What the header says instead of 4 or 6.
    pub(super) version: Option<u8>,
}

fn sixty_four() -> u8 {
    64
}

impl IpKeys {
    /// The differentiated services code point.
    pub(super) fn dscp(&self) -> Result<IpDscp> {
        IpDscp::try_new(self.dscp).context("dscp")
    }

    /// The header's first byte: `truth`, or with a lie about the version.
    pub(super) fn first_byte(&self, truth: u8) -> u8 {
        self.version.map_or(truth, |version| version << 4 | truth & 0x0f)
    }
}

/// Explicit congestion notification: `not-ect`, `ect-0`, `ect-1` or `ce`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Ecn(pub(super) IpEcn);

impl Default for Ecn {
    fn default() -> Self {
        Self(IpEcn::NotEct)
    }
}

impl TryFrom<String> for Ecn {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let ecn = match text.as_str() {
            "not-ect" => Some(IpEcn::NotEct),
            "ect-0" => Some(IpEcn::Ect0),
            "ect-1" => Some(IpEcn::Ect1),
            "ce" => Some(IpEcn::CongestionExperienced),
            _ => None,
        };
        ecn.map(Self).with_context(|| format!("{text:?} is no ECN codepoint: use not-ect, ect-0, ect-1 or ce"))
    }
}

/// An IP packet.
#[derive(Debug)]
pub(super) struct IpPacket {
    /// The IP header with its options or extension headers.
    pub(super) header: Vec<u8>,
    /// What is behind it.
    pub(super) payload: Vec<u8>,
}
