//! ICMP and ICMPv6.

use super::Packet;
use super::notation::Addresses;
use anyhow::{Context, Error, Result, bail};
use etherparse::{IcmpEchoHeader, Icmpv4Header, Icmpv4Type, Icmpv6Header, Icmpv6Type, IpNumber};
use serde::Deserialize;
use toml::Value;

/// A message: `"echo-request 7 1"`, `{ error = "port-unreachable", about = { ... } }` or `{ type = 13, code = 0 }`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(super) enum Message {
    EchoRequest(IcmpEchoHeader),
    EchoReply(IcmpEchoHeader),
    Error(ErrorKeys),
    Other(OtherKeys),
}

/// An error message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ErrorKeys {
    error: ErrorName,
    /// The largest packet that gets on, in bytes.
    mtu: Option<u32>,
    /// Offset of the byte that is wrong.
    pointer: Option<u32>,
    /// The packet that the message is about, which it quotes.
    about: Option<Box<Packet>>,
    /// How many bytes of it are quoted behind its IP headers; all by default.
    bytes: Option<usize>,
}

/// Any other message, by its numbers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OtherKeys {
    r#type: u8,
    #[serde(default)]
    code: u8,
}

/// The name of a kind of error.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct ErrorName(&'static Kind);

/// A kind of error, with its type and code in ICMP and in ICMPv6.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    v4: Option<(u8, u8)>,
    v6: Option<(u8, u8)>,
}

const KINDS: [Kind; 12] = [
    Kind { name: "destination-unreachable", v4: Some((3, 0)), v6: Some((1, 0)) },
    Kind { name: "host-unreachable", v4: Some((3, 1)), v6: Some((1, 3)) },
    Kind { name: "protocol-unreachable", v4: Some((3, 2)), v6: Some((4, 1)) },
    Kind { name: "port-unreachable", v4: Some((3, 3)), v6: Some((1, 4)) },
    Kind { name: "prohibited", v4: Some((3, 13)), v6: Some((1, 1)) },
    Kind { name: "fragmentation-needed", v4: Some((3, 4)), v6: None },
    Kind { name: "packet-too-big", v4: None, v6: Some((2, 0)) },
    Kind { name: "source-quench", v4: Some((4, 0)), v6: None },
    Kind { name: "redirect", v4: Some((5, 1)), v6: None },
    Kind { name: "time-exceeded", v4: Some((11, 0)), v6: Some((3, 0)) },
    Kind { name: "reassembly-time-exceeded", v4: Some((11, 1)), v6: Some((3, 1)) },
    Kind { name: "parameter-problem", v4: Some((12, 0)), v6: Some((4, 0)) },
];

impl Message {
    /// The message in a packet with these addresses, and the number of its protocol. The quotation and `payload` end it.
    pub(super) fn packet(&self, addresses: Addresses, payload: &[u8]) -> Result<(IpNumber, Vec<u8>)> {
        let payload = [&self.quotation()?, payload].concat();
        match addresses {
            Addresses::V4 { .. } => {
                let header = Icmpv4Header::with_checksum(self.v4()?, &payload);
                Ok((IpNumber::ICMP, [&header.to_bytes()[..], &payload].concat()))
            }
            Addresses::V6 { from, to } => {
                let header = Icmpv6Header::with_checksum(self.v6()?, from.octets(), to.octets(), &payload)?;
                Ok((IpNumber::IPV6_ICMP, [&header.to_bytes()[..], &payload].concat()))
            }
        }
    }

    fn quotation(&self) -> Result<Vec<u8>> {
        match self {
            Self::Error(ErrorKeys { about: Some(packet), bytes, .. }) => packet.quotation(*bytes).context("about"),
            _ => Ok(Vec::new()),
        }
    }

    fn v4(&self) -> Result<Icmpv4Type> {
        let numbers = |(type_u8, code_u8), bytes5to8| Icmpv4Type::Unknown { type_u8, code_u8, bytes5to8 };
        Ok(match self {
            Self::EchoRequest(echo) => Icmpv4Type::EchoRequest(*echo),
            Self::EchoReply(echo) => Icmpv4Type::EchoReply(*echo),
            Self::Other(OtherKeys { r#type, code }) => numbers((*r#type, *code), [0; 4]),
            Self::Error(ErrorKeys { error: ErrorName(error), mtu, pointer, .. }) => {
                let kind = error.v4.with_context(|| format!("{} is an error of IPv6", error.name))?;
                let pointer = pointer.unwrap_or(0).try_into().context("pointer")?;
                let [high, low] = u16::try_from(mtu.unwrap_or(0)).context("mtu")?.to_be_bytes();
                numbers(kind, [pointer, 0, high, low])
            }
        })
    }

    fn v6(&self) -> Result<Icmpv6Type> {
        let numbers = |(type_u8, code_u8), bytes5to8| Icmpv6Type::Unknown { type_u8, code_u8, bytes5to8 };
        Ok(match self {
            Self::EchoRequest(echo) => Icmpv6Type::EchoRequest(*echo),
            Self::EchoReply(echo) => Icmpv6Type::EchoReply(*echo),
            Self::Other(OtherKeys { r#type, code }) => numbers((*r#type, *code), [0; 4]),
            Self::Error(ErrorKeys { error: ErrorName(error), mtu, pointer, .. }) => {
                let kind = error.v6.with_context(|| format!("{} is an error of IPv4", error.name))?;
                numbers(kind, mtu.or(*pointer).unwrap_or(0).to_be_bytes())
            }
        })
    }
}

impl TryFrom<Value> for Message {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        match value {
            Value::String(text) => echo(&text),
            Value::Table(table) if table.contains_key("error") => Ok(Self::Error(table.try_into()?)),
            Value::Table(table) => Ok(Self::Other(table.try_into()?)),
            other => bail!("{other} is no ICMP message"),
        }
    }
}

/// Reads `echo-request 7 1`: identifier and sequence number.
fn echo(text: &str) -> Result<Message> {
    let words: Vec<&str> = text.split(' ').collect();
    let header = |id: &str, seq: &str| Some(IcmpEchoHeader { id: id.parse().ok()?, seq: seq.parse().ok()? });
    match words[..] {
        ["echo-request", id, seq] => header(id, seq).map(Message::EchoRequest),
        ["echo-reply", id, seq] => header(id, seq).map(Message::EchoReply),
        _ => None,
    }
    .with_context(|| {
        format!("{text:?} is no ICMP message, as \"echo-request 7 1\" or {{ error = \"port-unreachable\" }}")
    })
}

impl TryFrom<String> for ErrorName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        KINDS.iter().find(|kind| kind.name == text).map(Self).with_context(|| {
            let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            format!("there is no ICMP error {text:?}: use {}", names.join(", "))
        })
    }
}
