//! Step 3: whether the payload is a tunnel's at all.

use super::outer::Outer;
use super::{Family, Passed, Settings, Verdict};
use crate::frame::Frame;
use crate::wire::{Udp, protocol};

/// What carries the packet inside.
pub(super) enum Carrier {
    /// The outer IP packet itself, and the family that it says is inside.
    Ip(Family),
    /// A UDP datagram to the port of generic UDP encapsulation.
    Udp,
}

#[inline(always)]
pub(super) fn identify(frame: &Frame<'_>, settings: &Settings, outer: &Outer) -> Result<Carrier, Verdict> {
    match outer.protocol {
        protocol::IPV4 => Ok(Carrier::Ip(Family::V4)),
        protocol::IPV6 => Ok(Carrier::Ip(Family::V6)),
        protocol::UDP if is_gue(frame, settings, outer) => Ok(Carrier::Udp),
        _ => Err(Verdict::Passed(Passed::NotATunnel)),
    }
}

/// Whose port a later fragment is for, nobody can tell: the stack may put it together.
#[inline(always)]
fn is_gue(frame: &Frame<'_>, settings: &Settings, outer: &Outer) -> bool {
    let udp = frame.header::<Udp>(outer.payload);
    !outer.is_later_fragment && udp.is_some_and(|udp| udp.destination == settings.gue_port)
}
