//! The XDP program, from entry to action.

use crate::context;
use crate::tables::KernelTables;
use aya_ebpf::bindings::xdp_action;
use aya_ebpf::helpers::bpf_redirect;
use aya_ebpf::programs::XdpContext;
use lb_common::datapath::{Plan, decide, hand_off, record};
use lb_common::tables::FlowTable;
use lb_common::verdict::Verdict;

/// Decides on one packet, counts the outcome, and carries it out.
#[inline(always)]
pub fn balance<F: FlowTable>(ctx: &XdpContext, flows: F) -> u32 {
    let tables = KernelTables { ctx, flows };
    let mut frame = context::frame(ctx);
    let outcome = decide(&tables, &frame).and_then(|plan| hand_off(&mut frame, &plan).map(|()| plan));
    record(&tables, &outcome, frame.len() as u64);
    match outcome {
        Ok(plan) => emit(ctx, &plan),
        Err(verdict) => action(verdict),
    }
}

/// Sends the packet back out of the interface that it came in by, or out of the one that the back-end is behind.
#[inline(always)]
fn emit(ctx: &XdpContext, plan: &Plan<'_>) -> u32 {
    if plan.backend.ifindex == ctx.ingress_ifindex() as u32 {
        return xdp_action::XDP_TX;
    }
    // SAFETY: the helper takes two numbers; an interface that does not exist makes it drop the packet.
    unsafe { bpf_redirect(plan.backend.ifindex, 0) as u32 }
}

#[inline(always)]
fn action(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Dropped(..) => xdp_action::XDP_DROP,
        Verdict::Passed(_) | Verdict::Forwarded(_) => xdp_action::XDP_PASS,
    }
}
