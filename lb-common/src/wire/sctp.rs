use super::{Be16, Quad};
use crate::frame::Header;

/// SCTP common header and the type of the first chunk (RFC 9260, 3.1 and 3.2).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Sctp {
    /// The sender's port.
    pub source: Be16,
    /// The receiver's port.
    pub destination: Be16,
    verification_tag: Quad,
    checksum: Quad,
    first_chunk: u8,
    chunk_flags: u8,
    chunk_length: Be16,
}

// SAFETY: eight 16-bit words, one of them two bytes.
unsafe impl Header for Sctp {}

impl Sctp {
    const INIT: u8 = 1;
    const ABORT: u8 = 6;
    const SHUTDOWN: u8 = 7;
    const SHUTDOWN_ACK: u8 = 8;
    const SHUTDOWN_COMPLETE: u8 = 14;

    /// Whether the packet asks for a new association. An INIT chunk comes alone.
    #[inline(always)]
    pub fn opens(&self) -> bool {
        self.first_chunk == Self::INIT
    }

    /// Whether the sender is done.
    #[inline(always)]
    pub fn closes(&self) -> bool {
        matches!(self.first_chunk, Self::ABORT | Self::SHUTDOWN | Self::SHUTDOWN_ACK | Self::SHUTDOWN_COMPLETE)
    }
}
