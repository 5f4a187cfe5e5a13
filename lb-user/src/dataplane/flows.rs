//! Looking through the flow table from user space, while the program goes on using it.

use lb_common::abi::{Address, Settings, Ticks, Timeouts};
use lb_common::flow::FlowKey;
use lb_common::flow_table::{Bucket, Entry, FlowRecord, Lifetimes, StoredKey, WAYS};
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

/// The flow table, and the 5-tuples of its flows where they are kept.
#[derive(Clone)]
pub struct Flows<'a> {
    buckets: &'a [Bucket],
    /// One for each entry, or none.
    keys: &'a [StoredKey],
    /// What VIPs begin with.
    first_halves: BTreeSet<[u32; 2]>,
    secret: [u64; 2],
    timeouts: Timeouts,
    now: Ticks,
}

/// A flow that is not expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Its 5-tuple. `None` when that is not kept, is that of another flow at this moment, or has an IPv6 VIP that is none any more.
    pub key: Option<FlowKey>,
    /// What is remembered of it.
    pub record: FlowRecord,
    /// How long it has been silent.
    pub silence: Ticks,
    /// How long it may be silent from now on.
    pub remaining: Ticks,
}

impl<'a> Flows<'a> {
    /// The flows in `buckets` to `vips`, whose hash and timeouts are those of `settings`. 5-tuples are kept when there is one of `keys`
    /// for each entry.
    pub(crate) fn new(
        buckets: &'a [Bucket],
        keys: &'a [StoredKey],
        vips: impl Iterator<Item = Address>,
        settings: &Settings,
        now: Ticks,
    ) -> Self {
        let keys = if keys.len() == buckets.len() * WAYS { keys } else { &[] };
        let first_halves = vips.map(Address::first_half).chain([[0; 2]]).collect();
        Self { buckets, keys, first_halves, secret: settings.flow_secret, timeouts: settings.timeouts, now }
    }

    /// Whether 5-tuples are kept.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Bytes of memory that the 5-tuples take.
    pub fn key_bytes(&self) -> u64 {
        size_of_val(self.keys) as u64
    }

    /// The flows that are not expired.
    pub fn live(&self) -> impl Iterator<Item = Flow> {
        self.buckets.iter().flat_map(Bucket::entries).enumerate().filter_map(|(index, entry)| self.flow(index, entry))
    }

    fn flow(&self, index: usize, entry: &Entry) -> Option<Flow> {
        let is_its = |key: &FlowKey| entry.is_of(key.hash(self.secret));
        let key =
            self.keys.get(index).and_then(|key| self.first_halves.iter().map(|&half| key.load(half)).find(is_its));
        let record = entry.record()?;
        if record.is_expired(self.now, &self.timeouts) {
            return None;
        }
        // Or another flow has taken the entry meanwhile, and the record is that one's.
        let key = key.filter(is_its);
        let silence = record.silence(self.now);
        let remaining = self.timeouts.expired(record.state()).saturating_sub(silence);
        Some(Flow { key, record, silence, remaining })
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
    use lb_common::flow_table::{FlowState, Phase};
    use std::slice::from_ref;

    const TIMEOUTS: Timeouts = Timeouts::DEFAULT;
    const ESTABLISHED: FlowState = FlowState::new(Phase::ESTABLISHED, TimeoutClass::DEFAULT);

    /// A flow table with flows of these back-end slots, last seen at these ticks.
    fn table(flows: &[(u16, Ticks)]) -> Vec<Bucket> {
        let buckets: Vec<_> = (0..flows.len()).map(|_| Bucket::default()).collect();
        for (bucket, &(slot, seen)) in buckets.iter().zip(flows) {
            let record = FlowRecord::new(slot, 0, ESTABLISHED, seen);
            assert!(bucket.remember(1, record, &TIMEOUTS).is_some());
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
    fn a_flow_is_listed_with_its_key_if_that_is_kept_and_its_own() {
        let settings = Settings { flow_secret: [1, 2], timeouts: TIMEOUTS, ..Settings::ZERO };
        let vip = Address::new([0x20; 16]);
        let key = |source| FlowKey { source: Address::new([source; 16]), destination: vip, ..FlowKey::BLANK };
        let bucket = Bucket::default();
        let record = FlowRecord::new(7, 0, ESTABLISHED, 10);
        let hash = key(1).hash(settings.flow_secret);
        let way = bucket.remember(hash, record, &TIMEOUTS).expect("an empty bucket");
        let keys: Vec<StoredKey> = (0..WAYS).map(|_| StoredKey::default()).collect();
        let listed = |keys, now| {
            Flows::new(from_ref(&bucket), keys, [vip].into_iter(), &settings, now).live().collect::<Vec<_>>()
        };

        let remaining = TIMEOUTS.expired(ESTABLISHED) - 5;
        let unknown = Flow { key: None, record, silence: 5, remaining };
        assert_eq!(listed(&[], 15), [unknown], "keys are not kept");
        assert_eq!(listed(&keys, 15), [unknown], "none was written");
        keys[way].store(&key(2));
        assert_eq!(listed(&keys, 15), [unknown], "another flow's");
        keys[way].store(&key(1));
        assert_eq!(listed(&keys, 15), [Flow { key: Some(key(1)), ..unknown }]);
        assert_eq!(listed(&keys, 15 + remaining), [], "expired");
    }

    #[test]
    fn flows_of_other_slots_are_not_forgotten() {
        let buckets = table(&[(1, 0), (2, 0), (3, 0), (1, 0)]);
        forget_flows(&buckets, &BTreeSet::from([1, 3]));
        assert_eq!(FlowCensus::count(&buckets, 0, &TIMEOUTS).live, BTreeMap::from([(2, 1)]));
    }
}
