//! UDP.

use super::notation::{Addresses, Ports};
use anyhow::Result;
use etherparse::UdpHeader;
use serde::Deserialize;

/// What a description says of a UDP datagram.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct UdpKeys {
    pub(super) udp: Option<Ports>,
    /// What the header says of the datagram's length, in bytes.
    udp_length: Option<u16>,
}

impl UdpKeys {
    /// The datagram with this payload.
    pub(super) fn datagram(&self, ports: Ports, addresses: Addresses, payload: &[u8]) -> Result<Vec<u8>> {
        let Ports { from: source_port, to: destination_port } = ports;
        let length = u16::try_from(UdpHeader::LEN + payload.len())?;
        let mut header = UdpHeader { source_port, destination_port, length, checksum: 0 };
        header.checksum = match addresses {
            Addresses::V4 { from, to } => header.calc_checksum_ipv4_raw(from.octets(), to.octets(), payload)?,
            Addresses::V6 { from, to } => header.calc_checksum_ipv6_raw(from.octets(), to.octets(), payload)?,
        };
        header.length = self.udp_length.unwrap_or(length);
        Ok([&header.to_bytes(), payload].concat())
    }

    /// Whether something is said that only a UDP datagram has.
    pub(super) fn has_details(&self) -> bool {
        self.udp_length.is_some()
    }
}
