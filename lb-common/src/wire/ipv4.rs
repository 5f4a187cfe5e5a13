use super::{Be16, Quad};
use crate::frame::Header;

/// IPv4 header without its options (RFC 791, 3.1).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Ipv4 {
    version_ihl: u8,
    dscp_ecn: u8,
    total_length: Be16,
    identification: Be16,
    flags_fragment: Be16,
    time_to_live: u8,
    /// What the payload is; see [`protocol`].
    pub protocol: u8,
    checksum: Be16,
    /// Source address.
    pub source: Quad,
    /// Destination address.
    pub destination: Quad,
}

// SAFETY: ten 16-bit words, some of them two bytes.
unsafe impl Header for Ipv4 {}

impl Ipv4 {
    /// Bytes of a header without options.
    pub const MIN_LEN: usize = size_of::<Self>();

    /// IP version: 4, or the header lies.
    #[inline(always)]
    pub fn version(&self) -> u8 {
        self.version_ihl >> 4
    }

    /// Length of the header in bytes, options included; 0 to 60, and below 20 the header lies.
    #[inline(always)]
    pub fn header_len(&self) -> usize {
        usize::from(self.version_ihl & 0x0f) * 4
    }

    /// Length of the packet in bytes, this header included. The frame may be longer: Ethernet pads short frames.
    #[inline(always)]
    pub fn total_length(&self) -> usize {
        usize::from(self.total_length.get())
    }

    /// Whether this is a piece of a packet: the first, a later one or the last.
    #[inline(always)]
    pub fn is_fragment(&self) -> bool {
        const MORE_FRAGMENTS_AND_OFFSET: u16 = Be16::new(0x3fff).raw();
        self.flags_fragment.raw() & MORE_FRAGMENTS_AND_OFFSET != 0
    }
}

/// Values of [`Ipv4::protocol`] (IANA protocol numbers).
pub mod protocol {
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
}
