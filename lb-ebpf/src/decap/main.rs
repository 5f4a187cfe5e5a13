//! The XDP program that `handoff decap` attaches on a back-end: the packet logic of `lb_common::decap` over its own maps.

#![no_std]
#![no_main]

// Not by way of the library: the balancer's maps would come along.
#[path = "../context.rs"]
mod context;
mod maps;
mod tables;

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::{macros::xdp, programs::XdpContext};
use context::Packet;
use lb_common::decap::{Plan, Verdict, decide, strip};
use lb_common::frame::Frame;
use lb_common::tables::Buffer;

#[xdp]
fn handoff_decap(ctx: XdpContext) -> u32 {
    let mut packet = Packet { ctx: &ctx };
    let frame = packet.frame();
    match decide(&tables::Kernel, &frame) {
        Ok(plan) => deliver(&mut packet, &plan),
        Err(verdict) => end(&frame, verdict),
    }
}

/// Gives the packet inside to the network stack.
#[inline(always)]
fn deliver(packet: &mut Packet<'_>, plan: &Plan) -> u32 {
    let mut frame = packet.frame();
    if let Err(verdict) = strip(&mut frame, plan) {
        return end(&frame, verdict);
    }
    tables::count(Verdict::Decapsulated(plan.tunnel), frame.len() as u64);
    // It is longer than what is removed by an Ethernet header: as every frame that was decided on.
    if packet.grow_head(-(plan.remove as i32)) { xdp_action::XDP_PASS } else { xdp_action::XDP_ABORTED }
}

/// Leaves the packet to the network stack, or to nobody.
#[inline(always)]
fn end(frame: &Frame<'_>, verdict: Verdict) -> u32 {
    tables::count(verdict, frame.len() as u64);
    if let Verdict::Dropped(_) = verdict { xdp_action::XDP_DROP } else { xdp_action::XDP_PASS }
}

/// As in the balancer's program: a left-over panic fails to load.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    #[expect(clippy::empty_loop, reason = "rejected by the verifier, as it should be")]
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
