//! Looking through the flow table from user space, while the program goes on using it.

use lb_common::abi::{Ticks, Timeouts};
use lb_common::flow_table::{Bucket, Entry, WAYS};
use std::collections::BTreeMap;

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
        let mut live = BTreeMap::new();
        for record in buckets.iter().flat_map(Bucket::entries).filter_map(Entry::record) {
            if !record.is_expired(now, timeouts) {
                *live.entry(record.slot()).or_default() += 1;
            }
        }
        Self { capacity: (buckets.len() * WAYS) as u64, live }
    }
}

/// Forgets all flows that were given to the back-end in `slot`.
pub(crate) fn forget_flows(buckets: &[Bucket], slot: u16) {
    for entry in buckets.iter().flat_map(Bucket::entries) {
        if let Some(record) = entry.record()
            && record.slot() == slot
        {
            entry.forget(record);
        }
    }
}
