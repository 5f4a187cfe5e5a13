//! Looking through the flow table from user space, while the program goes on using it.

use lb_common::abi::{Ticks, Timeouts};
use lb_common::flow_table::{Bucket, Entry, WAYS};
use std::collections::{BTreeMap, BTreeSet};

/// Live flows, as they were counted in one pass over the flow table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowCensus {
    /// Flows that the table has room for.
    pub capacity: u64,
    /// Flows that are not expired, by back-end slot.
    pub live: BTreeMap<u16, u64>,
}

impl FlowCensus {
    /// Counts the flows in `buckets`.
    pub(crate) fn count(buckets: &[Bucket], now: Ticks, timeouts: &Timeouts) -> Self {
        let mut by_slot = Vec::new();
        for record in buckets.iter().flat_map(Bucket::entries).filter_map(Entry::record) {
            if !record.is_expired(now, timeouts) {
                let slot = usize::from(record.slot());
                if by_slot.len() <= slot {
                    by_slot.resize(slot + 1, 0);
                }
                by_slot[slot] += 1;
            }
        }
        let live = (0..=u16::MAX).zip(by_slot).filter(|&(_, flows)| flows > 0).collect();
        Self { capacity: (buckets.len() * WAYS) as u64, live }
    }
}

/// Forgets all flows that were given to the back-ends in `slots`.
pub(crate) fn forget_flows(buckets: &[Bucket], slots: &BTreeSet<u16>) {
    for entry in buckets.iter().flat_map(Bucket::entries) {
        if let Some(record) = entry.record()
            && slots.contains(&record.slot())
        {
            entry.forget(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_common::abi::TimeoutClass;
    use lb_common::flow_table::{FlowRecord, FlowState, Lifetimes, Phase};

    const TIMEOUTS: Timeouts = Timeouts::DEFAULT;
    const ESTABLISHED: FlowState = FlowState::new(Phase::ESTABLISHED, TimeoutClass::DEFAULT);

    /// A flow table with flows of these back-end slots, last seen at these ticks.
    fn table(flows: &[(u16, Ticks)]) -> Vec<Bucket> {
        let buckets: Vec<_> = (0..flows.len()).map(|_| Bucket::default()).collect();
        for (bucket, &(slot, seen)) in buckets.iter().zip(flows) {
            let record = FlowRecord::new(slot, 0, ESTABLISHED, seen);
            assert!(bucket.remember(1, record, &TIMEOUTS));
        }
        buckets
    }

    #[test]
    fn flows_that_are_not_expired_are_counted_by_slot() {
        let buckets = table(&[(7, 10), (7, 11), (7, 0), (u16::MAX, 10)]);
        let census = FlowCensus::count(&buckets, TIMEOUTS.expired(ESTABLISHED), &TIMEOUTS);
        assert_eq!(census, FlowCensus { capacity: 16, live: BTreeMap::from([(7, 2), (u16::MAX, 1)]) });
    }

    #[test]
    fn flows_of_other_slots_are_not_forgotten() {
        let buckets = table(&[(1, 0), (2, 0), (3, 0), (1, 0)]);
        forget_flows(&buckets, &BTreeSet::from([1, 3]));
        assert_eq!(FlowCensus::count(&buckets, 0, &TIMEOUTS).live, BTreeMap::from([(2, 1)]));
    }
}
