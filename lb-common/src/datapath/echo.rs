//! The answer to an echo request: the same message, sent back (RFC 792, RFC 4443 section 4.2).

use super::Calls;
use super::parse::{Datagram, Family, HOP_LIMIT, Link};
use crate::checksum::Sum;
use crate::frame::Frame;
use crate::tables::Buffer;
use crate::wire::{Be16, Ethernet, Icmp, Ipv4, Ipv6, icmp_type, icmpv6_type};

/// Turns an echo request into its reply; whether it did.
#[inline(always)]
pub fn reply<C: Calls, B: Buffer>(calls: &C, buffer: &mut B) -> bool {
    turn_around(calls, &mut buffer.frame()).is_some()
}

#[inline(always)]
fn turn_around<C: Calls>(calls: &C, frame: &mut Frame<'_>) -> Option<()> {
    let link = Link::parse(frame).ok()?;
    let datagram = Datagram::parse(calls, frame, link.network, link.family).ok()?;
    let ethernet = frame.header_mut::<Ethernet>(0)?;
    (ethernet.source, ethernet.destination) = (ethernet.destination, ethernet.source);
    // Addresses that change places leave every checksum as it is.
    let kinds = match link.family {
        Family::V4 => {
            let ipv4 = frame.header_mut::<Ipv4>(link.network)?;
            (ipv4.source, ipv4.destination) = (ipv4.destination, ipv4.source);
            ipv4.set_time_to_live(HOP_LIMIT);
            [icmp_type::ECHO_REQUEST, icmp_type::ECHO_REPLY]
        }
        Family::V6 => {
            let ipv6 = frame.header_mut::<Ipv6>(link.network)?;
            (ipv6.source, ipv6.destination) = (ipv6.destination, ipv6.source);
            ipv6.hop_limit = HOP_LIMIT;
            [icmpv6_type::ECHO_REQUEST, icmpv6_type::ECHO_REPLY]
        }
    };
    let icmp = frame.header_mut::<Icmp>(datagram.transport)?;
    let [request, reply] = kinds.map(|kind| u16::from_ne_bytes([kind, icmp.code]));
    icmp.kind = kinds[1];
    let checksum = Sum::of_checksum(icmp.checksum.raw()).remove(request).add(reply).checksum();
    // A message of zeroes alone has the other zero (RFC 1624, 3).
    let is_blank = checksum == 0 && icmp.rest.iter().all(|word| word.raw() == 0);
    icmp.checksum = Be16::from_raw(if is_blank { u16::MAX } else { checksum });
    Some(())
}
