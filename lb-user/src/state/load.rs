use std::collections::BTreeMap;

/// What back-ends and services have to do at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Live flows, by back-end slot.
    pub live_flows: BTreeMap<u16, u64>,
    /// New flows since the last time, by number of the service.
    pub new_flows: BTreeMap<u32, u64>,
}

impl Load {
    pub(super) fn live_flows(&self, slot: u16) -> u64 {
        self.live_flows.get(&slot).copied().unwrap_or(0)
    }

    pub(super) fn new_flows(&self, service: u32) -> u64 {
        self.new_flows.get(&service).copied().unwrap_or(0)
    }
}
