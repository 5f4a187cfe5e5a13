//! Protocol headers as they are on the wire.
//!
//! Every header in a frame begins at an even address, but an IPv4 header behind an Ethernet header begins at none that is divisible
//! by 4, and BPF loads only aligned words. So the fields are 16-bit words in memory order: a 32-bit address is loaded in two halves,
//! not in four bytes.

mod ecn;
mod ethernet;
mod gue;
mod icmp;
mod ipv4;
mod ipv6;
mod sctp;
mod tcp;
mod udp;
mod vlan;

pub use ecn::Ecn;
pub use ethernet::{Ethernet, Mac, ether_type};
pub use gue::Gue;
pub use icmp::{Icmp, icmp_type, icmpv6_type};
pub use ipv4::{Ipv4, protocol};
pub use ipv6::{Ipv6, Ipv6Extension, Ipv6Fragment};
pub use sctp::Sctp;
pub use tcp::Tcp;
pub use udp::Udp;
pub use vlan::Vlan;

use crate::frame::Header;

/// A 16-bit number in network byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Be16(u16);

impl Be16 {
    /// From a number in host order.
    pub const fn new(value: u16) -> Self {
        Self(value.to_be())
    }

    /// As a number in host order.
    #[inline(always)]
    pub const fn get(self) -> u16 {
        u16::from_be(self.0)
    }

    /// From a word in memory order.
    #[inline(always)]
    pub const fn from_raw(word: u16) -> Self {
        Self(word)
    }

    /// The two bytes as one word in memory order: for hashing and comparing, not for arithmetic.
    #[inline(always)]
    pub const fn raw(self) -> u16 {
        self.0
    }
}

// SAFETY: a 16-bit word.
unsafe impl Header for Be16 {}

/// Four bytes in memory order that begin at an even address, as an IPv4 address in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Quad([u16; 2]);

impl Quad {
    /// The four bytes as one word in memory order: for hashing and comparing, not for arithmetic.
    #[inline(always)]
    pub const fn raw(self) -> u32 {
        let [first, second] = self.0;
        if cfg!(target_endian = "little") {
            first as u32 | (second as u32) << 16
        } else {
            (first as u32) << 16 | second as u32
        }
    }

    /// From a word in memory order.
    #[inline(always)]
    pub const fn from_raw(word: u32) -> Self {
        if cfg!(target_endian = "little") {
            Self([word as u16, (word >> 16) as u16])
        } else {
            Self([(word >> 16) as u16, word as u16])
        }
    }

    /// The four bytes as a number in network byte order.
    #[inline(always)]
    pub const fn get(self) -> u32 {
        u32::from_be(self.raw())
    }

    /// From a number in host order.
    #[inline(always)]
    pub const fn new(value: u32) -> Self {
        Self::from_raw(value.to_be())
    }
}

/// Sixteen bytes in memory order that begin at an even address, as an IPv6 address in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Octo([Quad; 4]);

impl Octo {
    /// The sixteen bytes as words in memory order.
    #[inline(always)]
    pub const fn raw(self) -> [u32; 4] {
        let [a, b, c, d] = self.0;
        [a.raw(), b.raw(), c.raw(), d.raw()]
    }

    /// Whether this stands for an IPv4 address (`::ffff:0:0/96`), which no packet on a network may carry (RFC 6890, 2.2.3).
    #[inline(always)]
    pub const fn is_v4_mapped(self) -> bool {
        let [a, b, c, _] = self.raw();
        a | b | (c ^ 0xffff_u32.to_be()) == 0
    }

    /// From words in memory order.
    #[inline(always)]
    pub const fn from_raw([a, b, c, d]: [u32; 4]) -> Self {
        Self([Quad::from_raw(a), Quad::from_raw(b), Quad::from_raw(c), Quad::from_raw(d)])
    }
}
