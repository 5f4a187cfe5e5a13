//! The difference between what should be and what is, as changes in order:
//!
//! 1. what holds for the whole program, and VIPs; what is left of access lists that nobody finished goes,
//! 2. back-ends that are new or reached another way, each before a ring names it, and access lists and QUIC servers, before a
//!    service does,
//! 3. services, whose rings name ready back-ends only, then the ports that lead to them,
//! 4. ports, services, access lists and QUIC servers that are gone,
//! 5. back-ends that are gone: first *leaving*, with no new flows, then, after the grace, freed with their flows forgotten; those that
//!    take no flows at all, without any grace,
//! 6. what holds for the whole program without VIPs that were only kept for those flows.

mod access;
mod backend;
mod leaving;
mod ports;
mod program;
mod quic;
mod service;

use super::compiled::CompiledRings;
use super::rings::FreePositions;
use super::{Change, Desired, Full, Load, Observed, ObservedService, RingSpace};
use lb_common::abi::{AccessList, Address, MAX_BACKENDS, MAX_SERVICES, QuicKey, QuicServerKey, Ticks};
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
    /// Slots of the back-ends that should be, but take no flows: these have no grace.
    ended: BTreeSet<u16>,
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
            ended: BTreeSet::new(),
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
}
