//! The difference between what should be and what is, as changes in order:
//!
//! 1. what holds for the whole program,
//! 2. back-ends that are new or reached another way, each before a ring names it,
//! 3. services, whose rings name ready back-ends only,
//! 4. services that are gone,
//! 5. back-ends that are gone: first *leaving*, with no new flows, then, after the grace, freed with their flows forgotten.

use super::rings::FreePositions;
use super::{Change, Desired, DesiredBackend, DesiredService, Observed, ObservedService, RingSpace};
use crate::schedule::{consistent_ring, round_robin_ring};
use lb_common::abi::{
    Address, Backend, BackendState, MAX_BACKENDS, MAX_SERVICES, Service, ServiceKey, Ticks, ticks_between,
};
use std::collections::BTreeSet;
use std::ops::Range;

/// There is no room for all that should be. Removed back-ends and services give theirs back when their grace is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// All service numbers are taken.
    #[error(
        "all {MAX_SERVICES} services are in use, some by services that were removed a short while ago: try again later"
    )]
    Services,
    /// All back-end slots are taken.
    #[error("all {MAX_BACKENDS} back-end slots are in use, some by back-ends that are still leaving: try again later")]
    Backends,
    /// No gap between the rings is large enough.
    #[error("there is no room for the rings while old ones are being released: try again in a few seconds")]
    Rings,
}

/// The changes that lead from `observed` to `desired`.
///
/// # Errors
/// When there is no room; nothing should be changed then.
pub fn plan(desired: &Desired, observed: &Observed, rings: &mut RingSpace, now: Ticks) -> Result<Vec<Change>, Full> {
    let in_use = observed.services.values().flat_map(ObservedService::ranges);
    let mut planner =
        Planner { after: observed.clone(), free: rings.free(in_use, now), released: Vec::new(), changes: Vec::new() };
    planner.settings(desired);
    for (key, service) in &desired.services {
        planner.service(*key, service)?;
    }
    for key in observed.services.keys().filter(|key| !desired.services.contains_key(key)) {
        planner.remove_service(*key);
    }
    planner.leave(desired, now);
    planner.free_after_grace(desired.removal_grace, now);
    for positions in planner.released {
        rings.release(positions, now);
    }
    Ok(planner.changes)
}

struct Planner {
    /// What will be after the changes so far.
    after: Observed,
    free: FreePositions,
    released: Vec<Range<u32>>,
    changes: Vec<Change>,
}

impl Planner {
    fn make(&mut self, change: Change) {
        self.after.follow(&change);
        self.changes.push(change);
    }

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
        let current = self.after.services.get(&key).cloned();
        let id = match &current {
            Some(current) => current.service.id,
            None => self.new_service_id()?,
        };
        let mut ready = Vec::new();
        for backend in &desired.backends {
            if let Some(slot) = self.backend(id, backend)? {
                ready.push((slot, backend.address));
            }
        }
        self.switch(key, id, desired, &ready, current)
    }

    /// Brings one back-end up to date; its slot, if it can take new flows.
    fn backend(&mut self, service: u32, desired: &DesiredBackend) -> Result<Option<u16>, Full> {
        let current = self.after.backend(service, desired.address).map(|(slot, backend)| (slot, *backend));
        let Some(next_hop) = desired.next_hop else {
            // Nobody knows a better way than the one that its live flows take already.
            if let Some((slot, backend)) = current {
                self.set_backend(slot, Backend { state: BackendState::ACTIVE, leaving_since: 0, ..backend });
            }
            return Ok(None);
        };
        let (slot, generation) = match current {
            Some((slot, backend)) => (slot, backend.generation),
            None => {
                let (slot, generation) = self.free_slot()?;
                self.make(Change::ResetBackendCounters { slot });
                (slot, generation)
            }
        };
        self.set_backend(
            slot,
            Backend {
                address: desired.address,
                service,
                ifindex: next_hop.ifindex,
                mac: next_hop.mac,
                source_mac: next_hop.source_mac,
                generation,
                state: BackendState::ACTIVE,
                ..Backend::FREE
            },
        );
        Ok(Some(slot))
    }

    fn set_backend(&mut self, slot: u16, backend: Backend) {
        if self.after.backends.get(&slot) != Some(&backend) {
            self.make(Change::SetBackend { slot, backend });
        }
    }

    /// Gives the service the rings of the back-ends that are ready, if they are not what it has.
    fn switch(
        &mut self,
        key: ServiceKey,
        id: u32,
        desired: &DesiredService,
        ready: &[(u16, Address)],
        current: Option<ObservedService>,
    ) -> Result<(), Full> {
        let ring = round_robin_ring(ready.iter().map(|&(slot, _)| slot));
        let consistent = consistent_ring(ready);
        if let Some(current) = &current
            && current.service.scheduler == desired.scheduler
            && current.ring == ring
            && current.consistent == consistent
        {
            return Ok(());
        }
        let (ring_len, consistent_len) = (ring.len() as u32, consistent.len() as u32);
        let service = Service {
            id,
            scheduler: desired.scheduler,
            ring_start: self.free.take(ring_len).ok_or(Full::Rings)?,
            ring_len,
            consistent_start: self.free.take(consistent_len).ok_or(Full::Rings)?,
            consistent_len,
        };
        match current {
            Some(current) => self.released.extend(current.ranges()),
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
    fn leave(&mut self, desired: &Desired, now: Ticks) {
        let wanted: BTreeSet<(u32, Address)> = desired
            .services
            .iter()
            .filter_map(|(key, service)| Some((self.after.services.get(key)?.service.id, service)))
            .flat_map(|(id, service)| service.backends.iter().map(move |backend| (id, backend.address)))
            .collect();
        for (slot, backend) in self.after.backends.clone() {
            if backend.state == BackendState::ACTIVE && !wanted.contains(&(backend.service, backend.address)) {
                let backend = Backend { state: BackendState::LEAVING, leaving_since: now, ..backend };
                self.make(Change::SetBackend { slot, backend });
            }
        }
    }

    /// Frees the slots of back-ends whose grace is over. The next generation makes packets of their flows strangers, also
    /// those that are decided while the flows are being forgotten.
    fn free_after_grace(&mut self, grace: Ticks, now: Ticks) {
        for (slot, backend) in self.after.backends.clone() {
            if backend.state == BackendState::LEAVING && ticks_between(backend.leaving_since, now) >= grace {
                let generation = backend.generation.wrapping_add(1);
                self.make(Change::SetBackend { slot, backend: Backend { generation, ..Backend::FREE } });
                self.make(Change::ForgetFlows { slot });
            }
        }
    }

    /// The lowest service number that neither a service nor a back-end still uses.
    fn new_service_id(&self) -> Result<u32, Full> {
        let services = self.after.services.values().map(|service| service.service.id);
        let backends = self.after.backends.values().filter(|backend| backend.state != BackendState::FREE);
        let taken: BTreeSet<u32> = services.chain(backends.map(|backend| backend.service)).collect();
        (0..MAX_SERVICES).find(|id| !taken.contains(id)).ok_or(Full::Services)
    }

    /// The lowest free slot and its generation.
    fn free_slot(&self) -> Result<(u16, u16), Full> {
        (0..MAX_BACKENDS as u16)
            .find_map(|slot| match self.after.backends.get(&slot) {
                None => Some((slot, 0)),
                Some(backend) if backend.state == BackendState::FREE => Some((slot, backend.generation)),
                Some(_) => None,
            })
            .ok_or(Full::Backends)
    }
}
