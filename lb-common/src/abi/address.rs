use crate::wire::{Octo, Quad};
use core::cmp::Ordering;
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

/// An IP address, as words in memory order; IPv4 as an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Address([u32; 4]);

impl Address {
    /// No address: all zeroes.
    pub const UNSPECIFIED: Self = Self([0; 4]);

    const MAPPED: u32 = 0xffff_u32.to_be();

    /// From its sixteen bytes.
    pub const fn new(octets: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = octets;
        Self([
            u32::from_ne_bytes([a, b, c, d]),
            u32::from_ne_bytes([e, f, g, h]),
            u32::from_ne_bytes([i, j, k, l]),
            u32::from_ne_bytes([m, n, o, p]),
        ])
    }

    /// An IPv4 address.
    #[inline(always)]
    pub const fn from_v4(octets: [u8; 4]) -> Self {
        Self([0, 0, Self::MAPPED, u32::from_ne_bytes(octets)])
    }

    /// The IPv4 address in a header.
    #[inline(always)]
    pub const fn from_quad(quad: Quad) -> Self {
        Self([0, 0, Self::MAPPED, quad.raw()])
    }

    /// The IPv6 address in a header.
    #[inline(always)]
    pub const fn from_octo(octo: Octo) -> Self {
        Self(octo.raw())
    }

    /// From its words in memory order.
    pub const fn from_words(words: [u32; 4]) -> Self {
        Self(words)
    }

    /// Its sixteen bytes.
    pub const fn octets(self) -> [u8; 16] {
        let [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]] =
            [self.0[0].to_ne_bytes(), self.0[1].to_ne_bytes(), self.0[2].to_ne_bytes(), self.0[3].to_ne_bytes()];
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }

    /// Its words in memory order.
    #[inline(always)]
    pub const fn words(self) -> [u32; 4] {
        self.0
    }

    /// Its first half: 0 of an IPv4 address.
    pub const fn first_half(self) -> [u32; 2] {
        [self.0[0], self.0[1]]
    }

    /// Whether it is an IPv4 address.
    #[inline(always)]
    pub const fn is_v4(self) -> bool {
        self.0[0] == 0 && self.0[1] == 0 && self.0[2] == Self::MAPPED
    }

    /// Whether it is the same address. Word by word, which `==` on arrays is not.
    #[inline(always)]
    pub(crate) const fn is(self, other: Self) -> bool {
        let ([a, b, c, d], [w, x, y, z]) = (self.0, other.0);
        (a ^ w) | (b ^ x) | (c ^ y) | (d ^ z) == 0
    }

    /// Its first `len` bits, with zeroes behind them. For an IPv4 address, `len` counts from the start of the mapped address: 96 to 128.
    #[inline(always)]
    pub const fn prefix(self, len: u32) -> Self {
        let [a, b, c, d] = self.0;
        Self([a & mask(len, 0), b & mask(len, 32), c & mask(len, 64), d & mask(len, 96)])
    }
}

/// Which bits of the word that begins at bit `from` are among the first `len` bits.
#[inline(always)]
const fn mask(len: u32, from: u32) -> u32 {
    if len <= from {
        return 0;
    }
    let bits = len - from;
    if bits >= 32 {
        return u32::MAX;
    }
    (!(u32::MAX >> bits)).to_be()
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::from_v4(address.octets()),
            IpAddr::V6(address) => Self::new(address.octets()),
        }
    }
}

impl From<Address> for IpAddr {
    fn from(address: Address) -> Self {
        let address = Ipv6Addr::from(address.octets());
        address.to_ipv4_mapped().map_or(Self::V6(address), Self::V4)
    }
}

/// In the order of their bytes, on every machine.
impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        self.octets().cmp(&other.octets())
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        IpAddr::from(*self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::format;

    #[test]
    fn an_ipv4_address_is_mapped() {
        let address = Address::from_v4([192, 0, 2, 1]);
        assert_eq!(address.octets(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1]);
        assert!(address.is_v4());
        assert_eq!(format!("{address:?}"), "192.0.2.1");
        assert_eq!(address.prefix(96 + 24), Address::from_v4([192, 0, 2, 0]));
    }

    proptest! {
        #[test]
        fn a_prefix_keeps_its_bits_and_no_others(octets: [u8; 16], len in 0..=128u32) {
            let number = u128::from_be_bytes(octets);
            let expected = number.checked_shr(128 - len).unwrap_or(0).checked_shl(128 - len).unwrap_or(0);
            prop_assert_eq!(Address::new(octets).prefix(len).octets(), expected.to_be_bytes());
        }

        #[test]
        fn conversions_are_each_others_inverse(octets: [u8; 16]) {
            let address = Address::new(octets);
            prop_assert_eq!(Address::from(IpAddr::from(address)), address);
            prop_assert_eq!(Address::from_octo(Octo::from_raw(address.words())), address);
        }
    }
}
