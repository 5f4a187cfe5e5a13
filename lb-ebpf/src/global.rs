//! Global functions: see `lb_common::datapath::Calls`. They are all that the verifier checks by themselves, for any arguments of their
//! types, so each begins by making sure that there is what the pointers promise.

use crate::context::Packet;
use crate::flow_table::Buckets;
use crate::program;
use crate::tables::KernelTables;
use aya_ebpf::bindings::xdp_md;
use aya_ebpf::programs::XdpContext;
use lb_common::abi::{Backend, Ticks, Timeouts};
use lb_common::datapath::{self, Carried, Chain, Finding, Plan, Reading};
use lb_common::flow_table::{Bucket, FlowRecord, Forgetful};
use lb_common::tables::Buffer;
use lb_common::verdict::Forwarded;

/// [`Bucket::remember`] for flows: 1 and which entry it is, or 0 when there was none.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn remember_flow(
    bucket: *const Bucket,
    hash: u64,
    record: u64,
    timeouts: *const Timeouts,
) -> u32 {
    // SAFETY: the verifier makes sure that what is not null is memory of that size, here that of a map.
    match unsafe { (bucket.as_ref(), timeouts.as_ref()) } {
        (Some(bucket), Some(timeouts)) => {
            bucket.remember(hash, FlowRecord::from_bits(record), timeouts).map_or(0, |way| way as u32 + 1)
        }
        _ => 0,
    }
}

/// [`Bucket::remember`] for what is remembered for `lifetime` and may be forgotten at any time: 1 when there was a place, else 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn remember_briefly(bucket: *const Bucket, hash: u64, record: u64, lifetime: Ticks) -> u32 {
    // SAFETY: as in `remember_flow`.
    match unsafe { bucket.as_ref() } {
        Some(bucket) => {
            bucket.remember(hash, FlowRecord::from_bits(record), &Forgetful { after: lifetime }).is_some().into()
        }
        None => 0,
    }
}

/// [`datapath::count_frame`], of which the lower half.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn count_frame(ctx: *mut xdp_md) -> u32 {
    let ctx = XdpContext::new(ctx);
    let tables = KernelTables { ctx: &ctx, flows: Buckets };
    datapath::count_frame(&tables, &Packet { ctx: &ctx }.frame()) as u32
}

/// [`datapath::consider`], with our flow table: 1 when there is a back-end, else 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn consider(reading: *const Reading, finding: *mut Finding) -> u32 {
    // SAFETY: the verifier makes sure that what is not null is memory of that size, here the caller's variables.
    let (Some(reading), Some(finding)) = (unsafe { (reading.as_ref(), finding.as_mut()) }) else { return 0 };
    program::consider::<Buckets>(reading, finding).into()
}

/// [`datapath::read`]: 1 when the packet is about a flow, else 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn read(ctx: *mut xdp_md, reading: *mut Reading, finding: *mut Finding) -> u32 {
    // SAFETY: as in `consider`.
    let (Some(reading), Some(finding)) = (unsafe { (reading.as_mut(), finding.as_mut()) }) else { return 0 };
    let ctx = XdpContext::new(ctx);
    let tables = KernelTables { ctx: &ctx, flows: Buckets };
    datapath::read(&tables, &Packet { ctx: &ctx }.frame(), reading, finding).into()
}

/// [`datapath::skip_extensions`]: 1 when they are all there, else 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn skip_extensions(ctx: *mut xdp_md, chain: *mut Chain) -> u32 {
    // SAFETY: as in `consider`.
    let Some(chain) = (unsafe { chain.as_mut() }) else { return 0 };
    datapath::skip_extensions(&Packet { ctx: &XdpContext::new(ctx) }.frame(), chain).into()
}

/// [`datapath::read_quic`]. The number means nothing: the verifier wants one.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn read_quic(ctx: *mut xdp_md, reading: *mut Reading) -> u32 {
    // SAFETY: as in `consider`.
    let Some(reading) = (unsafe { reading.as_mut() }) else { return 0 };
    let ctx = XdpContext::new(ctx);
    let tables = KernelTables { ctx: &ctx, flows: Buckets };
    datapath::read_quic(&tables, &Packet { ctx: &ctx }.frame(), reading);
    0
}

/// [`datapath::carry`]: a [`Carried`].
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn carry(ctx: *mut xdp_md, backend: *const Backend, hash: u64, network: u32) -> u32 {
    // SAFETY: as in `remember_flow`.
    let Some(backend) = (unsafe { backend.as_ref() }) else { return Carried::BAD_LENGTH.0 };
    datapath::carry(&mut Packet { ctx: &XdpContext::new(ctx) }, &plan(backend, hash, network)).0
}

/// [`datapath::too_big`]: 1 when the packet was answered, else 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn too_big(ctx: *mut xdp_md, backend: *const Backend, network: u32) -> u32 {
    // SAFETY: as in `remember_flow`.
    let Some(backend) = (unsafe { backend.as_ref() }) else { return 0 };
    let ctx = XdpContext::new(ctx);
    let tables = KernelTables { ctx: &ctx, flows: Buckets };
    datapath::too_big(&tables, &mut Packet { ctx: &ctx }, &plan(backend, 0, network)).into()
}

/// [`datapath::reply`]: 1 when the packet was answered, else 0.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn reply(ctx: *mut xdp_md) -> u32 {
    let ctx = XdpContext::new(ctx);
    datapath::reply(&KernelTables { ctx: &ctx, flows: Buckets }, &mut Packet { ctx: &ctx }).into()
}

/// As much of a plan as writing needs: the rest was for counting.
#[inline(always)]
fn plan(backend: &Backend, hash: u64, network: u32) -> Plan<'_> {
    Plan { slot: 0, backend, how: Forwarded::Remembered, network: network as u8, hash }
}
