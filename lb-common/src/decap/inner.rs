//! Step 5: the packet inside. Whatever is wrong behind its IP header, the network stack will find.

use super::{Dropped, Family, Kind, Verdict};
use crate::abi::Address;
use crate::frame::Frame;
use crate::wire::{Ecn, Ipv4, Ipv6};

/// Where the packet inside should be.
pub(super) struct Place {
    /// The tunnel that said so.
    pub(super) kind: Kind,
    /// What it should be.
    pub(super) family: Family,
    /// Where in the frame it begins, and where it ends at the latest: inside the outer packet.
    pub(super) start: usize,
    pub(super) end: usize,
}

pub(super) struct Inner {
    pub(super) destination: Address,
    pub(super) ecn: Ecn,
}

#[inline(always)]
pub(super) fn parse(frame: &Frame<'_>, place: &Place) -> Result<Inner, Verdict> {
    match place.family {
        Family::V4 => ipv4(frame, place),
        Family::V6 => ipv6(frame, place),
    }
}

const MALFORMED: Verdict = Verdict::Dropped(Dropped::MalformedInner);

#[inline(always)]
fn ipv4(frame: &Frame<'_>, place: &Place) -> Result<Inner, Verdict> {
    let header = frame.header::<Ipv4>(place.start).ok_or(MALFORMED)?;
    let header_len = header.header_len();
    if header.version() != 4
        || header_len < Ipv4::MIN_LEN
        || header.total_length() < header_len
        || place.start + header.total_length() > place.end
    {
        return Err(MALFORMED);
    }
    Ok(Inner { destination: Address::from_v4(header.destination.raw().to_ne_bytes()), ecn: header.ecn() })
}

#[inline(always)]
fn ipv6(frame: &Frame<'_>, place: &Place) -> Result<Inner, Verdict> {
    let header = frame.header::<Ipv6>(place.start).ok_or(MALFORMED)?;
    if header.version() != 6
        || place.start + header.total_length() > place.end
        // It would pass for a packet to an IPv4 VIP.
        || header.destination.is_v4_mapped()
    {
        return Err(MALFORMED);
    }
    Ok(Inner { destination: Address::from_octo(header.destination), ecn: header.ecn() })
}
