//! The difference between what should be and what is, as changes in order:
//!
//! 1. what holds for the whole program,
//! 2. back-ends that are new or reached another way, each before a ring names it,
//! 3. services, whose rings name ready back-ends only,
//! 4. services that are gone,
//! 5. back-ends that are gone: first *leaving*, with no new flows, then, after the grace, freed with their flows forgotten,
//! 6. what holds for the whole program without VIPs that were only kept for those flows.

use super::rings::FreePositions;
use super::{Change, Desired, DesiredBackend, DesiredService, Observed, ObservedService, RingSpace};
use crate::schedule::{consistent_ring, round_robin_ring};
use lb_common::abi::{
    Address, Backend, BackendState, MAX_BACKENDS, MAX_SERVICES, Scheduler, Service, ServiceKey, Ticks, ticks_between,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::vec;

/// There is no room for all that should be beside what is going away, which keeps its place for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// All service numbers are taken.
    #[error(
        "all {MAX_SERVICES} service numbers are taken, also by services that are going away: \
         remove services first, and add others when the removal grace is over"
    )]
    Services,
    /// All back-end slots are taken.
    #[error(
        "all {MAX_BACKENDS} back-end slots are taken, also by back-ends that are going away: \
         remove back-ends first, and add others when the removal grace is over"
    )]
    Backends,
    /// No gap between the rings is large enough.
    #[error(
        "there is no room for new rings beside those that they replace: \
         change fewer services at once, and others a few seconds later"
    )]
    Rings,
}

/// The changes that lead from `observed` to `desired`.
///
/// # Errors
/// When there is no room; nothing should be changed then.
pub fn plan(desired: &Desired, observed: &Observed, rings: &mut RingSpace, now: Ticks) -> Result<Vec<Change>, Full> {
    let mut planner = Planner::new(observed, rings, now);
    planner.settings(desired);
    for (key, service) in &desired.services {
        planner.service(*key, service)?;
    }
    for key in observed.services.keys().filter(|key| !desired.services.contains_key(key)) {
        planner.remove_service(*key);
    }
    planner.leave(now);
    planner.free_after_grace(desired.removal_grace, now);
    planner.settings(desired);
    for positions in planner.released {
        rings.release(positions, now);
    }
    Ok(planner.changes)
}

struct Planner {
    /// What will be after the changes so far.
    after: Observed,
    /// Slots of the back-ends in use or leaving.
    slots: BTreeMap<(u32, Address), u16>,
    /// Slots of the back-ends that should be.
    wanted: BTreeSet<u16>,
    free_slots: vec::IntoIter<u16>,
    free_ids: vec::IntoIter<u32>,
    free_positions: FreePositions,
    released: Vec<Range<u32>>,
    changes: Vec<Change>,
}

impl Planner {
    fn new(observed: &Observed, rings: &mut RingSpace, now: Ticks) -> Self {
        let slots = observed.slots();
        let taken_slots: BTreeSet<u16> = slots.values().copied().collect();
        // A back-end that is leaving still counts for its service, so nobody else may have the number.
        let taken_ids: BTreeSet<u32> = slots
            .keys()
            .map(|&(service, _)| service)
            .chain(observed.services.values().map(|service| service.service.id))
            .collect();
        let free_slots: Vec<u16> = (0..MAX_BACKENDS as u16).filter(|slot| !taken_slots.contains(slot)).collect();
        let free_ids: Vec<u32> = (0..MAX_SERVICES).filter(|id| !taken_ids.contains(id)).collect();
        Self {
            after: observed.clone(),
            slots,
            wanted: BTreeSet::new(),
            free_slots: free_slots.into_iter(),
            free_ids: free_ids.into_iter(),
            free_positions: rings.free(observed.services.values().flat_map(ObservedService::ranges), now),
            released: Vec::new(),
            changes: Vec::new(),
        }
    }

    fn make(&mut self, change: Change) {
        self.after.follow(&change);
        self.changes.push(change);
    }

    /// Comes first, so that new VIPs are known in time, and last, when others may have had their time.
    fn settings(&mut self, desired: &Desired) {
        let mut settings = desired.settings;
        let kept: BTreeSet<u32> = desired
            .services
            .keys()
            .filter_map(|key| self.after.services.get(key))
            .map(|service| service.service.id)
            .collect();
        let orphans = self
            .after
            .backends
            .values()
            .any(|backend| backend.state != BackendState::FREE && !kept.contains(&backend.service));
        // Live flows of a service that is gone may end in peace: its VIP stays known as long as its back-ends do.
        if let Some(current) = self.after.settings.filter(|_| orphans) {
            settings.vips.extend(&current.vips);
        }
        if self.after.settings != Some(settings) {
            self.make(Change::SetSettings(Box::new(settings)));
        }
    }

    fn service(&mut self, key: ServiceKey, desired: &DesiredService) -> Result<(), Full> {
        let id = match self.after.services.get(&key) {
            Some(current) => current.service.id,
            None => self.free_ids.next().ok_or(Full::Services)?,
        };
        let mut ready = Vec::new();
        for backend in &desired.backends {
            if let Some(slot) = self.backend(id, backend)? {
                ready.push((slot, backend.address));
            }
        }
        self.switch(key, id, desired.scheduler, &ready)
    }

    /// Brings one back-end up to date; its slot, if it can take new flows.
    fn backend(&mut self, service: u32, desired: &DesiredBackend) -> Result<Option<u16>, Full> {
        let slot = self.slots.get(&(service, desired.address)).copied();
        self.wanted.extend(slot);
        let Some(next_hop) = desired.next_hop else {
            // Nobody knows a better way than the one that its live flows take already.
            if let Some(slot) = slot
                && let Some(backend) = self.after.backends.get(&slot)
            {
                self.set_backend(slot, Backend { state: BackendState::ACTIVE, leaving_since: 0, ..*backend });
            }
            return Ok(None);
        };
        let slot = match slot {
            Some(slot) => slot,
            None => self.new_slot()?,
        };
        self.set_backend(
            slot,
            Backend {
                address: desired.address,
                service,
                ifindex: next_hop.ifindex,
                mac: next_hop.mac,
                source_mac: next_hop.source_mac,
                generation: self.after.backends.get(&slot).map_or(0, |former| former.generation),
                state: BackendState::ACTIVE,
                ..Backend::FREE
            },
        );
        Ok(Some(slot))
    }

    fn new_slot(&mut self) -> Result<u16, Full> {
        let slot = self.free_slots.next().ok_or(Full::Backends)?;
        self.wanted.insert(slot);
        self.make(Change::ResetBackendCounters { slot });
        Ok(slot)
    }

    fn set_backend(&mut self, slot: u16, backend: Backend) {
        if self.after.backends.get(&slot) != Some(&backend) {
            self.make(Change::SetBackend { slot, backend });
        }
    }

    /// Gives the service the rings of the back-ends that are ready, if they are not what it has.
    fn switch(&mut self, key: ServiceKey, id: u32, scheduler: Scheduler, ready: &[(u16, Address)]) -> Result<(), Full> {
        let ring = round_robin_ring(ready.iter().map(|&(slot, _)| slot));
        let consistent = consistent_ring(ready);
        let current = self.after.services.get(&key);
        if let Some(current) = current
            && current.service.scheduler == scheduler
            && current.ring == ring
            && current.consistent == consistent
        {
            return Ok(());
        }
        let former = current.map(ObservedService::ranges);
        let (ring_len, consistent_len) = (ring.len() as u32, consistent.len() as u32);
        let service = Service {
            id,
            scheduler,
            ring_start: self.free_positions.take(ring_len).ok_or(Full::Rings)?,
            ring_len,
            consistent_start: self.free_positions.take(consistent_len).ok_or(Full::Rings)?,
            consistent_len,
        };
        match former {
            Some(ranges) => self.released.extend(ranges),
            None => self.make(Change::ResetServiceCounters { id }),
        }
        self.make(Change::SetService { key, service: ObservedService { service, ring, consistent } });
        Ok(())
    }

    fn remove_service(&mut self, key: ServiceKey) {
        if let Some(service) = self.after.services.get(&key) {
            self.released.extend(service.ranges());
            self.make(Change::RemoveService { key });
        }
    }

    /// Marks the back-ends that no service wants any more.
    fn leave(&mut self, now: Ticks) {
        for (slot, backend) in self.after.backends.clone() {
            if backend.state == BackendState::ACTIVE && !self.wanted.contains(&slot) {
                let backend = Backend { state: BackendState::LEAVING, leaving_since: now, ..backend };
                self.make(Change::SetBackend { slot, backend });
            }
        }
    }

    /// Frees the slots of back-ends whose grace is over. The next generation makes packets of their flows strangers, also
    /// those that are decided while the flows are being forgotten.
    fn free_after_grace(&mut self, grace: Ticks, now: Ticks) {
        let mut freed = BTreeSet::new();
        for (slot, backend) in self.after.backends.clone() {
            if backend.state == BackendState::LEAVING && ticks_between(backend.leaving_since, now) >= grace {
                let generation = backend.generation.wrapping_add(1);
                self.make(Change::SetBackend { slot, backend: Backend { generation, ..Backend::FREE } });
                freed.insert(slot);
            }
        }
        if !freed.is_empty() {
            self.make(Change::ForgetFlows { slots: freed });
        }
    }
}
