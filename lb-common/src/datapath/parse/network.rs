use crate::abi::Address;
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
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
}

/// Which piece of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// All of it.
    Whole,
    /// The first piece of the packet with this identification: the one with the transport header.
    First(u32),
    /// A later piece.
    Later(u32),
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
    pub fn parse(frame: &Frame<'_>, network: usize, family: Family) -> Result<Self, Dropped> {
        match family {
            Family::V4 => Self::ipv4(frame, network),
            Family::V6 => Self::ipv6(frame, network),
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
        let identification = u32::from(header.identification.raw());
        let fragment = match header.fragment_offset() {
            _ if !header.is_fragment() => Fragment::Whole,
            0 => Fragment::First(identification),
            // The second 8 bytes of a TCP header hold its flags: RFC 1858, 3.
            1 if header.protocol == protocol::TCP => Fragment::Overlapping,
            _ => Fragment::Later(identification),
        };
        Ok(Self {
            family: Family::V4,
            network,
            transport: network + header_len,
            len: header.total_length(),
            protocol: header.protocol,
            fragment,
            source: Address::from_quad(header.source),
            destination: Address::from_quad(header.destination),
        })
    }

    #[inline(always)]
    fn ipv6(frame: &Frame<'_>, network: usize) -> Result<Self, Dropped> {
        let header = frame.header::<Ipv6>(network).ok_or(Dropped::BadLength)?;
        if header.version() != 6 {
            return Err(Dropped::BadIpHeader);
        }
        let mut datagram = Self {
            family: Family::V6,
            network,
            transport: network + Ipv6::LEN,
            len: header.total_length(),
            protocol: header.next_header,
            fragment: Fragment::Whole,
            source: Address::from_octo(header.source),
            destination: Address::from_octo(header.destination),
        };
        datagram.skip_extensions(frame)?;
        Ok(datagram)
    }

    /// Moves on past extension headers (RFC 8200, 4).
    #[inline(always)]
    fn skip_extensions(&mut self, frame: &Frame<'_>) -> Result<(), Dropped> {
        /// A chain has each kind once, and destination options twice.
        const LONGEST_CHAIN: usize = 6;
        for _ in 0..LONGEST_CHAIN {
            let units = match self.protocol {
                protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION_OPTIONS => 8,
                protocol::AUTHENTICATION => 4,
                protocol::FRAGMENT => {
                    let header = frame.header::<Ipv6Fragment>(self.transport).ok_or(Dropped::BadExtensionHeaders)?;
                    self.protocol = header.next_header;
                    self.transport += size_of::<Ipv6Fragment>();
                    self.fragment = match header.offset() {
                        // A packet in one piece may have the header all the same (RFC 6946).
                        0 if !header.more() => Fragment::Whole,
                        0 => Fragment::First(header.identification.raw()),
                        _ => Fragment::Later(header.identification.raw()),
                    };
                    // What a later piece begins with is no header.
                    if matches!(self.fragment, Fragment::Later(_)) {
                        return Ok(());
                    }
                    continue;
                }
                _ => return Ok(()),
            };
            let header = frame.header::<Ipv6Extension>(self.transport).ok_or(Dropped::BadExtensionHeaders)?;
            self.protocol = header.next_header;
            self.transport += 8 + usize::from(header.length) * units;
        }
        match self.protocol {
            protocol::HOP_BY_HOP
            | protocol::ROUTING
            | protocol::DESTINATION_OPTIONS
            | protocol::AUTHENTICATION
            | protocol::FRAGMENT => Err(Dropped::BadExtensionHeaders),
            _ => Ok(()),
        }
    }
}
