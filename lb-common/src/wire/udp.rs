use super::Be16;
use crate::frame::Header;

/// UDP header (RFC 768).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Udp {
    /// The sender's port.
    pub source: Be16,
    /// The receiver's port.
    pub destination: Be16,
    /// Bytes of the datagram, this header included.
    pub length: Be16,
    /// Of the datagram and a pseudo-header; 0 for none.
    pub checksum: Be16,
}

// SAFETY: four 16-bit words.
unsafe impl Header for Udp {}
