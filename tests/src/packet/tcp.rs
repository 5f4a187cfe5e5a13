//! TCP.

use super::notation::{Addresses, Bytes, Ports, ports_and_words};
use anyhow::{Context, Error, Result, bail};
use etherparse::TcpHeader;
use serde::Deserialize;

/// What a description says of a TCP segment.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct TcpKeys {
    pub(super) tcp: Option<Segment>,
    /// A multiple of 4 bytes.
    tcp_options: Bytes,
    /// What the header says of its own length, in words of 4 bytes.
    data_offset: Option<u8>,
}

/// Ports and flags: `40000 > 443 SA`. Flags are `S`, `A`, `P`, `F`, `R`, `U`, `E` and `C`, or none at all.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Segment {
    ports: Ports,
    flags: String,
}

impl TcpKeys {
    /// The segment with this payload.
    pub(super) fn segment(&self, segment: &Segment, addresses: Addresses, payload: &[u8]) -> Result<Vec<u8>> {
        let mut header = segment.header();
        header.set_options_raw(&self.tcp_options.0).context("tcp-options")?;
        header.checksum = match addresses {
            Addresses::V4 { from, to } => header.calc_checksum_ipv4_raw(from.octets(), to.octets(), payload)?,
            Addresses::V6 { from, to } => header.calc_checksum_ipv6_raw(from.octets(), to.octets(), payload)?,
        };
        let mut bytes = header.to_bytes().to_vec();
        if let Some(words) = self.data_offset {
            bytes[12] = words << 4;
        }
        bytes.extend(payload);
        Ok(bytes)
    }

    /// Whether something is said that only a TCP segment has.
    pub(super) fn has_details(&self) -> bool {
        self.data_offset.is_some() || !self.tcp_options.0.is_empty()
    }
}

impl Segment {
    /// The header, but for options and checksum.
    fn header(&self) -> TcpHeader {
        let has = |flag| self.flags.contains(flag);
        let mut header = TcpHeader::new(self.ports.from, self.ports.to, 1_000, 65_535);
        (header.syn, header.ack, header.psh) = (has('S'), has('A'), has('P'));
        (header.fin, header.rst, header.urg) = (has('F'), has('R'), has('U'));
        (header.ece, header.cwr) = (has('E'), has('C'));
        header
    }
}

impl TryFrom<String> for Segment {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let (ports, words) = ports_and_words(&text)?;
        let flags = words.join(" ");
        if let Some(unknown) = flags.chars().find(|flag| !"SAPFRUEC".contains(*flag)) {
            bail!("{text:?}: there is no TCP flag {unknown:?}: use S, A, P, F, R, U, E and C");
        }
        Ok(Self { ports, flags })
    }
}
