//! What the packet logic may ask of the kernel.

use crate::maps::{ADDRESSES, SETTINGS, SOURCES, VERDICTS, VIPS};
use aya_ebpf::maps::lpm_trie::Key;
use lb_common::abi::Address;
use lb_common::decap::{Settings, Tables, Verdict};

/// The BPF maps.
pub(crate) struct Kernel;

impl Tables for Kernel {
    #[inline(always)]
    fn settings(&self) -> Option<&Settings> {
        SETTINGS.get(0)
    }

    #[inline(always)]
    fn is_own(&self, address: &Address) -> bool {
        ADDRESSES.get_ptr(address).is_some()
    }

    #[inline(always)]
    fn is_tunnel_source(&self, address: &Address) -> bool {
        const WHOLE: u32 = size_of::<Address>() as u32 * 8;
        SOURCES.get(Key::new(WHOLE, *address)).is_some()
    }

    #[inline(always)]
    fn is_vip(&self, address: &Address) -> bool {
        VIPS.get_ptr(address).is_some()
    }
}

/// Counts a packet of `bytes` bytes.
#[inline(always)]
pub(crate) fn count(verdict: Verdict, bytes: u64) {
    if let Some(tally) = VERDICTS.get_ptr_mut(verdict.number()) {
        // SAFETY: the value belongs to this CPU alone, and an XDP program is not interrupted by another.
        unsafe { (*tally).count(bytes) };
    }
}
