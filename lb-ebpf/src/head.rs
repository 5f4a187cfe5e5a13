//! The beginning of a packet, for those who record it.

use aya_ebpf::helpers::bpf_xdp_load_bytes;
use aya_ebpf::programs::XdpContext;
use core::ptr;

/// Copies the first `count` bytes of the packet, but no more than `most`, to `to`. Returns how many those were; 0 if it has not so many.
///
/// # Safety
/// There must be room for `most` bytes.
#[inline(always)]
pub(crate) unsafe fn copy(ctx: &XdpContext, count: u32, most: u32, to: *mut u8) -> u16 {
    // Kernels before 6.8 learn nothing from a comparison with 0: what is one less, and one is added to again, is at least 1 to all of them.
    let less = u64::from(count.min(most)).wrapping_sub(1);
    // SAFETY: a local variable. What the compiler knows of it, it would not check again; the verifier wants to see it.
    let less = unsafe { ptr::read_volatile(&raw const less) };
    if less >= u64::from(most) {
        return 0;
    }
    let count = less as u32 + 1;
    // SAFETY: the helper writes `count` bytes, for which the caller has room.
    let copied = unsafe { bpf_xdp_load_bytes(ctx.ctx, 0, to.cast(), count) };
    if copied == 0 { count as u16 } else { 0 }
}
