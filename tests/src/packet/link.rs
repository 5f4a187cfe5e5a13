//! The Ethernet header, with its VLAN tags.

use super::notation::Ethernet;
use anyhow::{Context, Error, Result, bail, ensure};
use etherparse::{EtherType, Ethernet2Header, SingleVlanHeader, VlanId, VlanPcp};
use lb_common::wire::Mac;
use serde::Deserialize;
use toml::Value;

/// What a description says of it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct LinkKeys {
    from: Option<Ethernet>,
    to: Option<Ethernet>,
    #[serde(default)]
    vlan: Tags,
    /// What the header says of the packet in it instead of the truth.
    ether_type: Option<u16>,
}

impl LinkKeys {
    /// The header; without addresses of its own it has those of `default`.
    pub(super) fn link(&self, default: &Link) -> Link {
        let address = |own: Option<Ethernet>, default| own.map_or(default, |Ethernet(mac)| mac);
        Link { from: address(self.from, default.from), to: address(self.to, default.to), tags: self.vlan.0.clone() }
    }

    /// The lie about the packet in it, otherwise `truth`.
    pub(super) fn ether_type(&self, truth: EtherType) -> EtherType {
        self.ether_type.map_or(truth, EtherType)
    }

    /// Whether nothing is said.
    pub(super) fn is_empty(&self) -> bool {
        self.from.is_none() && self.to.is_none() && self.vlan.0.is_empty() && self.ether_type.is_none()
    }
}

/// An Ethernet header with its VLAN tags.
#[derive(Clone, Debug)]
pub struct Link {
    /// Source.
    pub from: Mac,
    /// Destination.
    pub to: Mac,
    /// The tags, the outer one first.
    pub tags: Vec<Tag>,
}

/// A VLAN tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    ether_type: EtherType,
    header: SingleVlanHeader,
}

impl Link {
    /// The header in front of a packet of type `ether_type`.
    pub fn bytes(&self, ether_type: EtherType) -> Vec<u8> {
        // Each header tells the type of the next.
        let mut types = self.tags.iter().map(|tag| tag.ether_type).chain([ether_type]);
        let mut next = || types.next().unwrap_or(ether_type);
        let ethernet =
            Ethernet2Header { source: self.from.octets(), destination: self.to.octets(), ether_type: next() };
        let mut bytes = ethernet.to_bytes().to_vec();
        for tag in &self.tags {
            bytes.extend(SingleVlanHeader { ether_type: next(), ..tag.header.clone() }.to_bytes());
        }
        bytes
    }

    /// Takes the header off a frame: the header, the type of the packet behind it, and that packet with whatever is behind it.
    ///
    /// # Errors
    /// When the frame ends in the header.
    pub fn split(frame: &[u8]) -> Result<(Self, EtherType, &[u8])> {
        let (ethernet, mut rest) = Ethernet2Header::from_slice(frame)?;
        let Ethernet2Header { source, destination, mut ether_type } = ethernet;
        let mut tags = Vec::new();
        while matches!(ether_type, EtherType::VLAN_TAGGED_FRAME | EtherType::PROVIDER_BRIDGING) {
            let (header, behind) = SingleVlanHeader::from_slice(rest)?;
            tags.push(Tag { ether_type, header: header.clone() });
            (ether_type, rest) = (header.ether_type, behind);
        }
        Ok((Self { from: Mac::new(source), to: Mac::new(destination), tags }, ether_type, rest))
    }
}

/// The tags with these identifiers, the outer one first: all but the last are service tags (802.1ad).
///
/// # Errors
/// When an identifier is above 4095.
pub fn tags(ids: &[u16]) -> Result<Vec<Tag>> {
    (1..).zip(ids).map(|(number, id)| Tag::new(*id, number == ids.len())).collect()
}

impl Tag {
    fn new(id: u16, innermost: bool) -> Result<Self> {
        let ether_type = if innermost { EtherType::VLAN_TAGGED_FRAME } else { EtherType::PROVIDER_BRIDGING };
        let header = SingleVlanHeader { vlan_id: VlanId::try_new(id)?, ..SingleVlanHeader::default() };
        Ok(Self { ether_type, header })
    }

    /// The same tag with the priority and the drop eligible indicator of `other`.
    pub fn with_priority_of(mut self, other: &Self) -> Self {
        self.header.pcp = other.header.pcp;
        self.header.drop_eligible_indicator = other.header.drop_eligible_indicator;
        self
    }

    /// Applies what a description says behind the identifier.
    fn with(mut self, words: &[&str]) -> Result<Self> {
        let rest = match words {
            [] => return Ok(self),
            ["priority", priority, rest @ ..] => {
                self.header.pcp = VlanPcp::try_new(priority.parse().context("priority")?)?;
                rest
            }
            ["802.1q", rest @ ..] => {
                self.ether_type = EtherType::VLAN_TAGGED_FRAME;
                rest
            }
            ["802.1ad", rest @ ..] => {
                self.ether_type = EtherType::PROVIDER_BRIDGING;
                rest
            }
            _ => bail!("{:?} says nothing of a tag, as \"priority 5\", 802.1q and 802.1ad do", words.join(" ")),
        };
        self.with(rest)
    }
}

/// As vectors write them: `100`, `"100 priority 5"`, `[200, 100]`.
#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "Value")]
struct Tags(Vec<Tag>);

impl TryFrom<Value> for Tags {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        let texts = values.iter().map(|value| match value {
            Value::Integer(id) => Ok(id.to_string()),
            Value::String(text) => Ok(text.clone()),
            other => bail!("{other} is not a VLAN tag, as 100 or \"100 priority 5\""),
        });
        let texts = texts.collect::<Result<Vec<String>>>()?;
        ensure!(!texts.is_empty(), "vlan has no tags: leave it out");
        let tags = (1..).zip(&texts).map(|(number, text)| {
            let words: Vec<&str> = text.split(' ').collect();
            let id = words[0].parse().with_context(|| format!("{text:?} does not begin with a VLAN identifier"))?;
            Tag::new(id, number == texts.len())?.with(&words[1..])
        });
        tags.collect::<Result<_>>().map(Self)
    }
}
