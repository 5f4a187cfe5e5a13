//! Records of packets and of what became of them, while somebody reads them: see `lb_common::abi::CaptureFilter`. A record is begun before
//! the decision, which changes the packet, and waits in a map meanwhile, because the decision needs the stack.

use crate::context::Packet;
use crate::flow_table::Buckets;
use crate::head;
use crate::maps::{BACKENDS, CAPTURE, CAPTURE_BEGUN, CAPTURE_FILTERS, CAPTURE_READERS_ON, CAPTURE_STATE, SETTINGS};
use crate::tables::KernelTables;
use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::bpf_ktime_get_ns;
use aya_ebpf::programs::XdpContext;
use core::{ptr, slice};
use lb_common::abi::{CAPTURE_READERS, CaptureFilter, CaptureRecord, MAX_SNAPLEN};
use lb_common::datapath::{Outcome, observe};
use lb_common::limit;
use lb_common::tables::Buffer;
use lb_common::verdict::Subject;

/// The record in the making, and room for the packet before and after the rewrite.
#[repr(C)]
pub(crate) struct Begun {
    record: CaptureRecord,
    bytes: [u8; 2 * MAX_SNAPLEN],
}

/// Whether the packet is to be recorded, if what becomes of it is meant as well.
#[inline(always)]
pub(crate) fn begin(ctx: &XdpContext) -> bool {
    match CAPTURE_READERS_ON.get(0) {
        Some(&readers) if readers != 0 => capture_begin(ctx.ctx, readers) != 0,
        _ => false,
    }
}

/// Records what became of the packet.
#[inline(always)]
pub(crate) fn end(ctx: &XdpContext, outcome: &Outcome) {
    // Told apart by the call: the slot of a packet that has none is not to be looked at.
    match outcome.to {
        Some((slot, _)) => capture_end(ctx.ctx, outcome.verdict.number(), Subject::VIP.0, slot.into()),
        None => capture_end(ctx.ctx, outcome.verdict.number(), outcome.subject().0, CaptureRecord::NO_SLOT.into()),
    };
}

/// Begins a record of the packet for those of the readers that want it: 1 if there are any, else 0.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn capture_begin(ctx: *mut xdp_md, readers: u32) -> u32 {
    let ctx = XdpContext::new(ctx);
    let (Some(settings), Some(begun)) = (SETTINGS.get(0), CAPTURE_BEGUN.get_ptr_mut(0)) else { return 0 };
    // SAFETY: the value belongs to this CPU alone, and an XDP program is not interrupted by another.
    let Begun { record, bytes } = unsafe { &mut *begun };
    // SAFETY: the helper takes nothing and reads a clock.
    let at = unsafe { bpf_ktime_get_ns() };
    let len = Packet { ctx: &ctx }.len() as u32;
    *record = CaptureRecord { at, ingress: ctx.ingress_ifindex() as u32, len, ..CaptureRecord::BLANK };
    let tables = KernelTables { ctx: &ctx, flows: Buckets };
    observe(&tables, &Packet { ctx: &ctx }.frame(), &mut record.key, &mut record.flags);
    let mut snaplen = 0;
    for reader in 0..CAPTURE_READERS as u32 {
        let Some(filter) = CAPTURE_FILTERS.get(reader) else { continue };
        if readers >> reader & 1 == 0 || at >= filter.until {
            continue;
        }
        if !filter.wants(&record.key, record.flags, settings.flow_secret) {
            continue;
        }
        record.readers |= 1 << reader;
        let has_room = CAPTURE_STATE.get(reader).is_some_and(|state| limit::has_room(&state.limiter, rate(filter), at));
        if has_room && filter.snaplen > snaplen {
            snaplen = filter.snaplen;
        }
    }
    record.before = load(&ctx, len, snaplen.into(), bytes, 0);
    (record.readers != 0).into()
}

/// Ends the record that was begun, and puts it into the ring for those of the readers that mean what was decided. The result means nothing:
/// the verifier wants one.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn capture_end(ctx: *mut xdp_md, verdict: u32, service: u32, slot: u32) -> u32 {
    let ctx = XdpContext::new(ctx);
    let Some(begun) = CAPTURE_BEGUN.get_ptr_mut(0) else { return 0 };
    // SAFETY: as in `capture_begin`.
    let Begun { record, bytes } = unsafe { &mut *begun };
    record.verdict = verdict as u16;
    record.slot = slot as u16;
    (record.service, record.egress) =
        BACKENDS.get(slot).map_or((service, 0), |backend| (backend.service, backend.ifindex));
    let (mut readers, mut snaplen) = (0, 0);
    for reader in 0..CAPTURE_READERS as u32 {
        let (Some(filter), Some(state)) = (CAPTURE_FILTERS.get(reader), CAPTURE_STATE.get(reader)) else { continue };
        let is_wanted =
            record.readers >> reader & 1 != 0 && filter.wants_decision(verdict, record.service, slot as u16);
        if !is_wanted {
            continue;
        }
        if limit::admit(&state.limiter, rate(filter), record.at) {
            readers |= 1 << reader;
            if filter.snaplen > snaplen {
                snaplen = filter.snaplen;
            }
        } else {
            state.missed.fetch_add(1);
        }
        record.missed[reader as usize] = state.missed.load();
    }
    if readers == 0 {
        return 0;
    }
    record.readers = readers;
    record.new_len = Packet { ctx: &ctx }.len() as u32;
    record.after = load(&ctx, record.new_len, snaplen.into(), bytes, record.before.into());
    let len = size_of::<CaptureRecord>() + usize::from(record.before) + usize::from(record.after);
    // SAFETY: a local variable. What the compiler knows of it, it would not check again; the verifier wants to see it.
    let len = unsafe { ptr::read_volatile(&raw const len) };
    if len > size_of::<Begun>() {
        return 0;
    }
    // SAFETY: `len` bytes of the value, all of which were written at some time: a map begins as zeroes.
    let record = unsafe { slice::from_raw_parts(begun.cast::<u8>(), len) };
    if CAPTURE.output::<[u8]>(record, 0).is_err() {
        for reader in 0..CAPTURE_READERS as u32 {
            if readers >> reader & 1 != 0
                && let Some(state) = CAPTURE_STATE.get(reader)
            {
                state.missed.fetch_add(1);
            }
        }
    }
    0
}

#[inline(always)]
fn rate(filter: &CaptureFilter) -> u32 {
    filter.rate.min(CaptureFilter::MAX_RATE)
}

/// Copies the first `snaplen` of the `len` bytes of the packet to an offset of `bytes`, which is at most [`MAX_SNAPLEN`]. Returns how many
/// those were.
#[inline(always)]
fn load(ctx: &XdpContext, len: u32, snaplen: u32, bytes: &mut [u8; 2 * MAX_SNAPLEN], offset: usize) -> u16 {
    if offset > MAX_SNAPLEN {
        return 0;
    }
    let to = bytes.as_mut_ptr().wrapping_add(offset);
    // SAFETY: there is room for as much behind every such offset.
    unsafe { head::copy(ctx, len.min(snaplen), MAX_SNAPLEN as u32, to) }
}
