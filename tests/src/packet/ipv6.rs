//! The IPv6 header, and the chain of its extension headers.

use super::extension::Extension;
use super::ip::{IpKeys, IpPacket};
use anyhow::{Context, Result, ensure};
use etherparse::{IpNumber, Ipv6FlowLabel, Ipv6FragmentHeader, Ipv6Header};
use serde::Deserialize;
use std::net::Ipv6Addr;

/// What a description says of IPv6 alone.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Ipv6Keys {
    flow_label: u32,
    extensions: Vec<Extension>,
    /// What the header says of the length of everything behind it, in bytes.
    payload_length: Option<u16>,
}

impl Ipv6Keys {
    /// The packet with the payload `whole`, or the fragment of it that is described.
    pub(super) fn packet(
        &self,
        ip: &IpKeys,
        (from, to): (Ipv6Addr, Ipv6Addr),
        protocol: IpNumber,
        whole: Vec<u8>,
    ) -> Result<IpPacket> {
        let (next_header, chain, payload) = self.chain(ip, protocol, whole)?;
        let mut header = Ipv6Header {
            traffic_class: 0,
            flow_label: Ipv6FlowLabel::try_new(self.flow_label).context("flow-label")?,
            payload_length: (chain.len() + payload.len()).try_into().context("too long for IPv6")?,
            next_header,
            hop_limit: ip.ttl,
            source: from.octets(),
            destination: to.octets(),
        };
        header.set_dscp(ip.dscp()?);
        header.set_ecn(ip.ecn.0);
        header.payload_length = self.payload_length.unwrap_or(header.payload_length);
        let mut header = header.to_bytes().to_vec();
        header[0] = ip.first_byte(header[0]);
        header.extend(chain);
        Ok(IpPacket { header, payload })
    }

    /// The number of the first extension header, the extension headers, and the payload behind them. Of a fragment, those behind the
    /// fragment header are part of the payload that it is a part of.
    fn chain(&self, ip: &IpKeys, protocol: IpNumber, whole: Vec<u8>) -> Result<(IpNumber, Vec<u8>, Vec<u8>)> {
        let place = self.extensions.iter().position(|extension| *extension == Extension::Fragment);
        let Some(fragment) = &ip.fragment else {
            ensure!(place.is_none(), "the extension \"fragment\" needs the key fragment");
            let (first, headers) = linked(&self.extensions, protocol)?;
            return Ok((first, headers, whole));
        };
        let (before, behind) = self.extensions.split_at(place.unwrap_or(self.extensions.len()));
        let behind = behind.get(1..).unwrap_or_default();

        let (fragmented, mut fragmentable) = linked(behind, protocol)?;
        fragmentable.extend(whole);
        let (part, more) = fragment.part(&fragmentable)?;
        let header = Ipv6FragmentHeader::new(fragmented, fragment.offset()?, more, fragment.id);
        let (first, mut headers) = linked(before, IpNumber::IPV6_FRAGMENTATION_HEADER)?;
        headers.extend(header.to_bytes());
        Ok((first, headers, part))
    }
}

/// The extension headers one behind the other, in front of the header `last`, and the number of the first.
fn linked(extensions: &[Extension], last: IpNumber) -> Result<(IpNumber, Vec<u8>)> {
    let mut next = last;
    let mut headers = Vec::new();
    for extension in extensions.iter().rev() {
        headers.splice(..0, extension.bytes(next)?);
        next = extension.number();
    }
    Ok((next, headers))
}
