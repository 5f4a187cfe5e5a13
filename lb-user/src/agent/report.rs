//! What the agent answers: what it knows, with the counters of the data plane.

use super::core::Known;
use super::desired::delivery;
use super::store::Generations;
use crate::config::{BackendName, Service};
use crate::control::types::{
    BackendState, BackendStatus, FlowTableStatus, Generation, InterfaceStatus, ServiceStatus, Status, VerdictCounter,
};
use crate::dataplane::{Counters, Dataplane, FlowCensus};
use lb_common::abi::{self, Address, Backend};
use lb_common::flow_table::{Bucket, WAYS};
use lb_common::verdict::Verdict;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What the maps count at one moment: the counters of all services and back-ends in use, and the live flows. Answers that are made of one
/// reading agree with each other.
pub(super) struct Reading {
    pub(super) counters: Counters,
    pub(super) census: FlowCensus,
}

impl Reading {
    /// Reads the maps.
    pub(super) fn take<D: Dataplane>(known: &Known, dataplane: &D) -> Result<Self, D::Error> {
        let services: Vec<u32> = known.observed.services.values().map(|service| service.service.id).collect();
        let in_use = known.observed.backends.iter().filter(|(_, backend)| backend.state != abi::BackendState::FREE);
        let slots: Vec<u16> = in_use.map(|(&slot, _)| slot).collect();
        Ok(Self { counters: dataplane.counters(&services, &slots)?, census: dataplane.flows() })
    }
}

pub(super) fn status<D: Dataplane>(known: &Known, dataplane: &D, census: &FlowCensus, generation: u64) -> Status {
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        uptime_s: known.since.elapsed().as_secs(),
        config: known.path.clone(),
        generation,
        overrides: known.overrides.names().count(),
        pin_folder: known.config.pin_folder.clone(),
        abi: abi::VERSION,
        interfaces: interfaces(known),
        flow_table: FlowTableStatus {
            capacity: census.capacity,
            bytes: census.capacity / WAYS as u64 * size_of::<Bucket>() as u64,
            key_bytes: dataplane.flow_table().key_bytes(),
            live: census.live.values().sum(),
        },
        services: known.config.services.len(),
        backends: known.config.services.iter().map(|service| service.backends.len()).sum(),
        ready: known.config.services.iter().map(|service| known.standings.ready(service)).sum(),
        ns_per_packet: dataplane.run_time().map(|time| time.nanoseconds as f64 / time.packets as f64),
        announced: known.announced.clone(),
        failure: known.failure.clone(),
    }
}

/// The state of the whole in a line.
pub(super) fn summary(known: &Known) -> String {
    if let Some(failure) = &known.failure {
        return failure.clone();
    }
    let services = &known.config.services;
    let backends: usize = services.iter().map(|service| service.backends.len()).sum();
    let ready: usize = services.iter().map(|service| known.standings.ready(service)).sum();
    format!("{} services, {ready} of {backends} back-ends ready", services.len())
}

fn interfaces(known: &Known) -> Vec<InterfaceStatus> {
    let interfaces = known.config.interfaces.iter().map(|name| {
        let link = known.network.link_by_name(name.as_str());
        InterfaceStatus {
            name: name.clone(),
            ifindex: link.map_or(0, |link| link.ifindex),
            mac: link.map_or_else(String::new, |link| link.mac.to_string()),
            up: link.is_some_and(|link| link.up),
            xdp: link.map_or_else(|| "none".to_owned(), |link| link.xdp.to_string()),
        }
    });
    interfaces.collect()
}

pub(super) fn services(known: &Known, Reading { counters, census }: &Reading) -> Vec<ServiceStatus> {
    let services = known.config.services.iter().map(|service| {
        let id = known.observed.services.get(&service.key()).map(|observed| observed.service.id);
        let counted = id.and_then(|id| counters.services.get(&id)).copied().unwrap_or_default();
        let slots = known
            .observed
            .backends
            .iter()
            .filter(|(_, backend)| backend.state != abi::BackendState::FREE && Some(backend.service) == id);
        ServiceStatus {
            name: service.name.clone(),
            vip: service.vip,
            ports: service.ports,
            protocol: service.protocol,
            scheduler: service.scheduler,
            forwarding: service.forwarding.to_string(),
            backends: service.backends.len(),
            ready: known.standings.ready(service),
            all_down: known.standings.all_down(service),
            new_flows: counted.new_flows,
            live_flows: slots.map(|(slot, _)| census.live.get(slot).copied().unwrap_or(0)).sum(),
            packets: counted.forwarded.packets,
            bytes: counted.forwarded.bytes,
            unknown_flows: counted.unknown_flows,
            table_full: counted.table_full,
            affinity: counted.affinity,
            flood: counted.flood,
            one_packet: counted.one_packet,
            quic: counted.quic,
            fragments: counted.fragments,
            icmp_errors: counted.icmp_errors,
            too_big: counted.too_big,
            dropped: counted.dropped.packets,
        }
    });
    services.collect()
}

pub(super) fn backends(known: &Known, Reading { counters, census }: &Reading) -> Vec<BackendStatus> {
    let slots = known.observed.slots();
    let services = known.config.services.iter();
    let mut backends: Vec<BackendStatus> =
        services.flat_map(|service| service_backends(known, service, &slots, counters, census)).collect();
    let leaving = known.observed.backends.iter().filter(|(_, backend)| backend.state == abi::BackendState::LEAVING);
    backends.extend(leaving.map(|(&slot, backend)| leaving_backend(known, slot, backend, counters, census)));
    backends
}

fn service_backends(
    known: &Known,
    service: &Service,
    slots: &BTreeMap<(u32, Address), u16>,
    counters: &Counters,
    census: &FlowCensus,
) -> Vec<BackendStatus> {
    let id = known.observed.services.get(&service.key()).map(|observed| observed.service.id);
    let total = id.and_then(|id| counters.services.get(&id)).map_or(0, |counted| counted.new_flows + counted.affinity);
    let backends = service.backends.iter().map(|backend| {
        let address = Address::from(backend.address);
        let slot = id.and_then(|id| slots.get(&(id, address)));
        let counted = slot.and_then(|slot| counters.backends.get(slot)).copied().unwrap_or_default();
        let delivered = delivery(&known.config, service, backend, &known.network);
        let standing = known.standings.get(service, backend);
        let link = delivered.as_ref().ok().and_then(|delivered| known.network.links.get(&delivered.ifindex));
        BackendStatus {
            service: service.name.clone(),
            name: backend.name.clone(),
            address: backend.address,
            weight: standing.weight,
            configured_weight: (standing.weight != backend.weight).then_some(backend.weight),
            state: standing.state,
            reason: standing.reason,
            health: known.checks.status(&BackendName::of(service, backend), Instant::now()),
            interface: link.map(|link| link.name.clone()),
            mac: delivered.ok().map(|delivered| delivered.mac.to_string()),
            new_flows: counted.new_flows,
            share: if total == 0 { 0.0 } else { counted.new_flows as f64 / total as f64 },
            live_flows: slot.and_then(|slot| census.live.get(slot)).copied().unwrap_or(0),
            packets: counted.forwarded.packets,
            bytes: counted.forwarded.bytes,
            fragments: counted.fragments,
            icmp_errors: counted.icmp_errors,
        }
    });
    backends.collect()
}

/// The configuration has forgotten its name, and perhaps its service: the maps know its address.
fn leaving_backend(
    known: &Known,
    slot: u16,
    backend: &Backend,
    counters: &Counters,
    census: &FlowCensus,
) -> BackendStatus {
    let service = known.config.services.iter().find(|service| {
        known.observed.services.get(&service.key()).is_some_and(|observed| observed.service.id == backend.service)
    });
    let counted = counters.backends.get(&slot).copied().unwrap_or_default();
    let address = IpAddr::from(backend.address);
    BackendStatus {
        service: service.map_or_else(|| "(removed)".to_owned(), |service| service.name.clone()),
        name: address.to_string(),
        address,
        weight: 0,
        configured_weight: None,
        health: None,
        state: BackendState::Leaving,
        reason: Some("removed from the configuration: its live flows may end in peace".to_owned()),
        interface: known.network.links.get(&backend.ifindex).map(|link| link.name.clone()),
        mac: Some(backend.mac.to_string()),
        new_flows: counted.new_flows,
        share: 0.0,
        live_flows: census.live.get(&slot).copied().unwrap_or(0),
        packets: counted.forwarded.packets,
        bytes: counted.forwarded.bytes,
        fragments: counted.fragments,
        icmp_errors: counted.icmp_errors,
    }
}

/// The configurations that can be gone back to.
pub(super) fn generations(kept: &Generations) -> Vec<Generation> {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs());
    let generation = |(number, applied): (u64, Option<SystemTime>)| Generation {
        number,
        applied_unix_s: applied.and_then(seconds),
        is_current: number == kept.current(),
    };
    kept.list().into_iter().map(generation).collect()
}

pub(super) fn verdicts(counters: &Counters) -> Vec<VerdictCounter> {
    let verdicts = Verdict::all().map(|verdict| {
        VerdictCounter::new(verdict.action(), verdict.name(), &counters.verdicts[verdict.number() as usize])
    });
    verdicts.collect()
}
