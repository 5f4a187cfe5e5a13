//! Samples of the traffic, for what is too dear to count in every packet: see `lb_common::abi::Sampling`.

use crate::context::Packet;
use crate::flow_table::Buckets;
use crate::head;
use crate::maps::{SAMPLE_BEGUN, SAMPLE_STATE, SAMPLES, SAMPLING};
use crate::tables::KernelTables;
use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::bpf_ktime_get_coarse_ns;
use aya_ebpf::programs::XdpContext;
use core::{ptr, slice};
use lb_common::abi::SampleRecord;
use lb_common::datapath::{Plan, begins_handshake, observe};
use lb_common::limit;
use lb_common::tables::Buffer;
use lb_common::verdict::Verdict;

/// The sample in the making, and room for the beginning of the frame.
#[repr(C)]
pub(crate) struct BegunSample {
    record: SampleRecord,
    bytes: [u8; SampleRecord::MAX_CAPTURED],
}

/// Takes a sample of the packet, the `count`th of its class, if it is the turn of one.
#[inline(always)]
pub(crate) fn take(ctx: &XdpContext, count: u64, found: &Result<Plan<'_>, Verdict>) {
    let Some(sampling) = SAMPLING.get(0) else { return };
    let (flow, verdict, service) = match found {
        Ok(plan) => (Some(plan.hash), Verdict::Forwarded(plan.how).number(), plan.backend.service),
        Err(verdict @ Verdict::Dropped(_, subject)) => (None, verdict.number(), subject.0),
        // Not for a VIP, or answered on the spot.
        Err(_) => return,
    };
    let of = sampling.takes(count, flow);
    if of != 0 {
        sample(ctx.ctx, of.into(), verdict, service);
    }
}

/// Puts a sample of the packet into the ring; the numbers are those of [`SampleRecord`]. The result means nothing: the verifier wants one.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sample(ctx: *mut xdp_md, of: u32, verdict: u32, service: u32) -> u32 {
    let ctx = XdpContext::new(ctx);
    let (Some(sampling), Some(state), Some(begun)) =
        (SAMPLING.get(0), SAMPLE_STATE.get(0), SAMPLE_BEGUN.get_ptr_mut(0))
    else {
        return 0;
    };
    // SAFETY: the helper takes nothing and reads a clock.
    let at = unsafe { bpf_ktime_get_coarse_ns() };
    if !limit::admit(&state.limiter, sampling.rate, at) {
        state.missed.fetch_add(1);
        return 0;
    }
    // SAFETY: the value belongs to this CPU alone, and an XDP program is not interrupted by another.
    let BegunSample { record, bytes } = unsafe { &mut *begun };
    let mut packet = Packet { ctx: &ctx };
    let len = packet.len() as u32;
    *record = SampleRecord {
        at,
        missed: state.missed.load(),
        packet_mask: sampling.packet_mask,
        flow_mask: sampling.flow_mask,
        service,
        len,
        verdict: verdict as u16,
        of: of as u16,
        ..SampleRecord::BLANK
    };
    let tables = KernelTables { ctx: &ctx, flows: Buckets };
    let frame = packet.frame();
    let payload = observe(&tables, &frame, &mut record.key, &mut record.flags);
    if record.of & SampleRecord::OF_FLOWS != 0 && begins_handshake(&frame, payload) {
        record.payload = payload as u16;
        // SAFETY: there is room for as much.
        record.captured = unsafe { head::copy(&ctx, len, SampleRecord::MAX_CAPTURED as u32, bytes.as_mut_ptr()) };
    }
    let len = size_of::<SampleRecord>() + usize::from(record.captured);
    // SAFETY: a local variable. What the compiler knows of it, it would not check again; the verifier wants to see it.
    let len = unsafe { ptr::read_volatile(&raw const len) };
    if len > size_of::<BegunSample>() {
        return 0;
    }
    // SAFETY: `len` bytes of the value, all of which were written at some time: a map begins as zeroes.
    let sample = unsafe { slice::from_raw_parts(begun.cast::<u8>(), len) };
    if SAMPLES.output::<[u8]>(sample, 0).is_err() {
        state.missed.fetch_add(1);
    }
    0
}
