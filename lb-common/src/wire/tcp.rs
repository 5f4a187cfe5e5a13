use super::{Be16, Quad};
use crate::frame::Header;

/// TCP header without its options (RFC 9293, 3.1).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Tcp {
    /// The sender's port.
    pub source: Be16,
    /// The receiver's port.
    pub destination: Be16,
    sequence: Quad,
    acknowledgement: Quad,
    data_offset: u8,
    flags: u8,
    window: Be16,
    checksum: Be16,
    urgent: Be16,
}

// SAFETY: ten 16-bit words, one of them two bytes.
unsafe impl Header for Tcp {}

impl Tcp {
    const FIN: u8 = 0x01;
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;

    /// Whether the segment asks for a new connection: SYN without ACK.
    #[inline(always)]
    pub fn opens(&self) -> bool {
        self.flags & (Self::SYN | Self::ACK | Self::RST) == Self::SYN
    }

    /// Whether the sender is done sending: FIN or RST.
    #[inline(always)]
    pub fn closes(&self) -> bool {
        self.flags & (Self::FIN | Self::RST) != 0
    }
}
