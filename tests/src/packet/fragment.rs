//! Fragments: the description is that of the whole packet, and each fragment says which part of it it carries.

use anyhow::{Context, Result, ensure};
use etherparse::IpFragOffset;
use serde::Deserialize;

/// A part of a packet: `{ id = 7, offset = 1480, length = 1480 }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fragment {
    /// Identification of the packet; IPv4 has 16 bits for it.
    pub(super) id: u32,
    /// Where the part begins, in bytes; a multiple of 8.
    #[serde(default)]
    offset: u16,
    /// How long it is; to the packet's end by default.
    length: Option<usize>,
    /// What the header says of further fragments, if not the truth.
    more: Option<bool>,
}

impl Fragment {
    /// Offset as the headers have it.
    pub(super) fn offset(&self) -> Result<IpFragOffset> {
        ensure!(self.offset.is_multiple_of(8), "a fragment's offset is a multiple of 8, not {}", self.offset);
        Ok(IpFragOffset::try_new(self.offset / 8)?)
    }

    /// The part of `whole`, the fragmentable bytes of the packet, and whether the header says that more follow.
    pub(super) fn part(&self, whole: &[u8]) -> Result<(Vec<u8>, bool)> {
        let start = usize::from(self.offset);
        let rest = whole.get(start..).with_context(|| {
            format!("a fragment begins at {start}, but the packet has only {} bytes for its fragments", whole.len())
        })?;
        let length = self.length.unwrap_or(rest.len());
        let part = rest.get(..length).with_context(|| {
            format!("a fragment has {length} bytes, but the packet has only {} from {start} on", rest.len())
        })?;
        Ok((part.to_vec(), self.more.unwrap_or(length < rest.len())))
    }
}
