//! Protocol headers as they are on the wire.
//!
//! Every header in a frame begins at an even address, but an IPv4 header behind an Ethernet header begins at none that is divisible
//! by 4, and BPF loads only aligned words. So the fields are 16-bit words in memory order: a 32-bit address is loaded in two halves,
//! not in four bytes.

mod ethernet;
mod ipv4;
mod tcp;
mod udp;

pub use ethernet::{Ethernet, Mac, ether_type};
pub use ipv4::{Ipv4, protocol};
pub use tcp::Tcp;
pub use udp::Udp;

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

    /// The two bytes as one word in memory order: for hashing and comparing, not for arithmetic.
    #[inline(always)]
    pub const fn raw(self) -> u16 {
        self.0
    }
}

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
}
