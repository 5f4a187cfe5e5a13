//! The programs that take probes of health checks by way of the VIP, between the network stack and an interface (TC): see
//! `lb_common::probe`. Packets that are none of theirs they leave to whoever comes next.

#![no_std]
#![no_main]

mod address;
mod maps;
mod tunnel;

use address::Side;
use aya_ebpf::bindings::{TC_ACT_SHOT, TC_ACT_UNSPEC};
use aya_ebpf::macros::classifier;
use aya_ebpf::programs::TcContext;
use core::ptr::with_exposed_provenance_mut;
use lb_common::frame::Frame;
use lb_common::probe::{Ends, FIRST_MARK, MAX_TARGETS, NETWORK};
use lb_common::wire::{Ipv6, Udp};
use maps::{ANSWERS, TARGETS};

/// On the way out: packets with a mark go to the VIP, or nowhere. Without knowing where, the back-end's own address would answer.
#[classifier]
fn probe_out(ctx: TcContext) -> i32 {
    // SAFETY: the context is the one that the program was called with.
    let mark = unsafe { (*ctx.skb.skb).mark };
    if mark.wrapping_sub(FIRST_MARK) >= MAX_TARGETS {
        return TC_ACT_UNSPEC;
    }
    match send(&ctx, mark) {
        Some(()) => TC_ACT_UNSPEC,
        None => TC_ACT_SHOT as i32,
    }
}

#[inline(always)]
fn send(ctx: &TcContext, mark: u32) -> Option<()> {
    let target = TARGETS.get_ptr(&mark)?;
    // SAFETY: a value of the map, which the agent may write meanwhile: then a packet goes astray, and its probe fails.
    let target = unsafe { &*target };
    let ends = Ends::read(&frame(ctx))?;
    ANSWERS.insert(ends.answer_to(target.vip), ends.destination, 0).ok()?;
    address::replace(ctx, Side::Destination, &ends, target.vip)?;
    tunnel::enter(ctx, &target.backend)?;
    // An interface below this one, as of a VLAN, must not do it again.
    ctx.set_mark(0);
    Some(())
}

/// On the way in: answers from the VIP come from the back-end's own address.
#[classifier]
fn probe_in(ctx: TcContext) -> i32 {
    // Whatever cannot be changed stays as it is.
    let _ = receive(&ctx);
    TC_ACT_UNSPEC
}

#[inline(always)]
fn receive(ctx: &TcContext) -> Option<()> {
    let ends = Ends::read(&frame(ctx))?;
    let backend = ANSWERS.get_ptr(&ends.answer())?;
    // SAFETY: a value of the map, which the program may write meanwhile: then a packet goes astray, and its probe fails.
    let backend = unsafe { *backend };
    address::replace(ctx, Side::Source, &ends, backend)
}

/// The headers of the packet as it is now, in one piece.
#[inline(always)]
pub(crate) fn frame(ctx: &TcContext) -> Frame<'_> {
    const HEADERS: usize = NETWORK + Ipv6::LEN + size_of::<Udp>();
    if ctx.data() + HEADERS > ctx.data_end() {
        // A shorter packet has them all in one piece already.
        let _ = ctx.pull_data(HEADERS as u32);
    }
    // SAFETY: the kernel guarantees that the bytes from data to data_end are the packet's, and that they begin at an even address. Who
    // calls a helper that moves them makes the frame anew.
    unsafe { Frame::from_raw(with_exposed_provenance_mut(ctx.data()), with_exposed_provenance_mut(ctx.data_end())) }
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
