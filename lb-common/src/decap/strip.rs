//! Step 7: the outer headers go.

use super::{Dropped, Family, Plan, Verdict};
use crate::frame::Frame;
use crate::wire::{Be16, Ethernet, Ipv4, Ipv6, Vlan, ether_type};

/// Moves the Ethernet header and its tags to where the packet inside begins, and says there what it is. The frame then begins
/// [`Plan::remove`] bytes later, which is for the caller to tell those who hold it.
///
/// # Errors
/// Only for a frame that the plan was not made for.
#[inline(always)]
pub fn strip(frame: &mut Frame<'_>, plan: &Plan) -> Result<(), Verdict> {
    notify(frame, plan).and_then(|()| shift(frame, plan)).ok_or(Verdict::Dropped(Dropped::MalformedInner))
}

#[inline(always)]
fn notify(frame: &mut Frame<'_>, plan: &Plan) -> Option<()> {
    if let Some(ecn) = plan.ecn {
        let inner = plan.link_len + plan.remove;
        match plan.tunnel.inner {
            Family::V4 => frame.header_mut::<Ipv4>(inner)?.set_ecn(ecn),
            Family::V6 => frame.header_mut::<Ipv6>(inner)?.set_ecn(ecn),
        }
    }
    Some(())
}

#[inline(always)]
fn shift(frame: &mut Frame<'_>, plan: &Plan) -> Option<()> {
    const WORD: usize = size_of::<Be16>();
    const LONGEST: usize = size_of::<Ethernet>() + 2 * size_of::<Vlan>();
    *frame.header_mut(plan.link_len - WORD)? = match plan.tunnel.inner {
        Family::V4 => ether_type::IPV4,
        Family::V6 => ether_type::IPV6,
    };
    // From the last word on: what is written lies behind all that is still to be read. As one block it would be a call of
    // `memmove`, which BPF only has as a loop over bytes.
    for offset in (0..LONGEST).step_by(WORD).rev() {
        if offset < plan.link_len {
            let word = *frame.header::<Be16>(offset)?;
            *frame.header_mut(offset + plan.remove)? = word;
        }
    }
    Some(())
}
