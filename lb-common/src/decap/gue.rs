//! Step 4, for UDP: generic UDP encapsulation (draft-ietf-intarea-gue). Optional fields without flags are private data, which is skipped, as
//! the kernel's own receiver does.

use super::inner::Place;
use super::outer::Outer;
use super::{Dropped, Family, Kind, Verdict};
use crate::frame::Frame;
use crate::wire::{Gue, Udp, protocol};

#[inline(always)]
pub(super) fn parse(frame: &Frame<'_>, outer: &Outer) -> Result<Place, Verdict> {
    let udp = frame.header::<Udp>(outer.payload).ok_or(BAD)?;
    let (start, end) = (outer.payload + size_of::<Udp>(), outer.payload + usize::from(udp.length.get()));
    if end > outer.end {
        return Err(BAD);
    }
    let gue = frame.header::<Gue>(start).ok_or(BAD)?;
    match gue.version() {
        0 => Ok(Place { kind: Kind::Gue, family: encapsulated(gue)?, start: start + gue.header_len(), end }),
        1 => Ok(Place { kind: Kind::GueDirect, family: direct(gue)?, start, end }),
        _ => Err(BAD),
    }
}

const BAD: Verdict = Verdict::Dropped(Dropped::BadGue);

#[inline(always)]
fn encapsulated(gue: &Gue) -> Result<Family, Verdict> {
    if gue.is_control() {
        return Err(Verdict::Dropped(Dropped::GueControl));
    }
    match gue.protocol {
        // A flag says how the payload is to be read: one that is not known makes it unreadable.
        _ if gue.flags.raw() != 0 => Err(BAD),
        protocol::IPV4 => Ok(Family::V4),
        protocol::IPV6 => Ok(Family::V6),
        _ => Err(BAD),
    }
}

#[inline(always)]
fn direct(gue: &Gue) -> Result<Family, Verdict> {
    match gue.ip_version() {
        4 => Ok(Family::V4),
        6 => Ok(Family::V6),
        _ => Err(BAD),
    }
}
