//! The packet behind an XDP context.

use aya_ebpf::helpers::{bpf_xdp_adjust_head, bpf_xdp_adjust_tail};
use aya_ebpf::programs::XdpContext;
use core::ptr::{self, with_exposed_provenance_mut};
use lb_common::frame::Frame;
use lb_common::tables::Buffer;

/// The packet that the program was called for.
pub(crate) struct Packet<'a> {
    pub(crate) ctx: &'a XdpContext,
}

impl Packet<'_> {
    /// Length of the packet, as a number that the verifier knows for one.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        let len = self.ctx.data_end() - self.ctx.data();
        // SAFETY: a local variable. Without the detour the compiler computes with the two addresses that it is the difference of, which the
        // verifier does not allow.
        unsafe { ptr::read_volatile(&raw const len) }
    }
}

impl Buffer for Packet<'_> {
    #[inline(always)]
    fn frame(&mut self) -> Frame<'_> {
        let (start, end) = (self.ctx.data(), self.ctx.data_end());
        // SAFETY: the kernel guarantees that the bytes from data to data_end are the packet's, and that they begin at an even address. What
        // moves head or tail borrows the packet as well, so no frame outlives that.
        unsafe { Frame::from_raw(with_exposed_provenance_mut(start), with_exposed_provenance_mut(end)) }
    }

    #[inline(always)]
    fn grow_head(&mut self, bytes: i32) -> bool {
        // SAFETY: the context is the one that the program was called with; a refusal leaves the packet as it was.
        unsafe { bpf_xdp_adjust_head(self.ctx.ctx, -bytes) == 0 }
    }

    #[inline(always)]
    fn truncate(&mut self, len: usize) -> bool {
        // A packet that is shorter wraps to more.
        let surplus = self.len().wrapping_sub(len);
        if surplus > usize::from(u16::MAX) {
            return false;
        }
        // SAFETY: as in `grow_head`. A positive number would make the packet longer.
        unsafe { bpf_xdp_adjust_tail(self.ctx.ctx, -(surplus as i32)) == 0 }
    }
}
