//! Step 7: the hand-off. With direct server return on one segment (`l2-dsr`) the back-end has the VIP itself, so the frame only needs
//! new Ethernet addresses: the IP packet arrives just as the client sent it.

use crate::abi::Backend;
use crate::frame::Frame;
use crate::verdict::{Forwarded, Passed, Verdict};
use crate::wire::Ethernet;

/// Where a packet goes.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'t> {
    /// Slot of the back-end.
    pub slot: u16,
    /// The back-end: the way to it, and the service that it belongs to.
    pub backend: &'t Backend,
    /// How it was found.
    pub how: Forwarded,
}

/// Addresses the frame to the back-end.
///
/// # Errors
/// Only for a frame without an Ethernet header, which no plan was ever made for.
#[inline(always)]
pub fn hand_off(frame: &mut Frame<'_>, plan: &Plan<'_>) -> Result<(), Verdict> {
    let ethernet = frame.header_mut::<Ethernet>(0).ok_or(Verdict::Passed(Passed::Malformed))?;
    ethernet.destination = plan.backend.mac;
    ethernet.source = plan.backend.source_mac;
    Ok(())
}
