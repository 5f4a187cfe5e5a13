//! Step 1: the Ethernet header and its VLAN tags, which stay.

use super::{Passed, Verdict};
use crate::frame::Frame;
use crate::wire::{Be16, Ethernet, Vlan, ether_type};

/// A provider's tag and a customer's.
const MAX_TAGS: usize = 2;

pub(super) struct Link {
    /// Length of the header and its tags in bytes.
    pub(super) len: usize,
    /// What comes behind them.
    pub(super) ether_type: Be16,
}

#[inline(always)]
pub(super) fn parse(frame: &Frame<'_>) -> Result<Link, Verdict> {
    const NOT_IP: Verdict = Verdict::Passed(Passed::NotIp);
    let ethernet = frame.header::<Ethernet>(0).ok_or(NOT_IP)?;
    let mut link = Link { len: size_of::<Ethernet>(), ether_type: ethernet.ether_type };
    for _ in 0..MAX_TAGS {
        if !is_tag(link.ether_type) {
            break;
        }
        let tag = frame.header::<Vlan>(link.len).ok_or(NOT_IP)?;
        link = Link { len: link.len + size_of::<Vlan>(), ether_type: tag.ether_type };
    }
    Ok(link)
}

#[inline(always)]
fn is_tag(ether_type: Be16) -> bool {
    ether_type == ether_type::VLAN || ether_type == ether_type::SERVICE_VLAN
}
