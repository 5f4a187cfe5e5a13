//! Step 2: the outer IP header.

use super::link::Link;
use super::{Family, Passed, Verdict};
use crate::abi::Address;
use crate::frame::Frame;
use crate::wire::{Ecn, Ipv4, Ipv6, Ipv6Fragment, ether_type, protocol};

pub(super) struct Outer {
    pub(super) family: Family,
    pub(super) source: Address,
    pub(super) destination: Address,
    pub(super) ecn: Ecn,
    /// What the payload is; see [`protocol`].
    pub(super) protocol: u8,
    /// Whether this is a piece of a packet, and whether it is one without the beginning of the payload.
    pub(super) is_fragment: bool,
    pub(super) is_later_fragment: bool,
    /// Where in the frame the payload begins, and where the packet ends.
    pub(super) payload: usize,
    pub(super) end: usize,
}

#[inline(always)]
pub(super) fn parse(frame: &Frame<'_>, link: &Link) -> Result<Outer, Verdict> {
    match link.ether_type {
        ether_type::IPV4 => ipv4(frame, link.len),
        ether_type::IPV6 => ipv6(frame, link.len),
        _ => Err(Verdict::Passed(Passed::NotIp)),
    }
}

const MALFORMED: Verdict = Verdict::Passed(Passed::Malformed);

#[inline(always)]
fn ipv4(frame: &Frame<'_>, start: usize) -> Result<Outer, Verdict> {
    let header = frame.header::<Ipv4>(start).ok_or(MALFORMED)?;
    let (header_len, end) = (header.header_len(), start + header.total_length());
    if header.version() != 4 || header_len < Ipv4::MIN_LEN || header.total_length() < header_len || end > frame.len() {
        return Err(MALFORMED);
    }
    Ok(Outer {
        family: Family::V4,
        source: Address::from_v4(header.source.raw().to_ne_bytes()),
        destination: Address::from_v4(header.destination.raw().to_ne_bytes()),
        ecn: header.ecn(),
        protocol: header.protocol,
        is_fragment: header.is_fragment(),
        is_later_fragment: header.is_later_fragment(),
        payload: start + header_len,
        end,
    })
}

/// Of the extension headers, only that of a fragment is looked behind: it may hide the beginning of a tunnel. A balancer sends none.
#[inline(always)]
fn ipv6(frame: &Frame<'_>, start: usize) -> Result<Outer, Verdict> {
    let header = frame.header::<Ipv6>(start).ok_or(MALFORMED)?;
    let end = start + header.total_length();
    if header.version() != 6 || end > frame.len() || header.source.is_v4_mapped() || header.destination.is_v4_mapped() {
        return Err(MALFORMED);
    }
    let whole = Outer {
        family: Family::V6,
        source: Address::from_octo(header.source),
        destination: Address::from_octo(header.destination),
        ecn: header.ecn(),
        protocol: header.next_header,
        is_fragment: false,
        is_later_fragment: false,
        payload: start + Ipv6::LEN,
        end,
    };
    if whole.protocol != protocol::FRAGMENT {
        return Ok(whole);
    }
    let fragment = frame.header::<Ipv6Fragment>(whole.payload).ok_or(MALFORMED)?;
    Ok(Outer {
        protocol: fragment.next_header,
        is_fragment: true,
        is_later_fragment: fragment.is_later(),
        payload: whole.payload + size_of::<Ipv6Fragment>(),
        ..whole
    })
}
