//! The XDP program, from entry to action.

use crate::capture;
use crate::context::Packet;
use crate::tables::KernelTables;
use aya_ebpf::bindings::xdp_action;
use aya_ebpf::helpers::bpf_redirect;
use aya_ebpf::programs::XdpContext;
use core::ptr;
use lb_common::datapath::{self, Finding, Outcome, Reading, process};
use lb_common::tables::FlowTable;
use lb_common::verdict::Verdict;

/// A flow table that the program can work with.
pub trait Flows: FlowTable {
    /// The one there is.
    const NEW: Self;

    /// Whether packets are routed by QUIC connection IDs. The benchmark's table is looked up with a key on the stack, which leaves no room
    /// for that.
    const READS_QUIC: bool;

    /// `lb_common::datapath::consider` with this flow table, as a global function.
    fn consider(reading: &Reading, finding: &mut Finding) -> bool;
}

/// Decides on one packet, counts the outcome, and carries it out.
#[inline(always)]
pub fn balance<F: Flows>(ctx: &XdpContext) -> u32 {
    let tables = KernelTables { ctx, flows: F::NEW };
    let is_captured = capture::begin(ctx);
    let outcome = process(&tables, &mut Packet { ctx });
    if is_captured {
        capture::end(ctx, &outcome);
    }
    let Outcome { verdict, to } = outcome;
    match (verdict, to) {
        (Verdict::Forwarded(_), Some((_, ifindex))) => emit(ctx, ifindex),
        (Verdict::Answered(..), _) => xdp_action::XDP_TX,
        (Verdict::Passed(_), _) => xdp_action::XDP_PASS,
        (Verdict::Dropped(..) | Verdict::Forwarded(_), _) => xdp_action::XDP_DROP,
    }
}

/// `lb_common::datapath::consider` with the flow table `F`.
#[inline(always)]
pub fn consider<F: Flows>(reading: &Reading, finding: &mut Finding) -> bool {
    // The packet was read: nobody asks for it any more, nor for its interface.
    let ctx = XdpContext::new(ptr::null_mut());
    datapath::consider(&KernelTables { ctx: &ctx, flows: F::NEW }, reading, finding)
}

/// Sends the packet back out of the interface that it came in by, or out of the one that the back-end is behind.
#[inline(always)]
fn emit(ctx: &XdpContext, ifindex: u32) -> u32 {
    if ifindex == ctx.ingress_ifindex() as u32 {
        return xdp_action::XDP_TX;
    }
    // SAFETY: the helper takes two numbers; an interface that does not exist makes it drop the packet.
    unsafe { bpf_redirect(ifindex, 0) as u32 }
}
