//! Records of decisions, while somebody reads them: see `lb_common::abi::TraceFilter`. A record is begun before the decision, which
//! changes the packet, and waits in a map meanwhile, because the decision needs the stack.

use crate::context::Packet;
use crate::flow_table::Buckets;
use crate::maps::{BACKENDS, TRACE, TRACE_BEGUN, TRACE_FILTER, TRACE_STATE};
use crate::tables::KernelTables;
use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::bpf_ktime_get_ns;
use aya_ebpf::programs::XdpContext;
use lb_common::abi::{TraceFilter, TraceRecord};
use lb_common::datapath::{Outcome, observe};
use lb_common::limit;
use lb_common::tables::Buffer;

/// Whether the packet is to be recorded, if its verdict is meant as well.
#[inline(always)]
pub(crate) fn begin(ctx: &XdpContext) -> bool {
    match TRACE_FILTER.get(0) {
        Some(filter) if filter.until != 0 => trace_begin(ctx.ctx) != 0,
        _ => false,
    }
}

/// Records what became of the packet.
#[inline(always)]
pub(crate) fn end(outcome: &Outcome) {
    let (slot, egress) = outcome.to.unwrap_or((TraceRecord::NO_SLOT, 0));
    trace_end(outcome.verdict.number(), outcome.subject().0, slot.into(), egress);
}

/// Begins a record of the packet: 1 if it is meant, else 0.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn trace_begin(ctx: *mut xdp_md) -> u32 {
    let ctx = XdpContext::new(ctx);
    let (Some(filter), Some(record)) = (TRACE_FILTER.get(0), TRACE_BEGUN.get_ptr_mut(0)) else { return 0 };
    // SAFETY: the helper takes nothing and reads a clock.
    let now = unsafe { bpf_ktime_get_ns() };
    if now >= filter.until {
        return 0;
    }
    // SAFETY: the value belongs to this CPU alone, and an XDP program is not interrupted by another.
    let record = unsafe { &mut *record };
    let len = (ctx.data_end() - ctx.data()) as u32;
    *record = TraceRecord { at: now, ingress: ctx.ingress_ifindex() as u32, len, ..TraceRecord::BLANK };
    let tables = KernelTables { ctx: &ctx, flows: Buckets };
    observe(&tables, &Packet { ctx: &ctx }.frame(), record);
    filter.wants(&record.key).into()
}

/// Ends the record that was begun, and puts it into the ring if its verdict is meant. The number means nothing: the verifier wants one.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn trace_end(verdict: u32, service: u32, slot: u32, egress: u32) -> u32 {
    let (Some(filter), Some(record)) = (TRACE_FILTER.get(0), TRACE_BEGUN.get_ptr_mut(0)) else { return 0 };
    let Some(state) = TRACE_STATE.get(0) else { return 0 };
    if !filter.wants_verdict(verdict) {
        return 0;
    }
    // SAFETY: as in `trace_begin`.
    let record = unsafe { &mut *record };
    record.verdict = verdict as u16;
    record.slot = slot as u16;
    record.egress = egress;
    record.service = BACKENDS.get(slot).map_or(service, |backend| backend.service);
    record.missed = state.missed.load();
    let is_within = limit::admit(&state.limiter, filter.rate.min(TraceFilter::MAX_RATE), record.at);
    if !is_within || TRACE.output::<TraceRecord>(&*record, 0).is_err() {
        state.missed.fetch_add(1);
    }
    0
}
