//! The difference between what should be and what is, as changes in order:
//!
//! 1. what holds for the whole program, and VIPs; what is left of access lists that nobody finished goes,
//! 2. back-ends that are new or reached another way, each before a ring names it, and access lists and QUIC servers, before a
//!    service does,
//! 3. services, whose rings name ready back-ends only, then the ports that lead to them,
//! 4. ports, services, access lists and QUIC servers that are gone,
//! 5. back-ends that are gone: first *leaving*, with no new flows, then, after the grace, freed with their flows forgotten,
//! 6. what holds for the whole program without VIPs that were only kept for those flows.

use super::compiled::CompiledRings;
use super::rings::FreePositions;
use super::{Change, Desired, DesiredBackend, DesiredService, Full, Load, Observed, ObservedService, RingSpace};
use crate::schedule::Candidate;
use lb_common::abi::{
    AccessList, Address, Backend, BackendState, MAX_BACKENDS, MAX_SERVICES, QuicKey, QuicServer, QuicServerKey,
    Service, ServiceKey, Ticks, ticks_between,
};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::vec;

/// What planning comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What can be done now, in order.
    pub changes: Vec<Change>,
    /// Why that is not all; the rest is planned again the next time.
    pub missing: Option<Full>,
}

impl Plan {
    /// The changes, when they are all that there is to do.
    ///
    /// # Errors
    /// When something is missing.
    pub fn complete(self) -> Result<Vec<Change>, Full> {
        self.missing.map_or(Ok(self.changes), Err)
    }
}

/// What planning remembers from one time to the next.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Ring positions that are resting.
    pub space: RingSpace,
    /// Rings that were compiled last.
    pub compiled: CompiledRings,
}

/// The changes that lead from `observed` to `desired`, as far as there is room.
///
/// A service whose new rings find none keeps those that it has, a new one begins without any, and all others go on.
pub fn plan(desired: &Desired, observed: &Observed, load: &Load, memory: &mut Memory, now: Ticks) -> Plan {
    let mut planner = Planner::new(observed, load, memory, now);
    planner.settings(desired);
    planner.add_vips(desired);
    planner.remove_incomplete_access();
    for (key, service) in planner.by_urgency(desired) {
        planner.service(key, service);
    }
    planner.ports(desired);
    for key in observed.services.keys().filter(|key| !desired.services.contains_key(key)) {
        planner.remove_service(*key);
    }
    planner.remove_access();
    planner.leave(now);
    planner.free_after_grace(desired.removal_grace, now);
    planner.remove_quic();
    planner.remove_vips(desired);
    planner.settings(desired);
    let Planner { released, changes, missing, .. } = planner;
    for positions in released {
        memory.space.release(positions, now);
    }
    memory.compiled.keep(|key| desired.services.contains_key(key));
    let missing = missing.map(|full| match full {
        Full::Rings if memory.space.is_settled() => Full::RingSpace,
        full => full,
    });
    Plan { changes, missing }
}

struct Planner<'a> {
    load: &'a Load,
    compiled: &'a mut CompiledRings,
    /// What will be after the changes so far.
    after: Observed,
    /// Slots of the back-ends in use or leaving.
    slots: BTreeMap<(u32, Address), u16>,
    /// Slots of the back-ends that should be.
    wanted: BTreeSet<u16>,
    /// Slots of the back-ends that were given one in this plan, or kept it.
    new_slots: BTreeMap<(u32, Address), u16>,
    /// What QUIC connection IDs should mean.
    wanted_quic: BTreeSet<QuicKey>,
    wanted_servers: BTreeSet<QuicServerKey>,
    /// Access lists that a service names, so that they are complete.
    complete: BTreeSet<AccessList>,
    free_slots: vec::IntoIter<u16>,
    free_ids: vec::IntoIter<u32>,
    free_positions: FreePositions,
    released: Vec<Range<u32>>,
    changes: Vec<Change>,
    /// Why the changes are not all that there is to do.
    missing: Option<Full>,
}

impl<'a> Planner<'a> {
    fn new(observed: &Observed, load: &'a Load, memory: &'a mut Memory, now: Ticks) -> Self {
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
        let named = observed.services.values().filter_map(ObservedService::access);
        Self {
            load,
            compiled: &mut memory.compiled,
            complete: named.filter(|list| observed.access.contains(list)).collect(),
            after: observed.clone(),
            slots,
            wanted: BTreeSet::new(),
            new_slots: BTreeMap::new(),
            wanted_quic: BTreeSet::new(),
            wanted_servers: BTreeSet::new(),
            free_slots: free_slots.into_iter(),
            free_ids: free_ids.into_iter(),
            free_positions: memory.space.free(observed.services.values().flat_map(ObservedService::ranges), now),
            released: Vec::new(),
            changes: Vec::new(),
            missing: None,
        }
    }

    fn make(&mut self, change: Change) {
        self.after.follow(&change);
        self.changes.push(change);
    }

    /// Comes first, so that new VIPs are known in time, and last, when others may have had their time.
    fn settings(&mut self, desired: &Desired) {
        let mut settings = desired.settings;
        // Live flows of a service that is gone may end in peace: its VIP stays known as long as its back-ends do.
        if let Some(current) = self.after.settings
            && self.has_orphans(desired)
        {
            settings.vips.extend(&current.vips);
        }
        if self.after.settings != Some(settings) {
            self.make(Change::SetSettings(Box::new(settings)));
        }
    }

    /// Whether there are back-ends of services that should not be.
    fn has_orphans(&self, desired: &Desired) -> bool {
        let kept = desired.services.keys().filter_map(|key| self.after.services.get(key));
        let kept: BTreeSet<u32> = kept.map(|service| service.service.id).collect();
        let mut in_use = self.after.backends.values().filter(|backend| backend.state != BackendState::FREE);
        in_use.any(|backend| !kept.contains(&backend.service))
    }

    fn add_vips(&mut self, desired: &Desired) {
        for key in desired.services.keys() {
            if !self.after.vips.contains(&key.address) {
                self.make(Change::AddVip(key.address));
            }
        }
    }

    fn remove_vips(&mut self, desired: &Desired) {
        if self.has_orphans(desired) {
            return;
        }
        let vips: BTreeSet<Address> = desired.services.keys().map(|key| key.address).collect();
        for address in self.after.vips.difference(&vips).copied().collect::<Vec<_>>() {
            self.make(Change::RemoveVip(address));
        }
    }

    /// All services: first those with a back-end that should get no new flows, so that its way off their rings finds room.
    fn by_urgency<'d>(&self, desired: &'d Desired) -> Vec<(ServiceKey, &'d DesiredService)> {
        let services = desired.services.iter().map(|(key, service)| (*key, service));
        let (urgent, others): (Vec<_>, Vec<_>) = services.partition(|(key, service)| self.lost_backend(key, service));
        [urgent, others].concat()
    }

    /// Whether the service has a back-end that is gone from the configuration or from the network.
    fn lost_backend(&self, key: &ServiceKey, desired: &DesiredService) -> bool {
        let Some(current) = self.after.services.get(key) else { return false };
        let id = current.service.id;
        let ways = desired.backends.iter().filter(|backend| backend.delivery.is_some());
        let reachable: BTreeSet<Address> = ways.map(|backend| backend.address).collect();
        let mut known = self.slots.range((id, Address::UNSPECIFIED)..).take_while(|((service, _), _)| *service == id);
        known.any(|((_, address), _)| !reachable.contains(address))
    }

    /// Brings one service up to date, as far as there is room.
    fn service(&mut self, key: ServiceKey, desired: &DesiredService) {
        let current = self.after.services.get(&key).map(|current| current.service.id);
        let Some(id) = current.or_else(|| self.free_ids.next()) else {
            self.missing = Some(Full::Services);
            return;
        };
        let mut ready = Vec::new();
        for backend in &desired.backends {
            if let Some(slot) = self.backend(id, !desired.quic.is_empty(), backend) {
                let live_flows = self.load.live_flows(slot);
                ready.push(Candidate { slot, address: backend.address, weight: backend.weight, live_flows });
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

    /// Says whom QUIC connection IDs mean: first who is who, then how to read them.
    fn quic(&mut self, service: u32, desired: &DesiredService) {
        for quic in &desired.quic {
            for &(server, address) in &quic.servers {
                let key = QuicServerKey { server, service, padding: 0 };
                let Some(&slot) =
                    self.slots.get(&(service, address)).or_else(|| self.new_slots.get(&(service, address)))
                else {
                    continue;
                };
                let generation = self.after.backends.get(&slot).map_or(0, |backend| backend.generation);
                let server = QuicServer { slot, generation };
                self.wanted_servers.insert(key);
                if self.after.quic_servers.get(&key) != Some(&server) {
                    self.make(Change::SetQuicServer { key, server });
                }
            }
            let key = QuicKey { service, codepoint: quic.codepoint.into() };
            self.wanted_quic.insert(key);
            if self.after.quic.get(&key) != Some(&quic.config) {
                self.make(Change::SetQuic { key, config: quic.config.clone() });
            }
        }
    }

    /// Takes away what connection IDs mean no more. Those of a back-end that is leaving still lead to it.
    fn remove_quic(&mut self) {
        let gone = |key: &&QuicKey| !self.wanted_quic.contains(key);
        for key in self.after.quic.keys().filter(gone).copied().collect::<Vec<_>>() {
            self.make(Change::RemoveQuic(key));
        }
        let is_used = |key: &QuicServerKey, server: &QuicServer| {
            let backend = self.after.backends.get(&server.slot);
            self.wanted_servers.contains(key)
                || backend.is_some_and(|backend| {
                    backend.state == BackendState::LEAVING && backend.generation == server.generation
                })
        };
        let gone = self.after.quic_servers.iter().filter(|(key, server)| !is_used(key, server));
        for key in gone.map(|(&key, _)| key).collect::<Vec<_>>() {
            self.make(Change::RemoveQuicServer(key));
        }
    }

    /// Brings one back-end up to date; its slot, if it can take new flows.
    fn backend(&mut self, service: u32, is_quic: bool, desired: &DesiredBackend) -> Option<u16> {
        let slot = self.slots.get(&(service, desired.address)).copied();
        self.wanted.extend(slot);
        let Some(delivery) = desired.delivery else {
            // Nobody knows a better way than the one that its live flows take already.
            if let Some(slot) = slot
                && let Some(backend) = self.after.backends.get(&slot)
            {
                let backend = Backend { state: BackendState::ACTIVE, leaving_since: 0, is_overloaded: 1, ..*backend };
                self.set_backend(slot, backend);
            }
            return None;
        };
        let slot = slot.or_else(|| self.new_slot())?;
        let former = self.after.backends.get(&slot).copied().unwrap_or(Backend::FREE);
        self.set_backend(
            slot,
            Backend {
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
                is_overloaded: former.is_overloaded,
                ..Backend::FREE
            },
        );
        self.new_slots.insert((service, desired.address), slot);
        Some(slot)
    }

    /// Marks the back-ends that get no new flows even for affinity's sake: those without weight, and those that have more live flows
    /// than `max_load` per cent of their share.
    fn mark_overloaded(&mut self, max_load: Option<u32>, ready: &[Candidate]) {
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

    fn new_slot(&mut self) -> Option<u16> {
        let Some(slot) = self.free_slots.next() else {
            self.missing = Some(Full::Backends);
            return None;
        };
        self.wanted.insert(slot);
        self.make(Change::ResetBackendCounters { slot });
        Some(slot)
    }

    fn set_backend(&mut self, slot: u16, backend: Backend) {
        if self.after.backends.get(&slot) != Some(&backend) {
            self.make(Change::SetBackend { slot, backend });
        }
    }

    /// Gives the service the rings of the back-ends that are ready, if they are not what it has.
    fn switch(&mut self, key: ServiceKey, entry: Service, ready: Vec<Candidate>) {
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
    fn keep_rings(&mut self, key: ServiceKey, entry: Service) {
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

    /// Leads ports to their services: to new ones first, so that no packet is lost between.
    fn ports(&mut self, desired: &Desired) {
        let services = desired.services.iter().filter(|(key, _)| self.after.services.contains_key(key));
        let wanted: BTreeMap<_, _> =
            services.flat_map(|(key, service)| service.ports.iter().map(|&prefix| (prefix, key.port))).collect();
        for (&prefix, &first) in &wanted {
            if self.after.ports.get(&prefix) != Some(&first) {
                self.make(Change::SetPorts { prefix, first });
            }
        }
        for prefix in self.after.ports.keys().filter(|prefix| !wanted.contains_key(prefix)).copied().collect::<Vec<_>>()
        {
            self.make(Change::RemovePorts(prefix));
        }
    }

    fn remove_service(&mut self, key: ServiceKey) {
        if let Some(service) = self.after.services.get(&key) {
            self.released.extend(service.ranges());
            self.make(Change::RemoveService { key });
        }
    }

    /// Takes away the access lists that no service ever named. Writing them failed, and what there is of them takes room that others need.
    fn remove_incomplete_access(&mut self) {
        for list in self.after.access.difference(&self.complete).copied().collect::<Vec<_>>() {
            self.make(Change::RemoveAccess(list));
        }
    }

    /// Takes away the access lists that no service names any more.
    fn remove_access(&mut self) {
        let named: BTreeSet<AccessList> = self.after.services.values().filter_map(ObservedService::access).collect();
        for list in self.after.access.difference(&named).copied().collect::<Vec<_>>() {
            self.make(Change::RemoveAccess(list));
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
            let is_over = backend.state == BackendState::LEAVING && ticks_between(backend.leaving_since, now) >= grace;
            if is_over && !self.is_on_ring(slot, backend.service) {
                let generation = backend.generation.wrapping_add(1);
                self.make(Change::SetBackend { slot, backend: Backend { generation, ..Backend::FREE } });
                freed.insert(slot);
            }
        }
        if !freed.is_empty() {
            self.make(Change::ForgetFlows { slots: freed });
        }
    }

    /// Whether a ring names the back-end, though it is leaving: one that was kept because new ones found no room.
    fn is_on_ring(&self, slot: u16, service: u32) -> bool {
        let mut services = self.after.services.values().filter(|it| it.service.id == service);
        services.any(|it| it.ring.contains(&slot) || it.consistent.contains(&slot))
    }
}
