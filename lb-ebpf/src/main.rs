//! The XDP program that Handoff attaches.

#![no_std]
#![no_main]

use aya_ebpf::{macros::xdp, programs::XdpContext};
use lb_ebpf::{flow_table::Buckets, program};

#[xdp]
fn handoff(ctx: XdpContext) -> u32 {
    program::balance::<Buckets>(&ctx)
}

/// The verifier rejects an endless loop: a panic that the compiler could not rule out fails to load instead of being undefined.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    #[expect(clippy::empty_loop, reason = "rejected by the verifier, as it should be")]
    loop {}
}

/// The kernel reserves some helpers for programs under a licence compatible with the GPL.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
