//! Tunnels, as the balancer's program makes them.

use crate::frame;
use aya_ebpf::bindings::{
    BPF_F_ADJ_ROOM_ENCAP_L3_IPV4, BPF_F_ADJ_ROOM_ENCAP_L3_IPV6, BPF_F_ADJ_ROOM_ENCAP_L4_UDP, bpf_adj_room_mode,
};
use aya_ebpf::helpers::generated::bpf_get_hash_recalc;
use aya_ebpf::programs::TcContext;
use lb_common::abi::{Backend, Forwarding};
use lb_common::datapath::{Family, Inner, encapsulate};
use lb_common::probe::NETWORK;
use lb_common::wire::{Ethernet, ether_type};

/// Puts the packet into the tunnel to its back-end, if there is one; `None` when that cannot be.
#[inline(always)]
pub(crate) fn enter(ctx: &TcContext, backend: &Backend) -> Option<()> {
    let inner = Inner::read(&frame(ctx), NETWORK)?;
    if inner.len > usize::from(backend.max_len) {
        return None;
    }
    let flags = match backend.forwarding {
        Forwarding::IPIP_V4 => BPF_F_ADJ_ROOM_ENCAP_L3_IPV4,
        Forwarding::IPIP_V6 => BPF_F_ADJ_ROOM_ENCAP_L3_IPV6,
        Forwarding::GUE_V4 => BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP,
        Forwarding::GUE_V6 => BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP,
        _ => return Some(()),
    };
    // SAFETY: the context is the one that the program was called with.
    let hash = u64::from(unsafe { bpf_get_hash_recalc(ctx.skb.skb) });
    let overhead = backend.forwarding.overhead() as i32;
    ctx.adjust_room(overhead, bpf_adj_room_mode::BPF_ADJ_ROOM_MAC, flags.into()).ok()?;
    let mut frame = frame(ctx);
    let family = encapsulate(&mut frame, NETWORK, backend, hash << 32 | hash, &inner)?;
    frame.header_mut::<Ethernet>(0)?.ether_type = match family {
        Family::V4 => ether_type::IPV4,
        Family::V6 => ether_type::IPV6,
    };
    Some(())
}
