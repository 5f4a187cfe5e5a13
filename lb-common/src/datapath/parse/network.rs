use crate::abi::Address;
use crate::datapath::Calls;
use crate::frame::Frame;
use crate::verdict::Dropped;
use crate::wire::{Ipv4, Ipv6, Ipv6Extension, Ipv6Fragment, protocol};

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// What holds for this family, of what holds for IPv4 and for IPv6.
    #[inline(always)]
    pub(in crate::datapath) fn of<T: Copy>(self, both: [T; 2]) -> T {
        match self {
            Self::V4 => both[0],
            Self::V6 => both[1],
        }
    }

    /// Its number as the protocol inside an IP packet.
    #[inline(always)]
    pub const fn protocol(self) -> u8 {
        match self {
            Self::V4 => protocol::IPV4,
            Self::V6 => protocol::IPV6,
        }
    }
}

/// Hops that our own packets may take, as those of Linux (`net.ipv4.ip_default_ttl`).
pub const HOP_LIMIT: u8 = 64;

/// An IP packet, or a piece of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Version of IP.
    pub family: Family,
    /// Offset of the IP header in the frame.
    pub network: usize,
    /// Offset of what is behind the IP header with its options and extensions.
    pub transport: usize,
    /// Length of the whole packet, as its header says.
    pub len: usize,
    /// What is behind the IP header; see [`protocol`].
    pub protocol: u8,
    /// Whether this is a piece of a packet.
    pub fragment: Fragment,
    /// The same for all pieces of a packet.
    pub identification: u32,
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
}

/// Which piece of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fragment {
    /// All of it.
    Whole,
    /// The first piece: the one with the transport header.
    First,
    /// A later piece.
    Later,
    /// A piece that begins inside the transport header.
    Overlapping,
}

impl Datagram {
    /// Reads the IP header at offset `network`. What it says of the packet's length is not compared with the frame: an ICMP
    /// error quotes no more than the beginning of a packet.
    ///
    /// # Errors
    /// Why there can be no such packet.
    #[inline(always)]
    pub(in crate::datapath) fn parse<C: Calls>(
        calls: &C,
        frame: &Frame<'_>,
        network: usize,
        family: Family,
    ) -> Result<Self, Dropped> {
        match family {
            Family::V4 => Self::ipv4(frame, network),
            Family::V6 => Self::ipv6(calls, frame, network),
        }
    }

    /// Bytes behind the IP header, its options and extensions, as the header says.
    #[inline(always)]
    pub fn payload_len(&self) -> usize {
        (self.network + self.len).saturating_sub(self.transport)
    }

    #[inline(always)]
    fn ipv4(frame: &Frame<'_>, network: usize) -> Result<Self, Dropped> {
        let header = frame.header::<Ipv4>(network).ok_or(Dropped::BadLength)?;
        let header_len = header.header_len();
        if header.version() != 4 || header_len < Ipv4::MIN_LEN {
            return Err(Dropped::BadIpHeader);
        }
        if header.total_length() < header_len {
            return Err(Dropped::BadLength);
        }
        let fragment = match header.fragment_offset() {
            _ if !header.is_fragment() => Fragment::Whole,
            0 => Fragment::First,
            // The second 8 bytes of a TCP header hold its flags: RFC 1858, 3.
            1 if header.protocol == protocol::TCP => Fragment::Overlapping,
            _ => Fragment::Later,
        };
        Ok(Self {
            family: Family::V4,
            network,
            transport: network + header_len,
            len: header.total_length(),
            protocol: header.protocol,
            fragment,
            identification: header.identification.raw().into(),
            source: Address::from_quad(header.source),
            destination: Address::from_quad(header.destination),
        })
    }

    #[inline(always)]
    fn ipv6<C: Calls>(calls: &C, frame: &Frame<'_>, network: usize) -> Result<Self, Dropped> {
        let header = frame.header::<Ipv6>(network).ok_or(Dropped::BadLength)?;
        if header.version() != 6 {
            return Err(Dropped::BadIpHeader);
        }
        let offset = (network + Ipv6::LEN) as u32;
        let mut chain = Chain { offset, protocol: header.next_header, fragment: Fragment::Whole, identification: 0 };
        if !calls.skip_extensions(frame, &mut chain) {
            return Err(Dropped::BadExtensionHeaders);
        }
        Ok(Self {
            family: Family::V6,
            network,
            transport: chain.offset as usize,
            len: header.total_length(),
            protocol: chain.protocol,
            fragment: chain.fragment,
            identification: chain.identification,
            source: Address::from_octo(header.source),
            destination: Address::from_octo(header.destination),
        })
    }
}

/// A place in an IPv6 packet's chain of headers (RFC 8200, 4).
#[derive(Clone, Copy, Debug)]
pub struct Chain {
    /// Offset of the header in the frame.
    offset: u32,
    /// What it is; see [`protocol`].
    protocol: u8,
    /// What headers before it say of the packet.
    fragment: Fragment,
    /// The same for all pieces of the packet.
    identification: u32,
}

/// Moves on past extension headers to what is behind them. Whether they are all there.
#[inline(always)]
pub fn skip_extensions(frame: &Frame<'_>, chain: &mut Chain) -> bool {
    /// A chain has each kind once, and destination options twice.
    const LONGEST_CHAIN: usize = 6;
    for _ in 0..LONGEST_CHAIN {
        match chain.skip(frame) {
            // Only the IP header may name it as the next one (RFC 8200, 4).
            Some(true) if chain.protocol == protocol::HOP_BY_HOP => return false,
            Some(true) => {}
            Some(false) => return true,
            None => return false,
        }
    }
    !chain.is_at_extension()
}

impl Chain {
    #[inline(always)]
    fn is_at_extension(&self) -> bool {
        matches!(
            self.protocol,
            protocol::HOP_BY_HOP
                | protocol::ROUTING
                | protocol::DESTINATION_OPTIONS
                | protocol::AUTHENTICATION
                | protocol::FRAGMENT
        )
    }

    /// Moves on past one extension header; whether there was one and another header follows. `None` when the packet ends in it.
    #[inline(always)]
    fn skip(&mut self, frame: &Frame<'_>) -> Option<bool> {
        let units = match self.protocol {
            protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION_OPTIONS => 8,
            protocol::AUTHENTICATION => 4,
            protocol::FRAGMENT => return self.skip_fragment(frame),
            _ => return Some(false),
        };
        let header = frame.header::<Ipv6Extension>(self.offset as usize)?;
        self.protocol = header.next_header;
        self.offset += 8 + u32::from(header.length) * units;
        Some(true)
    }

    #[inline(always)]
    fn skip_fragment(&mut self, frame: &Frame<'_>) -> Option<bool> {
        let header = frame.header::<Ipv6Fragment>(self.offset as usize)?;
        self.protocol = header.next_header;
        self.offset += size_of::<Ipv6Fragment>() as u32;
        self.identification = header.identification.raw();
        self.fragment = match header.offset() {
            // A packet in one piece may have the header all the same (RFC 6946).
            0 if !header.more() => Fragment::Whole,
            0 => Fragment::First,
            _ => Fragment::Later,
        };
        // What a later piece begins with is no header.
        Some(self.fragment != Fragment::Later)
    }
}
