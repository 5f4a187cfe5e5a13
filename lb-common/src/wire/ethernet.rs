use super::Be16;
use crate::frame::Header;
use core::fmt;

/// An Ethernet (MAC) address: six bytes in memory order, aligned to 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Mac([u16; 3]);

impl Mac {
    /// From its six bytes.
    pub const fn new([a, b, c, d, e, f]: [u8; 6]) -> Self {
        Self([u16::from_ne_bytes([a, b]), u16::from_ne_bytes([c, d]), u16::from_ne_bytes([e, f])])
    }

    /// Its six bytes.
    pub const fn octets(self) -> [u8; 6] {
        let [[a, b], [c, d], [e, f]] = [self.0[0].to_ne_bytes(), self.0[1].to_ne_bytes(), self.0[2].to_ne_bytes()];
        [a, b, c, d, e, f]
    }

    /// Whether it is the same address. Word by word, which `==` on arrays is not.
    #[inline(always)]
    pub(crate) fn is(&self, other: &Self) -> bool {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        (a ^ x) | (b ^ y) | (c ^ z) == 0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.octets();
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Ethernet II header (IEEE 802.3, 3.2.6).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Ethernet {
    /// Whom the frame is for.
    pub destination: Mac,
    /// Who sent it on this segment.
    pub source: Mac,
    /// What the payload is; see [`ether_type`].
    pub ether_type: Be16,
}

// SAFETY: seven 16-bit words.
unsafe impl Header for Ethernet {}

impl Ethernet {
    /// Sends the frame to somebody else. Word by word: assigning a whole [`Mac`] becomes a call on BPF.
    #[inline(always)]
    pub fn readdress(&mut self, destination: &Mac, source: &Mac) {
        let (Mac([a, b, c]), Mac([x, y, z])) = (destination, source);
        (self.destination.0[0], self.destination.0[1], self.destination.0[2]) = (*a, *b, *c);
        (self.source.0[0], self.source.0[1], self.source.0[2]) = (*x, *y, *z);
    }
}

/// Values of [`Ethernet::ether_type`].
pub mod ether_type {
    use super::Be16;

    /// IPv4.
    pub const IPV4: Be16 = Be16::new(0x0800);
    /// IPv6.
    pub const IPV6: Be16 = Be16::new(0x86dd);
    /// ARP (RFC 826).
    pub const ARP: Be16 = Be16::new(0x0806);
    /// A VLAN tag (IEEE 802.1Q).
    pub const VLAN: Be16 = Be16::new(0x8100);
    /// The outer one of two VLAN tags (IEEE 802.1ad).
    pub const SERVICE_VLAN: Be16 = Be16::new(0x88a8);
}
