use crate::config::Protocol;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Which packet is meant, as the query of `GET /v1/explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainRequest {
    /// Whom it is from.
    pub client: SocketAddr,
    /// What it is for.
    pub vip: SocketAddr,
    /// Its transport protocol.
    #[serde(default = "default_protocol")]
    pub protocol: Protocol,
    /// Its flags; a SYN by default. A UDP packet has none.
    pub flags: Option<Flags>,
}

fn default_protocol() -> Protocol {
    Protocol::Tcp
}

/// TCP flags, as text: `syn`, `syn,ack`. Of an SCTP packet they mean its first chunk: INIT for `syn`, SHUTDOWN for `fin`, ABORT for `rst`,
/// DATA for anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Flags(u8);

impl Flags {
    /// The sender is done.
    pub const FIN: Self = Self(0x01);
    /// A connection is to begin.
    pub const SYN: Self = Self(0x02);
    /// The connection is over.
    pub const RST: Self = Self(0x04);

    const NAMES: [(&str, u8); 6] =
        [("syn", 0x02), ("ack", 0x10), ("fin", 0x01), ("rst", 0x04), ("psh", 0x08), ("urg", 0x20)];

    /// Those of these bits in a TCP header that have a name here.
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & 0x3f)
    }

    /// Their bits in a TCP header.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Whether all of `flags` are among them.
    pub fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }
}

/// Why a text is not [`Flags`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no flag {0:?}: use syn, ack, fin, rst, psh or urg, or several with commas between them")]
pub struct InvalidFlags(String);

impl FromStr for Flags {
    type Err = InvalidFlags;

    fn from_str(text: &str) -> Result<Self, InvalidFlags> {
        let bit = |name: &str| {
            let named = Self::NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
            named.map(|(_, bit)| *bit).ok_or_else(|| InvalidFlags(name.to_owned()))
        };
        text.split(',').try_fold(0, |bits, name| Ok(bits | bit(name.trim())?)).map(Self)
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Self::NAMES.iter().filter(|(_, bit)| self.0 & bit != 0).map(|(name, _)| *name).collect();
        f.pad(&names.join(","))
    }
}

impl From<Flags> for String {
    fn from(flags: Flags) -> Self {
        flags.to_string()
    }
}

impl TryFrom<String> for Flags {
    type Error = InvalidFlags;

    fn try_from(text: String) -> Result<Self, InvalidFlags> {
        text.parse()
    }
}

/// `GET /v1/explain`: what would become of a packet at this moment, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What was looked up, in order.
    pub steps: Vec<Step>,
    /// `forwarded`, `answered`, `passed` or `dropped`.
    pub action: String,
    /// Name of the verdict, as in `GET /v1/counters`.
    pub reason: String,
    /// Where a forwarded packet goes.
    pub to: Option<Way>,
    /// What would change that.
    pub changes: Vec<String>,
}

/// One step of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was asked.
    pub step: String,
    /// What the answer was.
    pub finding: String,
}

/// The way to a back-end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The service.
    pub service: String,
    /// The back-end.
    pub backend: String,
    /// Its address.
    pub address: IpAddr,
    /// `l2-dsr`, `ipip` or `gue`.
    pub forwarding: String,
    /// The interface that the packet leaves by.
    pub interface: String,
    /// The Ethernet address that it is sent to.
    pub mac: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_flags_are_the_same() {
        for (text, bits) in [("syn", 0x02), ("syn,ack", 0x12), ("ack,fin,psh", 0x19), ("rst", 0x04), ("urg", 0x20)] {
            assert_eq!(text.parse::<Flags>().map(Flags::bits), Ok(bits));
            assert_eq!(Flags::from_bits(bits).to_string(), text);
        }
        assert_eq!("syn,ece".parse::<Flags>(), Err(InvalidFlags("ece".to_owned())));
        assert!("".parse::<Flags>().is_err());
    }
}
