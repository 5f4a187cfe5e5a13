//! What a change of the configuration would do, before it is done. Pure.
//!
//! Services are the same when VIP, ports and protocol are, and back-ends of a service when their addresses are: that is what flows and
//! rings know of them.

mod differences;
mod movement;

use super::standing::Standings;
use crate::config::{Config, Service};
use crate::control::types::{BackendPlan, PlanReport, PlannedChange, Refusal, ServicePlan};
use crate::dataplane::FlowCensus;
use crate::state::{Change, Observed};
use differences::{backend_differences, service_differences};
pub(super) use differences::{needs_restart, program_differences};
use lb_common::abi::{Address, ServiceKey};
use movement::{moved_positions, moved_shares};
use std::collections::BTreeMap;

/// A configuration, how its back-ends stand, and what the maps say with it.
pub(super) struct Situation<'a> {
    pub(super) config: &'a Config,
    pub(super) standings: &'a Standings,
    pub(super) observed: &'a Observed,
}

/// What is different after, services in the order of the files: those that are there before, then new ones.
pub(super) fn preview(
    before: &Situation<'_>,
    after: &Situation<'_>,
    census: &FlowCensus,
    generation: u64,
) -> PlanReport {
    let kept = before.config.services.iter().map(|service| (Some(service), find(after.config, &service.key())));
    let new = after.config.services.iter().filter(|service| find(before.config, &service.key()).is_none());
    let pairs = kept.chain(new.map(|service| (None, Some(service))));
    let live = live_flows(before.observed, census);
    let services = pairs.filter_map(|pair| match pair {
        (Some(old), Some(new)) => changed(before, after, old, new, &live),
        (Some(old), None) => Some(whole(before, old, PlannedChange::Removed, &live)),
        (None, Some(new)) => Some(whole(after, new, PlannedChange::Added, &live)),
        (None, None) => None,
    });
    let services = services.collect();
    PlanReport {
        generation,
        program: program_differences(before.config, after.config),
        services,
        refusals: too_few_ready(before, after),
    }
}

fn find<'c>(config: &'c Config, key: &ServiceKey) -> Option<&'c Service> {
    config.services.iter().find(|service| service.key() == *key)
}

/// Services that would have fewer ready back-ends than they must, and than they have.
fn too_few_ready(before: &Situation<'_>, after: &Situation<'_>) -> Vec<Refusal> {
    let refusals = after.config.services.iter().filter_map(|service| {
        let old = find(before.config, &service.key())?;
        let (had, has) = (before.standings.ready(old), after.standings.ready(service));
        let must = service.min_ready as usize;
        (has < must && has < had).then(|| Refusal {
            message: format!(
                "service \"{}\": only {has} of {} back-ends would get new flows, now {had} do, and min-ready is {must}",
                service.name,
                service.backends.len()
            ),
            can_be_forced: true,
        })
    });
    refusals.collect()
}

/// Live flows by service and address of the back-end.
fn live_flows(observed: &Observed, census: &FlowCensus) -> BTreeMap<(u32, Address), u64> {
    let slots = observed.slots().into_iter();
    slots.map(|(key, slot)| (key, census.live.get(&slot).copied().unwrap_or(0))).collect()
}

fn changed(
    before: &Situation<'_>,
    after: &Situation<'_>,
    old: &Service,
    new: &Service,
    live: &BTreeMap<(u32, Address), u64>,
) -> Option<ServicePlan> {
    let [ring, consistent] = rings_moved(before.observed, after.observed, &new.key());
    let live_at = live_at(before.observed, old, live);
    let mut backends = Vec::new();
    for backend in &old.backends {
        match new.backends.iter().find(|other| other.address == backend.address) {
            None => backends.push(BackendPlan {
                name: backend.name.clone(),
                address: backend.address,
                change: PlannedChange::Removed,
                details: Vec::new(),
                live_flows: live_at(backend.address.into()),
            }),
            Some(other) => {
                let details = backend_differences(backend, other);
                if !details.is_empty() {
                    backends.push(BackendPlan {
                        name: other.name.clone(),
                        address: other.address,
                        change: PlannedChange::Changed,
                        details,
                        live_flows: live_at(backend.address.into()),
                    });
                }
            }
        }
    }
    let is_new = |address| !old.backends.iter().any(|backend| backend.address == address);
    backends.extend(new.backends.iter().filter(|backend| is_new(backend.address)).map(|backend| BackendPlan {
        name: backend.name.clone(),
        address: backend.address,
        change: PlannedChange::Added,
        details: Vec::new(),
        live_flows: 0,
    }));
    let details = service_differences(old, new);
    let is_same = details.is_empty() && backends.is_empty();
    (!is_same).then(|| ServicePlan {
        name: new.name.clone(),
        change: PlannedChange::Changed,
        details,
        backends,
        ring_moved: ring,
        consistent_moved: consistent,
    })
}

/// A service that comes or goes as a whole.
fn whole(
    situation: &Situation<'_>,
    service: &Service,
    change: PlannedChange,
    live: &BTreeMap<(u32, Address), u64>,
) -> ServicePlan {
    let live_at = live_at(situation.observed, service, live);
    let backends = service.backends.iter().map(|backend| BackendPlan {
        name: backend.name.clone(),
        address: backend.address,
        change,
        details: Vec::new(),
        live_flows: if change == PlannedChange::Removed { live_at(backend.address.into()) } else { 0 },
    });
    ServicePlan {
        name: service.name.clone(),
        change,
        details: Vec::new(),
        backends: backends.collect(),
        ring_moved: 1.0,
        consistent_moved: 1.0,
    }
}

fn live_at<'l>(
    observed: &Observed,
    service: &Service,
    live: &'l BTreeMap<(u32, Address), u64>,
) -> impl Fn(Address) -> u64 + use<'l> {
    let id = observed.services.get(&service.key()).map(|observed| observed.service.id);
    move |address| id.and_then(|id| live.get(&(id, address))).copied().unwrap_or(0)
}

/// How much of the service's two rings means another back-end than before: of the scheduler's, and of the consistent one.
fn rings_moved(before: &Observed, after: &Observed, key: &ServiceKey) -> [f64; 2] {
    let addresses = |observed: &Observed, slots: &[u16]| -> Vec<Option<Address>> {
        slots.iter().map(|slot| observed.backends.get(slot).map(|backend| backend.address)).collect()
    };
    let (Some(old), Some(new)) = (before.services.get(key), after.services.get(key)) else {
        return [1.0; 2];
    };
    let [old_ring, new_ring] = [addresses(before, &old.ring), addresses(after, &new.ring)];
    let ring = if old.service.scheduler.is_hashed() && new.service.scheduler.is_hashed() {
        moved_positions(&old_ring, &new_ring)
    } else {
        moved_shares(&old_ring, &new_ring)
    };
    [ring, moved_positions(&addresses(before, &old.consistent), &addresses(after, &new.consistent))]
}

/// What the maps would say after these changes.
pub(super) fn after(observed: &Observed, changes: &[Change]) -> Observed {
    let mut after = observed.clone();
    changes.iter().for_each(|change| after.follow(change));
    after
}
