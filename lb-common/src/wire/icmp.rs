use super::Be16;
use crate::frame::Header;

/// ICMP or ICMPv6 header (RFC 792; RFC 4443, 2.1), with the four bytes that every message here has behind it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Icmp {
    /// Kind of the message; see [`icmp_type`] and [`icmpv6_type`].
    pub kind: u8,
    /// What exactly, by kind.
    pub code: u8,
    /// Of the whole message; for ICMPv6, of a pseudo-header as well.
    pub checksum: Be16,
    /// By kind: identifier and sequence number, or unused and next-hop MTU.
    pub rest: [Be16; 2],
}

// SAFETY: four 16-bit words, one of them two bytes.
unsafe impl Header for Icmp {}

impl Icmp {
    /// Bytes of the header.
    pub const LEN: usize = size_of::<Self>();
}

/// Values of [`Icmp::kind`] for IPv4.
pub mod icmp_type {
    /// The answer to an echo request.
    pub const ECHO_REPLY: u8 = 0;
    /// A packet could not be delivered.
    pub const UNREACHABLE: u8 = 3;
    /// An echo request.
    pub const ECHO_REQUEST: u8 = 8;
    /// A packet took too many hops, or its reassembly too long.
    pub const TIME_EXCEEDED: u8 = 11;
    /// A packet's header cannot be.
    pub const PARAMETER_PROBLEM: u8 = 12;
    /// Code of [`UNREACHABLE`]: too big for the next link, and not to be fragmented (RFC 1191).
    pub const CODE_FRAGMENTATION_NEEDED: u8 = 4;
}

/// Values of [`Icmp::kind`] for IPv6.
pub mod icmpv6_type {
    /// A packet could not be delivered.
    pub const UNREACHABLE: u8 = 1;
    /// Too big for the next link.
    pub const TOO_BIG: u8 = 2;
    /// A packet took too many hops, or its reassembly too long.
    pub const TIME_EXCEEDED: u8 = 3;
    /// A packet's header cannot be.
    pub const PARAMETER_PROBLEM: u8 = 4;
    /// An echo request.
    pub const ECHO_REQUEST: u8 = 128;
    /// The answer to an echo request.
    pub const ECHO_REPLY: u8 = 129;
}
