//! Back-ends that should be.

use super::Planner;
use crate::schedule::Candidate;
use crate::state::{Change, DesiredBackend, Full, Takes};
use lb_common::abi::{Backend, BackendState};

impl Planner<'_> {
    /// Brings one back-end up to date; its slot, if it can take new flows.
    pub(super) fn backend(&mut self, service: u32, is_quic: bool, desired: &DesiredBackend) -> Option<u16> {
        let slot = self.slots.get(&(service, desired.address)).copied();
        if desired.takes == Takes::NoFlows {
            self.ended.extend(slot);
            return None;
        }
        self.wanted.extend(slot);
        let is_ready = desired.is_ready();
        let slot = if is_ready { slot.or_else(|| self.new_slot())? } else { slot? };
        let former = self.after.backends.get(&slot).copied().unwrap_or(Backend::FREE);
        let is_overloaded = if is_ready { former.is_overloaded } else { 1 };
        let backend = match desired.delivery {
            // Nobody knows a better way than the one that its live flows take already.
            None => Backend { state: BackendState::ACTIVE, leaving_since: 0, is_overloaded, ..former },
            Some(delivery) => Backend {
                address: desired.address,
                service,
                ifindex: delivery.ifindex,
                mac: delivery.mac,
                source_mac: delivery.source_mac,
                generation: former.generation,
                state: BackendState::ACTIVE,
                forwarding: delivery.forwarding,
                tags: delivery.tags,
                max_len: delivery.max_len,
                outer: delivery.outer,
                is_quic: is_quic.into(),
                is_overloaded,
                ..Backend::FREE
            },
        };
        self.set_backend(slot, backend);
        self.new_slots.insert((service, desired.address), slot);
        is_ready.then_some(slot)
    }

    /// Marks the back-ends that get no new flows even for affinity's sake: those without weight, and those that have more live flows
    /// than `max_load` per cent of their share.
    pub(super) fn mark_overloaded(&mut self, max_load: Option<u32>, ready: &[Candidate]) {
        let sum = |of: fn(&Candidate) -> u64| u128::from(ready.iter().map(of).sum::<u64>());
        let (flows, weights) = (sum(|candidate| candidate.live_flows), sum(|candidate| candidate.weight.into()));
        for candidate in ready {
            let Some(backend) = self.after.backends.get(&candidate.slot).copied() else { continue };
            let is_overloaded = max_load.is_some_and(|percent| {
                let (own, weight) = (u128::from(candidate.live_flows), u128::from(candidate.weight));
                100 * own * weights > u128::from(percent) * flows * weight
            });
            let is_overloaded = is_overloaded || candidate.weight == 0;
            self.set_backend(candidate.slot, Backend { is_overloaded: is_overloaded.into(), ..backend });
        }
    }

    pub(super) fn new_slot(&mut self) -> Option<u16> {
        let Some(slot) = self.free_slots.next() else {
            self.missing = Some(Full::Backends);
            return None;
        };
        self.wanted.insert(slot);
        self.make(Change::ResetBackendCounters { slot });
        Some(slot)
    }

    pub(super) fn set_backend(&mut self, slot: u16, backend: Backend) {
        if self.after.backends.get(&slot) != Some(&backend) {
            self.make(Change::SetBackend { slot, backend });
        }
    }
}
