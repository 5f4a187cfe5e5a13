//! The least that a program can do, and the far end of a link.

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::helpers::bpf_xdp_adjust_head;
use aya_ebpf::macros::{map, xdp};
use aya_ebpf::maps::PerCpuArray;
use aya_ebpf::programs::XdpContext;

/// Sends the packet back: the least that a balancer could do with it.
#[xdp]
fn floor(_: XdpContext) -> u32 {
    xdp_action::XDP_TX
}

/// Makes room for an outer header and sends the packet back: the least that a balancer could do with tunnels.
#[xdp]
fn grow(ctx: XdpContext) -> u32 {
    // SAFETY: the context is the one that the program was called with.
    unsafe { bpf_xdp_adjust_head(ctx.ctx, -20) };
    xdp_action::XDP_TX
}

/// How many packets came back. Written by the program.
#[map]
static SUNK: PerCpuArray<u64> = PerCpuArray::with_max_entries(1, 0);

/// Takes the packet away and counts it.
#[xdp]
fn sink(_: XdpContext) -> u32 {
    if let Some(sunk) = SUNK.get_ptr_mut(0) {
        // SAFETY: the value belongs to this CPU alone.
        unsafe { *sunk += 1 };
    }
    xdp_action::XDP_DROP
}
