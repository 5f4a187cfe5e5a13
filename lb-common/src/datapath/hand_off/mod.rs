//! Step 10: the hand-off. With direct server return on one segment (`l2-dsr`) the back-end has the VIP itself, so the frame only needs
//! new Ethernet addresses: the IP packet arrives just as the client sent it. That is here; the rest is a call away:
//!
//! | file | what it does |
//! |---|---|
//! | `carry` | frames that need other VLAN tags, a tunnel, or another interface |
//! | `outer` | the tunnel's headers |
//! | `too_big` | the message to a client whose packet does not fit |

mod carry;
mod outer;
mod too_big;

pub use carry::{Carried, carry};
pub use outer::{Inner, encapsulate};
pub use too_big::too_big;

use super::Calls;
use crate::abi::{Backend, Forwarding};
use crate::tables::Buffer;
use crate::verdict::{Answered, Dropped, Forwarded, Passed, Subject, Verdict};
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
    /// Offset of the IP header in the frame.
    pub network: u8,
    /// The flow's hash.
    pub hash: u64,
}

/// Addresses the packet to the back-end.
///
/// # Errors
/// The verdict on a packet that does not fit through the way to the back-end: it was answered or must be dropped.
#[inline(always)]
pub(super) fn hand_off<C: Calls, B: Buffer>(calls: &C, buffer: &mut B, plan: &Plan<'_>) -> Result<(), Verdict> {
    let backend = plan.backend;
    let is_plain = backend.forwarding == Forwarding::L2_DSR && backend.tags.is_keep();
    if !is_plain || backend.ifindex != calls.ingress() {
        return carried(calls, buffer, plan);
    }
    let mut frame = buffer.frame();
    let ethernet = frame.header_mut::<Ethernet>(0).ok_or(Verdict::Passed(Passed::Malformed))?;
    ethernet.readdress(&backend.mac, &backend.source_mac);
    Ok(())
}

#[inline(always)]
fn carried<C: Calls, B: Buffer>(calls: &C, buffer: &mut B, plan: &Plan<'_>) -> Result<(), Verdict> {
    let subject = Subject(plan.backend.service);
    match calls.carry(buffer, plan) {
        Carried::DONE => Ok(()),
        Carried::TOO_BIG if may_be_answered(plan.how) && calls.too_big(buffer, plan) => {
            Err(Verdict::Answered(Answered::TooBig, subject))
        }
        Carried::TOO_BIG => Err(Verdict::Dropped(Dropped::TooBig, subject)),
        Carried::NO_HEADROOM => Err(Verdict::Dropped(Dropped::NoHeadroom, subject)),
        _ => Err(Verdict::Dropped(Dropped::BadLength, subject)),
    }
}

/// No error about an error, nor about a later fragment (RFC 1122, 3.2.2; RFC 4443, 2.4): the first one is as long.
#[inline(always)]
fn may_be_answered(how: Forwarded) -> bool {
    !matches!(how, Forwarded::IcmpError | Forwarded::Fragment | Forwarded::EarlyFragment)
}
