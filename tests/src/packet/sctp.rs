//! SCTP (RFC 9260).

use super::notation::{Ports, ports_and_words};
use anyhow::{Context, Error, Result, ensure};
use crc::{CRC_32_ISCSI, Crc};
use serde::Deserialize;
use std::ops::Range;

/// The bytes of the checksum.
pub(super) const CHECKSUM: Range<usize> = 8..12;

const CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Ports and chunks: `40000 > 443 INIT`, `40000 > 443 COOKIE-ECHO DATA`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Chunks {
    ports: Ports,
    kinds: Vec<&'static Kind>,
}

/// A type of chunk.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    number: u8,
    flags: u8,
    /// What every chunk of this type begins with.
    fields: &'static [u8],
}

/// Initiate tag, window, streams out, streams in, and the first sequence number.
const INIT: &[u8] = &[0, 0, 0, 1, 0, 0, 255, 255, 0, 1, 0, 1, 0, 0, 0, 1];

const KINDS: [Kind; 13] = [
    // An unfragmented message: sequence number, stream, number in the stream, payload protocol.
    Kind { name: "DATA", number: 0, flags: 3, fields: &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0] },
    Kind { name: "INIT", number: 1, flags: 0, fields: INIT },
    Kind { name: "INIT-ACK", number: 2, flags: 0, fields: INIT },
    // Everything up to the first sequence number, no gaps, no duplicates.
    Kind { name: "SACK", number: 3, flags: 0, fields: &[0, 0, 0, 1, 0, 0, 255, 255, 0, 0, 0, 0] },
    // One parameter: heartbeat information without content.
    Kind { name: "HEARTBEAT", number: 4, flags: 0, fields: &[0, 1, 0, 4] },
    Kind { name: "HEARTBEAT-ACK", number: 5, flags: 0, fields: &[0, 1, 0, 4] },
    Kind { name: "ABORT", number: 6, flags: 0, fields: &[] },
    Kind { name: "SHUTDOWN", number: 7, flags: 0, fields: &[0, 0, 0, 1] },
    Kind { name: "SHUTDOWN-ACK", number: 8, flags: 0, fields: &[] },
    Kind { name: "ERROR", number: 9, flags: 0, fields: &[] },
    Kind { name: "COOKIE-ECHO", number: 10, flags: 0, fields: &[] },
    Kind { name: "COOKIE-ACK", number: 11, flags: 0, fields: &[] },
    Kind { name: "SHUTDOWN-COMPLETE", number: 14, flags: 0, fields: &[] },
];

impl Chunks {
    /// The SCTP packet. The payload ends the last chunk.
    pub(super) fn packet(&self, payload: &[u8]) -> Result<Vec<u8>> {
        let Ports { from, to } = self.ports;
        // The sender of an INIT does not know the receiver's verification tag yet.
        let tag: u32 = if self.kinds.iter().any(|kind| kind.name == "INIT") { 0 } else { 0x0102_0304 };
        let mut packet = [&from.to_be_bytes()[..], &to.to_be_bytes(), &tag.to_be_bytes(), &[0; 4]].concat();
        for (number, kind) in (1..).zip(&self.kinds) {
            let payload = if number == self.kinds.len() { payload } else { &[] };
            packet.extend(kind.chunk(payload)?);
        }
        // RFC 9260, appendix A: the CRC's least significant byte comes first.
        let checksum = CRC32C.checksum(&packet).to_le_bytes();
        packet[CHECKSUM].copy_from_slice(&checksum);
        Ok(packet)
    }
}

impl Kind {
    fn chunk(&self, payload: &[u8]) -> Result<Vec<u8>> {
        let length = u16::try_from(4 + self.fields.len() + payload.len()).context("too long for an SCTP chunk")?;
        let mut chunk = [&[self.number, self.flags], &length.to_be_bytes()[..], self.fields, payload].concat();
        chunk.resize(chunk.len().next_multiple_of(4), 0);
        Ok(chunk)
    }
}

impl TryFrom<String> for Chunks {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let (ports, words) = ports_and_words(&text)?;
        ensure!(!words.is_empty(), "{text:?} has no chunk, as 40000 > 443 INIT");
        let kinds = words.into_iter().map(|word| {
            let kind = KINDS.iter().find(|kind| kind.name == word);
            kind.with_context(|| {
                let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                format!("there is no SCTP chunk {word:?}: use {}", names.join(", "))
            })
        });
        Ok(Self { ports, kinds: kinds.collect::<Result<_>>()? })
    }
}
