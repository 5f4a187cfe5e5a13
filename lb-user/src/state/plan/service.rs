//! Services and their rings.

use super::Planner;
use crate::schedule::Candidate;
use crate::state::{Change, Desired, DesiredService, Full, ObservedService};
use lb_common::abi::{Address, Service, ServiceKey};
use std::collections::BTreeSet;

impl Planner<'_> {
    /// All services: first those with a back-end that should get no new flows, so that its way off their rings finds room.
    pub(super) fn by_urgency<'d>(&self, desired: &'d Desired) -> Vec<(ServiceKey, &'d DesiredService)> {
        let services = desired.services.iter().map(|(key, service)| (*key, service));
        let (urgent, others): (Vec<_>, Vec<_>) = services.partition(|(key, service)| self.lost_backend(key, service));
        [urgent, others].concat()
    }

    /// Whether the service has a back-end that should get no new flows any more.
    pub(super) fn lost_backend(&self, key: &ServiceKey, desired: &DesiredService) -> bool {
        let Some(current) = self.after.services.get(key) else { return false };
        let id = current.service.id;
        let ready = desired.backends.iter().filter(|backend| backend.is_ready());
        let ready: BTreeSet<Address> = ready.map(|backend| backend.address).collect();
        let mut known = self.slots.range((id, Address::UNSPECIFIED)..).take_while(|((service, _), _)| *service == id);
        known.any(|((_, address), _)| !ready.contains(address))
    }

    /// Brings one service up to date, as far as there is room.
    pub(super) fn service(&mut self, key: ServiceKey, desired: &DesiredService) {
        let current = self.after.services.get(&key).map(|current| current.service.id);
        let Some(id) = current.or_else(|| self.free_ids.next()) else {
            self.missing = Some(Full::Services);
            return;
        };
        let mut ready = Vec::new();
        for backend in &desired.backends {
            if let Some(slot) = self.backend(id, !desired.quic.is_empty(), backend) {
                let live_flows = self.load.live_flows(slot);
                ready.push(Candidate {
                    slot,
                    address: backend.address,
                    weight: backend.weight,
                    ramp: backend.ramp,
                    live_flows,
                });
            }
        }
        self.mark_overloaded(desired.max_load, &ready);
        if let Some(rules) = &desired.access
            && self.complete.insert(rules.list())
        {
            self.make(Change::SetAccess(rules.clone()));
        }
        self.quic(id, desired);
        self.switch(key, Service { id, ..desired.entry }, ready);
    }

    /// Gives the service the rings of the back-ends that are ready, if they are not what it has.
    pub(super) fn switch(&mut self, key: ServiceKey, entry: Service, ready: Vec<Candidate>) {
        let (ring, consistent) = self.compiled.of(key, entry.scheduler, ready, self.load.new_flows(entry.id));
        let current = self.after.services.get(&key);
        if let Some(current) = current
            && current.ring == ring
            && current.consistent == consistent
        {
            return self.keep_rings(key, entry);
        }
        let Some([ring_start, consistent_start]) =
            self.free_positions.take_all([ring.len() as u32, consistent.len() as u32])
        else {
            self.missing = Some(Full::Rings);
            let scheduler = current.map_or(entry.scheduler, |current| current.service.scheduler);
            return self.keep_rings(key, Service { scheduler, ..entry });
        };
        let service = Service {
            ring_start,
            ring_len: ring.len() as u32,
            consistent_start,
            consistent_len: consistent.len() as u32,
            ..entry
        };
        let service = ObservedService { service, ring: ring.to_vec(), consistent: consistent.to_vec() };
        match current.map(ObservedService::ranges) {
            Some(ranges) => self.released.extend(ranges),
            None => self.make(Change::ResetServiceCounters { id: entry.id }),
        }
        self.make(Change::SetService { key, service });
    }

    /// Gives the service this entry and leaves it the rings that it has. A new one begins without any, so that its number and its back-ends
    /// are its own.
    pub(super) fn keep_rings(&mut self, key: ServiceKey, entry: Service) {
        let Some(current) = self.after.services.get(&key) else {
            self.make(Change::ResetServiceCounters { id: entry.id });
            let service = ObservedService { service: entry, ring: Vec::new(), consistent: Vec::new() };
            return self.make(Change::SetService { key, service });
        };
        let Service { ring_start, ring_len, consistent_start, consistent_len, .. } = current.service;
        let service = Service { ring_start, ring_len, consistent_start, consistent_len, ..entry };
        if current.service != service {
            let service = ObservedService { service, ..current.clone() };
            self.make(Change::SetService { key, service });
        }
    }

    pub(super) fn remove_service(&mut self, key: ServiceKey) {
        if let Some(service) = self.after.services.get(&key) {
            self.released.extend(service.ranges());
            self.make(Change::RemoveService { key });
        }
    }
}
