//! Other addresses in a packet. Its checksums may be whole, or left to the network card: the kernel's helpers know.

use aya_ebpf::bindings::{BPF_F_MARK_MANGLED_0, BPF_F_PSEUDO_HDR};
use aya_ebpf::helpers::generated::{bpf_csum_diff, bpf_csum_update};
use aya_ebpf::programs::TcContext;
use core::mem::offset_of;
use lb_common::abi::Address;
use lb_common::datapath::Family;
use lb_common::probe::{Ends, NETWORK, transport};
use lb_common::wire::{Ipv4, Ipv6, protocol};

/// One end of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

/// Puts another address at one end of the packet; `None` when the kernel refuses.
#[inline(always)]
pub(crate) fn replace(ctx: &TcContext, side: Side, ends: &Ends, new: Address) -> Option<()> {
    let old = if side == Side::Source { ends.source } else { ends.destination };
    match ends.family {
        Family::V4 => ipv4(ctx, side, ends.protocol, old, new),
        Family::V6 => ipv6(ctx, side, ends.protocol, old, new),
    }
}

#[inline(always)]
fn ipv4(ctx: &TcContext, side: Side, protocol: u8, old: Address, new: Address) -> Option<()> {
    let at = NETWORK + if side == Side::Source { offset_of!(Ipv4, source) } else { offset_of!(Ipv4, destination) };
    let ([.., old], [.., new]) = (old.words(), new.words());
    let (checksum, flags) = checksum(Family::V4, protocol);
    ctx.l4_csum_replace(checksum, old.into(), new.into(), flags | u64::from(WORD)).ok()?;
    let checksum = NETWORK + offset_of!(Ipv4, checksum);
    ctx.l3_csum_replace(checksum, old.into(), new.into(), WORD.into()).ok()?;
    ctx.store(at, &new, 0).ok()
}

#[inline(always)]
fn ipv6(ctx: &TcContext, side: Side, protocol: u8, old: Address, new: Address) -> Option<()> {
    let at = NETWORK + if side == Side::Source { offset_of!(Ipv6, source) } else { offset_of!(Ipv6, destination) };
    let (mut old, mut new) = (old.words(), new.words());
    const LEN: u32 = size_of::<[u32; 4]>() as u32;
    // SAFETY: two local arrays of this length.
    let difference = unsafe { bpf_csum_diff(old.as_mut_ptr(), LEN, new.as_mut_ptr(), LEN, 0) };
    let difference = u32::try_from(difference).ok()?;
    let (checksum, flags) = checksum(Family::V6, protocol);
    ctx.l4_csum_replace(checksum, 0, difference.into(), flags).ok()?;
    // The card may have summed up all of the packet. That sum stays the same: no checksum of an IP header changes the other way, as the
    // helper believes. Without such a sum, this does nothing.
    // SAFETY: the context is the one that the program was called with.
    unsafe { bpf_csum_update(ctx.skb.skb, difference) };
    ctx.store(at, &new, 0).ok()
}

/// Bytes of an IPv4 address.
const WORD: u32 = size_of::<u32>() as u32;

/// Where the checksum of a transport protocol is, and how it is changed: it covers the addresses.
#[inline(always)]
fn checksum(family: Family, protocol: u8) -> (usize, u64) {
    /// Of UDP and TCP, behind the start of their headers.
    const UDP: usize = 6;
    const TCP: usize = 16;
    let pseudo_header = u64::from(BPF_F_PSEUDO_HDR);
    if protocol == protocol::UDP {
        (transport(family) + UDP, pseudo_header | u64::from(BPF_F_MARK_MANGLED_0))
    } else {
        (transport(family) + TCP, pseudo_header)
    }
}
