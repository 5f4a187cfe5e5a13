//! The message to a client whose packet does not fit through the tunnel: how large it may be (RFC 1191, 4; RFC 4443, 3.2). It comes from
//! the VIP, the only address of ours that the client knows.

use super::Plan;
use super::outer::Inner;
use crate::abi::Limiter;
use crate::checksum::Sum;
use crate::datapath::parse::{Family, HOP_LIMIT};
use crate::frame::Frame;
use crate::limit;
use crate::tables::{Buffer, Tables};
use crate::wire::{Be16, Ethernet, Icmp, Ipv4, Ipv6, Octo, Quad, icmp_type, icmpv6_type, protocol};

/// Bytes of the packet that are quoted: its header, with options or extensions, and what tells the client's connection.
const QUOTE: usize = 96;

/// Turns the packet into the message, if its sender is to be told; whether it did.
#[inline(always)]
pub fn too_big<T: Tables, B: Buffer>(tables: &T, buffer: &mut B, plan: &Plan<'_>) -> bool {
    let network = plan.network.into();
    let rate = tables.settings().map_or(0, |settings| settings.too_big_rate);
    // Only who forbids fragmentation wants to know.
    let Some(inner) = Inner::read(&buffer.frame(), network).filter(|inner| inner.dont_fragment && rate > 0) else {
        return false;
    };
    let limiter = tables.limiter(Limiter::TOO_BIG);
    limiter.is_some_and(|limiter| limit::admit(limiter, rate, tables.now()))
        && message(buffer, network, inner.family, plan.backend.max_len).is_some()
}

/// Puts the message's headers in front of the packet, and cuts off what is not quoted.
#[inline(always)]
fn message<B: Buffer>(buffer: &mut B, network: usize, family: Family, mtu: u16) -> Option<()> {
    let link = Reversed::read(&buffer.frame(), network)?;
    let headers = Icmp::LEN
        + match family {
            Family::V4 => Ipv4::MIN_LEN,
            Family::V6 => Ipv6::LEN,
        };
    if !buffer.grow_head(headers as i32) || !buffer.truncate(network + headers + QUOTE) {
        return None;
    }
    let mut frame = buffer.frame();
    link.write(&mut frame)?;
    match family {
        Family::V4 => ipv4(&mut frame, network, mtu),
        Family::V6 => ipv6(&mut frame, network, mtu),
    }
}

/// The link's header for the way back, VLAN tags included.
struct Reversed {
    ethernet: Ethernet,
    tags: [[u16; 2]; 2],
    network: usize,
}

impl Reversed {
    const TAGS: [usize; 2] = [size_of::<Ethernet>(), size_of::<Ethernet>() + 4];

    #[inline(always)]
    fn read(frame: &Frame<'_>, network: usize) -> Option<Self> {
        let came = frame.header::<Ethernet>(0)?;
        let ethernet = Ethernet { destination: came.source, source: came.destination, ether_type: came.ether_type };
        // Without tags, these are the packet's first bytes, and are not written back.
        let [first, second] = Self::TAGS;
        Some(Self { ethernet, tags: [*frame.header(first)?, *frame.header(second)?], network })
    }

    #[inline(always)]
    fn write(&self, frame: &mut Frame<'_>) -> Option<()> {
        *frame.header_mut(0)? = self.ethernet;
        for (offset, tag) in Self::TAGS.into_iter().zip(self.tags) {
            if offset < self.network {
                *frame.header_mut(offset)? = tag;
            }
        }
        Some(())
    }
}

#[inline(always)]
fn ipv4(frame: &mut Frame<'_>, network: usize, mtu: u16) -> Option<()> {
    let transport = network + Ipv4::MIN_LEN;
    let quote = transport + Icmp::LEN;
    let &Ipv4 { source, destination, .. } = frame.header::<Ipv4>(quote)?;
    let icmp = Icmp {
        kind: icmp_type::UNREACHABLE,
        code: icmp_type::CODE_FRAGMENTATION_NEEDED,
        checksum: Be16::new(0),
        rest: [Be16::new(0), Be16::new(mtu)],
    };
    let checksum = sum(frame, quote, &icmp).checksum();
    *frame.header_mut(transport)? = Icmp { checksum: Be16::from_raw(checksum), ..icmp };
    let header = frame.header_mut::<Ipv4>(network)?;
    *header = Ipv4::new(protocol::ICMP, destination, source);
    header.total_length = Be16::new((Ipv4::MIN_LEN + Icmp::LEN + QUOTE) as u16);
    header.time_to_live = HOP_LIMIT;
    header.fill_checksum();
    Some(())
}

#[inline(always)]
fn ipv6(frame: &mut Frame<'_>, network: usize, mtu: u16) -> Option<()> {
    const LEN: u16 = (Icmp::LEN + QUOTE) as u16;
    let transport = network + Ipv6::LEN;
    let quote = transport + Icmp::LEN;
    let &Ipv6 { source, destination, .. } = frame.header::<Ipv6>(quote)?;
    let icmp =
        Icmp { kind: icmpv6_type::TOO_BIG, code: 0, checksum: Be16::new(0), rest: [Be16::new(0), Be16::new(mtu)] };
    // The pseudo-header (RFC 8200, 8.1).
    let sum = sum(frame, quote, &icmp).add(LEN.to_be()).add(u16::from(protocol::ICMPV6).to_be());
    let checksum = add_address(add_address(sum, source), destination).checksum();
    *frame.header_mut(transport)? = Icmp { checksum: Be16::from_raw(checksum), ..icmp };
    *frame.header_mut(network)? = Ipv6 {
        version_class_flow: Quad::new(6 << 28),
        payload_length: Be16::new(LEN),
        next_header: protocol::ICMPV6,
        hop_limit: HOP_LIMIT,
        source: destination,
        destination: source,
    };
    Some(())
}

/// The sum of the message's header and of what it quotes.
#[inline(always)]
fn sum(frame: &Frame<'_>, quote: usize, icmp: &Icmp) -> Sum {
    let quoted = Sum(quoted_sum(frame, quote));
    quoted.add(u16::from_ne_bytes([icmp.kind, icmp.code])).add(icmp.rest[0].raw()).add(icmp.rest[1].raw())
}

/// The sum of the bytes that are quoted, which begin at `quote`. A call, for its own share of the program's stack.
#[inline(never)]
fn quoted_sum(frame: &Frame<'_>, quote: usize) -> u32 {
    // The offset is behind headers that were just written: the mask is for the verifier, which lost sight of that.
    let quoted = frame.header::<[u16; QUOTE / 2]>(quote & 0x7f);
    quoted.map_or(0, |words| words.iter().fold(Sum::default(), |sum, &word| sum.add(word)).0)
}

#[inline(always)]
fn add_address(sum: Sum, address: Octo) -> Sum {
    address.raw().into_iter().fold(sum, Sum::add_quad)
}
