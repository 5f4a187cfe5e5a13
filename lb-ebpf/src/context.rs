//! The frame behind an XDP context.

use aya_ebpf::programs::XdpContext;
use core::ptr::with_exposed_provenance_mut;
use lb_common::frame::Frame;

/// The frame that the program was called for.
#[inline(always)]
pub(crate) fn frame(ctx: &XdpContext) -> Frame<'_> {
    // SAFETY: the kernel guarantees that the bytes from data to data_end are the packet's, and nothing here moves its head or tail.
    unsafe { Frame::from_raw(with_exposed_provenance_mut(ctx.data()), with_exposed_provenance_mut(ctx.data_end())) }
}
