use super::{Be16, Ecn, Quad};
use crate::checksum::Sum;
use crate::frame::Header;

/// IPv4 header without its options (RFC 791, 3.1).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Ipv4 {
    version_ihl: u8,
    /// DSCP (6 bits) and ECN (2).
    pub dscp_ecn: u8,
    /// Length of the packet in bytes, this header included.
    pub total_length: Be16,
    /// The same for all fragments of a packet.
    pub identification: Be16,
    flags_fragment: Be16,
    /// How many routers the packet may still pass.
    pub time_to_live: u8,
    /// What the payload is; see [`protocol`].
    pub protocol: u8,
    /// Of the header.
    pub checksum: Be16,
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

    const DONT_FRAGMENT: Be16 = Be16::new(0x4000);

    /// The header of a packet without options, in one piece, with no checksum yet.
    pub const fn new(protocol: u8, source: Quad, destination: Quad) -> Self {
        Self {
            version_ihl: 0x45,
            dscp_ecn: 0,
            total_length: Be16::new(0),
            identification: Be16::new(0),
            flags_fragment: Be16::new(0),
            time_to_live: 0,
            protocol,
            checksum: Be16::new(0),
            source,
            destination,
        }
    }

    /// Allows routers to fragment the packet, or forbids it.
    #[inline(always)]
    pub fn set_dont_fragment(&mut self, dont_fragment: bool) {
        self.flags_fragment = if dont_fragment { Self::DONT_FRAGMENT } else { Be16::new(0) };
    }

    /// Changes the time to live, and the checksum with it.
    #[inline(always)]
    pub fn set_time_to_live(&mut self, time_to_live: u8) {
        let [before, after] = [self.time_to_live, time_to_live].map(|ttl| u16::from_ne_bytes([ttl, self.protocol]));
        self.time_to_live = time_to_live;
        self.checksum = Be16::from_raw(Sum::of_checksum(self.checksum.raw()).remove(before).add(after).checksum());
    }

    /// Puts in the checksum of a header without options.
    #[inline(always)]
    pub fn fill_checksum(&mut self) {
        let sum = Sum::default()
            .add(u16::from_ne_bytes([self.version_ihl, self.dscp_ecn]))
            .add(self.total_length.raw())
            .add(self.identification.raw())
            .add(self.flags_fragment.raw())
            .add(u16::from_ne_bytes([self.time_to_live, self.protocol]))
            .add_quad(self.source.raw())
            .add_quad(self.destination.raw());
        self.checksum = Be16::from_raw(sum.checksum());
    }

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

    /// Whether this is a whole packet without options: the only words to look at are the first and the one of the fragments.
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        self.version_ihl == 0x45 && !self.is_fragment()
    }

    /// What the network says of congestion.
    #[inline(always)]
    pub fn ecn(&self) -> Ecn {
        Ecn::of(self.dscp_ecn)
    }

    /// Changes what the network says of congestion, and the checksum with it. A wrong checksum stays wrong.
    #[inline(always)]
    pub fn set_ecn(&mut self, ecn: Ecn) {
        let [before, after] =
            [self.dscp_ecn, ecn.within(self.dscp_ecn)].map(|class| u16::from_ne_bytes([self.version_ihl, class]));
        self.dscp_ecn = ecn.within(self.dscp_ecn);
        self.checksum = Be16::from_raw(Sum::of_checksum(self.checksum.raw()).remove(before).add(after).checksum());
    }

    /// Whether this is a piece of a packet other than the first: it carries no ports.
    #[inline(always)]
    pub fn is_later_fragment(&self) -> bool {
        self.fragment_offset() != 0
    }

    /// Whether no router may fragment the packet.
    #[inline(always)]
    pub fn dont_fragment(&self) -> bool {
        self.flags_fragment.raw() & Self::DONT_FRAGMENT.raw() != 0
    }

    /// Where a fragment's payload belongs, in units of 8 bytes.
    #[inline(always)]
    pub fn fragment_offset(&self) -> u16 {
        self.flags_fragment.get() & 0x1fff
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
    /// IPv6 hop-by-hop options.
    pub const HOP_BY_HOP: u8 = 0;
    /// ICMP.
    pub const ICMP: u8 = 1;
    /// IPv4 in IP.
    pub const IPV4: u8 = 4;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// IPv6 in IP.
    pub const IPV6: u8 = 41;
    /// IPv6 routing header.
    pub const ROUTING: u8 = 43;
    /// IPv6 fragment header.
    pub const FRAGMENT: u8 = 44;
    /// Authentication header.
    pub const AUTHENTICATION: u8 = 51;
    /// ICMPv6.
    pub const ICMPV6: u8 = 58;
    /// IPv6 destination options.
    pub const DESTINATION_OPTIONS: u8 = 60;
    /// SCTP.
    pub const SCTP: u8 = 132;
}
