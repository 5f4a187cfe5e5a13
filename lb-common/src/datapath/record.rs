//! Step 8: counting. Every packet is counted once by its verdict; forwarded and dropped ones also by their service, and
//! forwarded ones by their back-end.

use super::Plan;
use crate::tables::Counters;
use crate::verdict::{Forwarded, Verdict};

/// Counts what became of a frame of `bytes` bytes.
#[inline(always)]
pub fn record<C: Counters>(counters: &C, outcome: &Result<Plan<'_>, Verdict>, bytes: u64) {
    match outcome {
        Ok(plan) => forwarded(counters, plan, bytes),
        Err(verdict) => {
            counters.verdict(verdict.number(), bytes);
            if let Verdict::Dropped(_, service) = verdict {
                counters.service(*service, |service| service.dropped.count(bytes));
            }
        }
    }
}

#[inline(always)]
fn forwarded<C: Counters>(counters: &C, plan: &Plan<'_>, bytes: u64) {
    counters.verdict(Verdict::Forwarded(plan.how).number(), bytes);
    counters.service(plan.backend.service, |service| {
        service.forwarded.count(bytes);
        match plan.how {
            Forwarded::Remembered => {}
            Forwarded::NewFlow => service.new_flows += 1,
            Forwarded::UnknownFlow => service.unknown_flows += 1,
            Forwarded::TableFull => service.table_full += 1,
        }
    });
    counters.backend(plan.slot, |backend| {
        backend.forwarded.count(bytes);
        backend.new_flows += u64::from(plan.how == Forwarded::NewFlow);
    });
}
