use super::{Be16, Ecn, Octo, Quad};
use crate::frame::Header;

/// IPv6 header (RFC 8200, 3).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Ipv6 {
    /// Version (4 bits), traffic class (8), flow label (20).
    pub version_class_flow: Quad,
    /// Bytes behind this header.
    pub payload_length: Be16,
    /// What comes next; see [`super::protocol`].
    pub next_header: u8,
    /// How many routers the packet may still pass.
    pub hop_limit: u8,
    /// Source address.
    pub source: Octo,
    /// Destination address.
    pub destination: Octo,
}

// SAFETY: twenty 16-bit words, one of them two bytes.
unsafe impl Header for Ipv6 {}

impl Ipv6 {
    /// Bytes of the header.
    pub const LEN: usize = size_of::<Self>();

    /// IP version: 6, or the header lies.
    #[inline(always)]
    pub fn version(&self) -> u8 {
        (self.version_class_flow.get() >> 28) as u8
    }

    /// DSCP (6 bits) and ECN (2).
    #[inline(always)]
    pub fn traffic_class(&self) -> u8 {
        (self.version_class_flow.get() >> 20) as u8
    }

    /// What the network says of congestion.
    #[inline(always)]
    pub fn ecn(&self) -> Ecn {
        Ecn::of(self.traffic_class())
    }

    /// Changes what the network says of congestion. No checksum covers it.
    #[inline(always)]
    pub fn set_ecn(&mut self, ecn: Ecn) {
        const CLASS_SHIFT: u32 = 20;
        let rest = self.version_class_flow.get() & !(0xff << CLASS_SHIFT);
        self.version_class_flow = Quad::new(rest | u32::from(ecn.within(self.traffic_class())) << CLASS_SHIFT);
    }

    /// Length of the packet in bytes, this header included.
    #[inline(always)]
    pub fn total_length(&self) -> usize {
        Self::LEN + usize::from(self.payload_length.get())
    }
}

/// The first words of every extension header but the fragment header (RFC 8200, 4; RFC 4302, 2).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Ipv6Extension {
    /// What comes next.
    pub next_header: u8,
    /// Its length: in 8 bytes beyond the first 8; for authentication headers in 4 bytes beyond the first 8.
    pub length: u8,
}

// SAFETY: one 16-bit word of two bytes.
unsafe impl Header for Ipv6Extension {}

/// Fragment header (RFC 8200, 4.5).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Ipv6Fragment {
    /// What comes next.
    pub next_header: u8,
    reserved: u8,
    offset_more: Be16,
    /// The same for all fragments of a packet.
    pub identification: Quad,
}

// SAFETY: four 16-bit words, one of them two bytes.
unsafe impl Header for Ipv6Fragment {}

impl Ipv6Fragment {
    /// Where the fragment's payload belongs, in units of 8 bytes.
    #[inline(always)]
    pub fn offset(&self) -> u16 {
        self.offset_more.get() >> 3
    }

    /// Whether this is a piece of a packet other than the first: it carries no ports.
    #[inline(always)]
    pub fn is_later(&self) -> bool {
        self.offset() != 0
    }

    /// Whether others follow.
    #[inline(always)]
    pub fn more(&self) -> bool {
        self.offset_more.get() & 1 != 0
    }
}
