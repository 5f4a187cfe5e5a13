//! The difference between what should be and what is, as changes in order:
//!
//! 1. what holds for the whole program, and VIPs,
//! 2. back-ends that are new or reached another way, each before a ring names it, and access lists and QUIC servers, before a
//!    service does,
//! 3. services, whose rings name ready back-ends only, then the ports that lead to them,
//! 4. ports, services, access lists and QUIC servers that are gone,
//! 5. back-ends that are gone: first *leaving*, with no new flows, then, after the grace, freed with their flows forgotten,
//! 6. what holds for the whole program without VIPs that were only kept for those flows.

use super::compiled::CompiledRings;
use super::rings::FreePositions;
use super::{Change, Desired, DesiredBackend, DesiredService, Load, Observed, ObservedService, RingSpace};
use crate::schedule::Candidate;
use lb_common::abi::{
    AccessList, Address, Backend, BackendState, MAX_BACKENDS, MAX_SERVICES, QuicKey, QuicServer, QuicServerKey,
    Service, ServiceKey, Ticks, ticks_between,
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

/// What planning remembers from one time to the next.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Ring positions that are resting.
    pub space: RingSpace,
    /// Rings that were compiled last.
    pub compiled: CompiledRings,
}

/// The changes that lead from `observed` to `desired`.
///
/// # Errors
/// When there is no room; nothing should be changed then.
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    load: &Load,
    memory: &mut Memory,
    now: Ticks,
) -> Result<Vec<Change>, Full> {
    let mut planner = Planner::new(observed, load, memory, now);
    planner.settings(desired);
    planner.add_vips(desired);
    for (key, service) in &desired.services {
        planner.service(*key, service)?;
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
    let Planner { released, changes, .. } = planner;
    for positions in released {
        memory.space.release(positions, now);
    }
    memory.compiled.keep(|key| desired.services.contains_key(key));
    Ok(changes)
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

    fn service(&mut self, key: ServiceKey, desired: &DesiredService) -> Result<(), Full> {
        let id = match self.after.services.get(&key) {
            Some(current) => current.service.id,
            None => self.free_ids.next().ok_or(Full::Services)?,
        };
        let mut ready = Vec::new();
        for backend in &desired.backends {
            if let Some(slot) = self.backend(id, !desired.quic.is_empty(), backend)? {
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
        self.switch(key, Service { id, ..desired.entry }, ready)
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
    fn backend(&mut self, service: u32, is_quic: bool, desired: &DesiredBackend) -> Result<Option<u16>, Full> {
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
            return Ok(None);
        };
        let slot = match slot {
            Some(slot) => slot,
            None => self.new_slot()?,
        };
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
        Ok(Some(slot))
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
    fn switch(&mut self, key: ServiceKey, entry: Service, ready: Vec<Candidate>) -> Result<(), Full> {
        let (ring, consistent) = self.compiled.of(key, entry.scheduler, ready, self.load.new_flows(entry.id));
        let current = self.after.services.get(&key);
        if let Some(current) = current
            && current.ring == ring
            && current.consistent == consistent
        {
            let Service { ring_start, ring_len, consistent_start, consistent_len, .. } = current.service;
            let service = Service { ring_start, ring_len, consistent_start, consistent_len, ..entry };
            if current.service != service {
                let service = ObservedService { service, ..current.clone() };
                self.make(Change::SetService { key, service });
            }
            return Ok(());
        }
        let former = current.map(ObservedService::ranges);
        let (ring, consistent) = (ring.to_vec(), consistent.to_vec());
        let (ring_len, consistent_len) = (ring.len() as u32, consistent.len() as u32);
        let service = Service {
            ring_start: self.free_positions.take(ring_len).ok_or(Full::Rings)?,
            ring_len,
            consistent_start: self.free_positions.take(consistent_len).ok_or(Full::Rings)?,
            consistent_len,
            ..entry
        };
        match former {
            Some(ranges) => self.released.extend(ranges),
            None => self.make(Change::ResetServiceCounters { id: entry.id }),
        }
        self.make(Change::SetService { key, service: ObservedService { service, ring, consistent } });
        Ok(())
    }

    /// Leads ports to their services: to new ones first, so that no packet is lost between.
    fn ports(&mut self, desired: &Desired) {
        let services = desired.services.iter();
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
