//! The IPv4 header.

use super::ip::{IpKeys, IpPacket};
use super::notation::Bytes;
use super::transport::Checksum;
use anyhow::{Context, Result, ensure};
use etherparse::{IpFragOffset, IpNumber, Ipv4Header, Ipv4Options};
use serde::Deserialize;
use std::net::Ipv4Addr;

/// What a description says of IPv4 alone.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Ipv4Keys {
    /// Identification of a packet that is no fragment.
    id: Option<u16>,
    /// A multiple of 4 bytes.
    options: Bytes,
    dont_fragment: bool,
    /// What the header says of its own length, in words of 4 bytes.
    ihl: Option<u8>,
    /// What the header says of the packet's length, in bytes.
    total_length: Option<u16>,
    header_checksum: Checksum,
}

impl Ipv4Keys {
    /// The packet with the payload `whole`, or the fragment of it that is described.
    pub(super) fn packet(
        &self,
        ip: &IpKeys,
        (from, to): (Ipv4Addr, Ipv4Addr),
        protocol: IpNumber,
        whole: Vec<u8>,
    ) -> Result<IpPacket> {
        let (payload, id, offset, more) = match &ip.fragment {
            None => (whole, self.id.unwrap_or(0), IpFragOffset::ZERO, false),
            Some(fragment) => {
                ensure!(self.id.is_none(), "the id of a fragment belongs into fragment");
                let (part, more) = fragment.part(&whole)?;
                (part, fragment.id.try_into().context("an IPv4 id has 16 bits")?, fragment.offset()?, more)
            }
        };
        let mut header = Ipv4Header::new(0, ip.ttl, protocol, from.octets(), to.octets())?;
        header.dscp = ip.dscp()?;
        header.ecn = ip.ecn.0;
        header.identification = id;
        header.dont_fragment = self.dont_fragment;
        header.more_fragments = more;
        header.fragment_offset = offset;
        header.options = Ipv4Options::try_from(self.options.0.as_slice()).context("options")?;
        header.set_payload_len(payload.len()).context("too long for IPv4")?;
        header.header_checksum = header.calc_header_checksum();
        let mut header = header.to_bytes().to_vec();
        self.lie(&mut header);
        header[0] = ip.first_byte(header[0]);
        Ok(IpPacket { header, payload })
    }

    /// Writes what the header says instead of the truth.
    fn lie(&self, header: &mut [u8]) {
        if let Some(words) = self.ihl {
            header[0] = header[0] & 0xf0 | words & 0x0f;
        }
        if let Some(length) = self.total_length {
            header[2..4].copy_from_slice(&length.to_be_bytes());
        }
        self.header_checksum.spoil(&mut header[10..12]);
    }
}
