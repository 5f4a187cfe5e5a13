//! Step 3: whether the packet is for a VIP at all.

use super::parse::{Datagram, Family, Link};
use crate::abi::{Address, Settings};
use crate::frame::Frame;
use crate::tables::Tables;
use crate::verdict::{Dropped, Passed, Subject, Verdict};
use crate::wire::{Ipv4, Ipv6};

/// Passes what is certainly for nobody, before it costs a look into the flow table.
#[inline(always)]
pub(super) fn accept(settings: &Settings, datagram: &Datagram) -> Result<(), Verdict> {
    let words = datagram.destination.words();
    let may_be = match datagram.family {
        Family::V4 => settings.vips.may_contain_v4(words[3]),
        // An IPv4-mapped address is on no wire (RFC 4291, 2.5.5.2): here it would name an IPv4 service.
        Family::V6 => settings.vips.may_contain_v6(words) && !datagram.destination.is_v4(),
    };
    if may_be { Ok(()) } else { Err(Verdict::Passed(Passed::NoService)) }
}

/// The verdict on a packet that its own headers brought about: for an address that only looks like a VIP, it is none of our business.
#[inline(always)]
pub(super) fn verdict<T: Tables>(tables: &T, datagram: &Datagram, verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Dropped(..) if !tables.is_vip(&datagram.destination) => Verdict::Passed(Passed::NoService),
        verdict => verdict,
    }
}

/// The verdict on a packet that cannot be. The network stack would discard it as well; for a VIP, it is counted by its reason.
#[inline(always)]
pub(super) fn malformed<T: Tables>(tables: &T, frame: &Frame<'_>, link: Link, why: Dropped) -> Verdict {
    let destination = match link.family {
        Family::V4 => frame.header::<Ipv4>(link.network).map(|header| Address::from_quad(header.destination)),
        Family::V6 => frame.header::<Ipv6>(link.network).map(|header| Address::from_octo(header.destination)),
    };
    match destination {
        Some(destination) if tables.is_vip(&destination) => Verdict::Dropped(why, Subject::VIP),
        _ => Verdict::Passed(Passed::Malformed),
    }
}
