//! What kind of traffic there is, out of counters.

use super::super::report::Reading;
use crate::analysis::{application, fairness};
use crate::config::{Config, Protocol};
use crate::control::types::{
    ApplicationCounter, BackendState, BackendStatus, Fairness, ProtocolCounter, ServiceStatus, TcpCounter, Traffic,
};
use lb_common::abi::{LinkKind, NetworkKind, SizeClass, Tally, TrafficClass, TransportKind};
use std::collections::BTreeMap;

/// What kind of traffic `reading` shows, of which `services` and `backends` were made.
pub(super) fn traffic(
    config: &Config,
    reading: &Reading,
    services: &[ServiceStatus],
    backends: &[BackendStatus],
) -> Traffic {
    let classes = &reading.counters.classes;
    let mut sizes = [0; SizeClass::COUNT];
    for counted in &reading.counters.verdicts {
        for (sum, packets) in sizes.iter_mut().zip(counted.sizes) {
            *sum += packets;
        }
    }
    Traffic {
        protocols: protocols(classes),
        tcp: tcp(classes),
        applications: applications(&config.applications, services),
        sizes,
        fairness: services.iter().map(|service| spread(service, backends)).collect(),
    }
}

type Classes = [Tally; TrafficClass::COUNT as usize];

fn of_class(classes: &Classes, link: LinkKind, network: NetworkKind, transport: TransportKind) -> Tally {
    classes[TrafficClass::new(link, network, transport).index() as usize]
}

fn protocols(classes: &Classes) -> Vec<ProtocolCounter> {
    let mut found = Vec::new();
    for link in LinkKind::ALL {
        for network in NetworkKind::ALL {
            let is_ip = matches!(network, NetworkKind::V4 | NetworkKind::V6);
            let mut by_name: BTreeMap<&str, Tally> = BTreeMap::new();
            for transport in TransportKind::ALL {
                let name = if is_ip { transport.name() } else { "none" };
                by_name.entry(name).or_default().add(&of_class(classes, link, network, transport));
            }
            let counted = by_name.into_iter().filter(|(_, tally)| tally.packets > 0);
            found.extend(counted.map(|(transport, tally)| ProtocolCounter {
                link: link.name().to_owned(),
                network: network.name().to_owned(),
                transport: transport.to_owned(),
                packets: tally.packets,
                bytes: tally.bytes,
            }));
        }
    }
    found
}

fn tcp(classes: &Classes) -> TcpCounter {
    let packets = |transport| {
        let of = |link| [NetworkKind::V4, NetworkKind::V6].map(|network| of_class(classes, link, network, transport));
        LinkKind::ALL.into_iter().flat_map(of).map(|tally| tally.packets).sum()
    };
    TcpCounter {
        syn: packets(TransportKind::TcpSyn),
        fin: packets(TransportKind::TcpFin),
        rst: packets(TransportKind::TcpRst),
        other: packets(TransportKind::Tcp),
    }
}

fn applications(named: &BTreeMap<(Protocol, u16), String>, services: &[ServiceStatus]) -> Vec<ApplicationCounter> {
    let mut found: BTreeMap<&str, ApplicationCounter> = BTreeMap::new();
    for service in services {
        let application = application::of_service(named, service.protocol, service.ports);
        let counter = found.entry(application).or_insert_with(|| ApplicationCounter {
            application: application.to_owned(),
            services: 0,
            packets: 0,
            bytes: 0,
            new_flows: 0,
            live_flows: 0,
        });
        counter.services += 1;
        counter.packets += service.packets;
        counter.bytes += service.bytes;
        counter.new_flows += service.new_flows;
        counter.live_flows += service.live_flows;
    }
    found.into_values().collect()
}

/// How evenly the new flows of a service are spread, over those that get some now.
fn spread(service: &ServiceStatus, backends: &[BackendStatus]) -> Fairness {
    let counts = |it: &&BackendStatus| {
        let gets_some = matches!(it.state, BackendState::Ready | BackendState::Starting) && it.weight > 0;
        it.service == service.name && gets_some
    };
    let shares: Vec<f64> =
        backends.iter().filter(counts).map(|it| it.new_flows as f64 / f64::from(it.weight)).collect();
    Fairness {
        service: service.name.clone(),
        backends: shares.len(),
        max_over_mean: fairness::max_over_mean(&shares),
        jain: fairness::jain(&shares),
    }
}
