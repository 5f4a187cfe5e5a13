//! Step 11: counting. Every packet is counted once by its verdict; forwarded ones also by their service and their back-end, others by
//! their service when they got so far.

use super::Plan;
use crate::tables::Counters;
use crate::verdict::{Answered, Forwarded, Verdict};

/// Counts a frame of `bytes` bytes that was handed to a back-end.
#[inline(always)]
pub(super) fn forwarded<C: Counters>(counters: &C, plan: &Plan<'_>, bytes: u64) {
    counters.count_verdict(Verdict::Forwarded(plan.how).number(), bytes);
    counters.count_service(plan.backend.service, |service| {
        service.forwarded.count(bytes);
        match plan.how {
            Forwarded::Remembered => {}
            Forwarded::NewFlow => service.new_flows += 1,
            Forwarded::UnknownFlow => service.unknown_flows += 1,
            Forwarded::TableFull => service.table_full += 1,
            Forwarded::Affinity => service.affinity += 1,
            Forwarded::Flood => service.flood += 1,
            Forwarded::OnePacket => service.one_packet += 1,
            Forwarded::QuicId => service.quic += 1,
            Forwarded::Fragment | Forwarded::EarlyFragment => service.fragments += 1,
            Forwarded::IcmpError => service.icmp_errors += 1,
        }
    });
    counters.count_backend(plan.slot, |backend| {
        backend.forwarded.count(bytes);
        match plan.how {
            Forwarded::NewFlow | Forwarded::Affinity => backend.new_flows += 1,
            Forwarded::Fragment | Forwarded::EarlyFragment => backend.fragments += 1,
            Forwarded::IcmpError => backend.icmp_errors += 1,
            _ => {}
        }
    });
}

/// Counts a frame of `bytes` bytes that went to no back-end.
#[inline(always)]
pub(super) fn stopped<C: Counters>(counters: &C, verdict: Verdict, bytes: u64) {
    counters.count_verdict(verdict.number(), bytes);
    match verdict {
        Verdict::Answered(Answered::TooBig, subject) => {
            counters.count_service(subject.0, |service| service.too_big += 1);
        }
        Verdict::Dropped(_, subject) => counters.count_service(subject.0, |service| service.dropped.count(bytes)),
        _ => {}
    }
}
