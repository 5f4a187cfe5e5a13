//! Keys and values of the BPF maps: what the agent writes and the XDP program reads, and the other way round.
//!
//! Every type is `repr(C)`, has its padding spelled out and its size asserted, so that both compilers lay it out alike. Numbers
//! are in host byte order unless the type says otherwise. Whoever changes a layout raises [`VERSION`]: it is part of the
//! folder that the maps are pinned in, so an agent never adopts maps that it would misread.

mod access;
mod address;
mod backend;
mod capture;
mod counters;
mod limit;
mod quic;
mod samples;
mod service;
mod settings;
mod timeouts;
mod traffic;
mod vip_filter;

pub use access::{AccessKey, AccessList, Action};
pub use address::Address;
pub use backend::{Backend, BackendState, Forwarding, Outer, Tags};
pub use capture::{CAPTURE_READERS, CaptureFilter, CaptureRecord, MAX_SNAPLEN};
pub use counters::{BackendCounters, ServiceCounters, SizeClass, Tally, VerdictCounters};
pub use limit::{Limiter, SourceKey};
pub use quic::{QuicKey, QuicServer, QuicServerKey};
pub use samples::{SampleRecord, Sampling};
pub use service::{
    AffinityReset, PortsKey, RING_CHUNK, RingChunk, Scheduler, Service, ServiceFlags, ServiceKey, ServiceKind,
};
pub use settings::{Device, Settings};
pub use timeouts::{TIMEOUT_CLASSES, TimeoutClass, Timeouts};
pub use traffic::{LinkKind, NetworkKind, TrafficClass, TransportKind};
pub use vip_filter::VipFilter;

/// Version of everything in this module and of [`crate::flow_table`].
pub const VERSION: u32 = 4;

/// Most services at once.
pub const MAX_SERVICES: u32 = 1_024;
/// Most back-ends at once, of all services together.
pub const MAX_BACKENDS: u32 = 8_192;
/// Most back-ends of one service.
pub const MAX_BACKENDS_PER_SERVICE: usize = 1_024;
/// Most port ranges, each split into at most 30 prefixes, of all services together.
pub const MAX_PORT_PREFIXES: u32 = 16_384;
/// Most prefixes in all access lists, old and new generation.
pub const MAX_ACCESS_PREFIXES: u32 = 1 << 20;
/// Places for sources whose new flows are limited; the ones silent for longest give way.
pub const MAX_LIMITED_SOURCES: u32 = 1 << 17;
/// Most configurations of QUIC connection IDs, of all services together.
pub const MAX_QUIC_CONFIGS: u32 = 1_024;
/// Most servers that QUIC connection IDs name, in all configurations.
pub const MAX_QUIC_SERVERS: u32 = 1 << 16;
/// Buckets of the fragment table: 16,384 packets in pieces at a time.
pub const FRAGMENT_BUCKETS: u32 = 1 << 12;
/// Most interfaces that the program may be attached to.
pub const MAX_DEVICES: usize = 16;
/// Ring positions of all services together, old and new generation.
pub const MAX_RING_POSITIONS: u32 = 1 << 22;

/// Time since boot in units of 2³⁰ nanoseconds (1.07 s): fine enough for idle times, and a shift away from the kernel's coarse
/// clock (`CLOCK_MONOTONIC_COARSE`). Wraps after 24 bits (208 days), so only differences mean anything: see [`ticks_between`].
pub type Ticks = u32;

/// How far a coarse clock in nanoseconds is shifted to give [`Ticks`].
pub const TICK_SHIFT: u32 = 30;

/// Ticks wrap at this power of two.
pub const TICK_BITS: u32 = 24;

/// `nanoseconds` of `CLOCK_MONOTONIC_COARSE` as [`Ticks`].
#[inline(always)]
pub const fn ticks(nanoseconds: u64) -> Ticks {
    (nanoseconds >> TICK_SHIFT) as Ticks & ((1 << TICK_BITS) - 1)
}

/// Ticks from `earlier` to `later`, across a wrap. 0 when `earlier` is the later one: another CPU may have read the clock after this
/// one did. So differences are right up to half the range of the clock, 104 days.
#[inline(always)]
pub const fn ticks_between(earlier: Ticks, later: Ticks) -> Ticks {
    const UNUSED_BITS: u32 = Ticks::BITS - TICK_BITS;
    let difference = (later.wrapping_sub(earlier) << UNUSED_BITS) as i32;
    if difference < 0 { 0 } else { difference as u32 >> UNUSED_BITS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_wrap_and_their_difference_survives_it() {
        let before = ticks(((1 << TICK_BITS) - 1) << TICK_SHIFT);
        let after = ticks((1 << TICK_BITS) << TICK_SHIFT);
        assert_eq!((before, after), (0xff_ffff, 0));
        assert_eq!(ticks_between(before, after), 1);
        assert_eq!(ticks_between(after, before), 0, "nothing has happened since a moment that is yet to come");
    }
}
