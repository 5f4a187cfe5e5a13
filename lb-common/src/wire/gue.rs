use super::Be16;
use crate::frame::Header;

/// GUE header, version 0, without optional fields (draft-ietf-intarea-gue, 3). In version 1 there is none: the packet inside begins at
/// once.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Gue {
    /// Version (2 bits), control (1), length of the optional fields in words of 4 bytes (5).
    pub version_control_length: u8,
    /// What the payload is; see [`super::protocol`].
    pub protocol: u8,
    /// Which optional fields there are.
    pub flags: Be16,
}

// SAFETY: two 16-bit words, one of them two bytes.
unsafe impl Header for Gue {}

impl Gue {
    /// The UDP port (IANA: gue).
    pub const PORT: u16 = 6080;

    /// 0 for this header, 1 for an IP packet in its place.
    #[inline(always)]
    pub fn version(&self) -> u8 {
        self.version_control_length >> 6
    }

    /// Whether this is a message between the ends of the tunnel, not a packet.
    #[inline(always)]
    pub fn is_control(&self) -> bool {
        self.version_control_length & 0x20 != 0
    }

    /// Length of the header in bytes, optional fields included: 4 to 128.
    #[inline(always)]
    pub fn header_len(&self) -> usize {
        size_of::<Self>() + usize::from(self.version_control_length & 0x1f) * 4
    }

    /// IP version of the packet that is in the header's place in version 1: 4 or 6, or the packet lies.
    #[inline(always)]
    pub fn ip_version(&self) -> u8 {
        self.version_control_length >> 4
    }

    /// The header of a data packet without optional fields.
    pub const fn data(protocol: u8) -> Self {
        Self { version_control_length: 0, protocol, flags: Be16::new(0) }
    }
}
