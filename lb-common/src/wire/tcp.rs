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
    /// What the segment says of its connection, as bits.
    pub flags: u8,
    window: Be16,
    checksum: Be16,
    urgent: Be16,
}

// SAFETY: ten 16-bit words, one of them two bytes.
unsafe impl Header for Tcp {}

impl Tcp {
    /// The sender is done sending.
    pub const FIN: u8 = 0x01;
    /// The sender's first segment.
    pub const SYN: u8 = 0x02;
    /// The connection is over.
    pub const RST: u8 = 0x04;
    /// The receiver is to hand its data on at once.
    pub const PSH: u8 = 0x08;
    /// The segment acknowledges.
    pub const ACK: u8 = 0x10;

    /// Length of the header in bytes, options included; 0 to 60, and below 20 the header lies.
    #[inline(always)]
    pub fn header_len(&self) -> usize {
        usize::from(self.data_offset >> 4) * 4
    }
}
