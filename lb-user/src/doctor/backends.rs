//! The way to the back-ends, as the kernel knows it at the moment.

use super::{Check, Finding};
use crate::agent::delivery;
use crate::config::{Backend, Config, Service};
use crate::control::types::{BackendState, BackendStatus};
use crate::network::{Network, Reach, Unreachable};
use crate::state::Delivery;
use std::fmt::Display;

/// What is to be said of the services of `config` in this network; `agent` is what the agent says of its back-ends, if there is one.
pub(super) fn findings(config: &Config, network: &Network, agent: Option<&[BackendStatus]>) -> Vec<Finding> {
    config.services.iter().flat_map(|service| of_service(config, service, network, agent)).collect()
}

fn of_service(config: &Config, service: &Service, network: &Network, agent: Option<&[BackendStatus]>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut ready = 0;
    let mut narrowest: Option<Delivery> = None;
    for backend in &service.backends {
        let reported =
            agent.into_iter().flatten().find(|it| it.service == service.name && it.address == backend.address);
        match delivery(config, service, backend, network) {
            Err(reason) => findings.push(unreachable(service, backend, &reason)),
            Ok(delivery) => {
                match reported.filter(|it| !matches!(it.state, BackendState::Ready | BackendState::Starting)) {
                    Some(reported) => findings.push(not_ready(service, backend, reported)),
                    None => ready += 1,
                }
                findings.extend(not_kept(service, backend, network));
                if narrowest.as_ref().is_none_or(|narrowest| delivery.max_len < narrowest.max_len) {
                    narrowest = Some(delivery);
                }
            }
        }
    }
    findings.extend(narrowest.and_then(|delivery| tunnel_mtu(config, service, network, &delivery)));
    if service.health.is_none() {
        findings.push(Finding::new(Check::NotChecked, &service.name, &[], "no health check is configured".to_owned()));
    }
    let all = service.backends.len();
    let text = format!("{ready} of {all} back-ends ready");
    let check = if ready == 0 { Check::ServiceWithoutBackend } else { Check::Service };
    findings.insert(0, Finding::new(check, &service.name, &[], text));
    findings
}

fn unreachable(service: &Service, backend: &Backend, reason: &Unreachable) -> Finding {
    let check = match reason {
        Unreachable::Unresolved { .. } | Unreachable::GatewayUnresolved { .. } => Check::NeighbourUnresolved,
        Unreachable::NoRoute { .. } | Unreachable::Discarded { .. } => Check::RouteMissing,
        _ => Check::BackendUnreachable,
    };
    let (address, interface): (&dyn Display, &dyn Display) = match reason {
        Unreachable::Unresolved { interface, address } => (address, interface),
        Unreachable::GatewayUnresolved { interface, gateway } => (gateway, interface),
        _ => (&backend.address, &"INTERFACE"),
    };
    let words = [("ADDRESS", address), ("INTERFACE", interface)];
    Finding::new(check, name(service, backend), &words, reason.to_string())
}

/// The network would do, and yet the agent has its reasons.
fn not_ready(service: &Service, backend: &Backend, reported: &BackendStatus) -> Finding {
    let reason = reported.reason.clone().unwrap_or_else(|| "the agent says that it gets no new flows".to_owned());
    Finding::new(Check::BackendNotReady, name(service, backend), &[], reason)
}

/// Whether the Ethernet address that is known now may be out of date soon.
fn not_kept(service: &Service, backend: &Backend, network: &Network) -> Option<Finding> {
    let asked_for = backend.next_hop.is_none();
    let (link, neighbour) = network.probe_on(backend.address, Reach::of(service.forwarding)).filter(|_| asked_for)?;
    let text = format!("{neighbour} on {} is an entry that nobody keeps", link.name);
    Some(Finding::new(Check::NeighbourNotKept, name(service, backend), &[], text))
}

/// Whether packets as large as clients may send them fit into the service's tunnels, of which this is the narrowest.
fn tunnel_mtu(config: &Config, service: &Service, network: &Network, delivery: &Delivery) -> Option<Finding> {
    let overhead = u32::try_from(delivery.forwarding.overhead()).ok().filter(|&overhead| overhead > 0)?;
    let arrival = config.interfaces.iter().filter_map(|name| network.link_by_name(name.as_str()));
    let largest = arrival.map(|link| link.mtu).max()?;
    if u32::from(delivery.max_len) >= largest {
        return None;
    }
    let interface = network.links.get(&delivery.ifindex).map_or("INTERFACE", |link| &link.name);
    let text = format!(
        "clients can send {largest} bytes, the tunnel takes {} and adds {overhead}, by {interface}",
        delivery.max_len
    );
    let words: [(&str, &dyn Display); 2] = [("INTERFACE", &interface), ("COUNT", &(largest + overhead))];
    Some(Finding::new(Check::TunnelMtu, &service.name, &words, text))
}

fn name(service: &Service, backend: &Backend) -> String {
    format!("{}: {}", service.name, backend.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing;
    use crate::network::{Neighbour, NeighbourKind, Route};
    use lb_common::wire::Mac;
    use std::path::Path;

    fn config(forwarding: &str) -> Config {
        let text = format!(
            "[agent]\ninterfaces = [\"eth0\"]\n[[service]]\nname = \"web\"\nvip = \"192.0.2.10\"\nport = 80\n\
             forwarding = \"{forwarding}\"\nhealth = {{ type = \"tcp\" }}\nbackends = [{{ name = \"web-1\", address = \"10.0.0.9\" }}]\n"
        );
        Config::parse(Path::new("test"), &text).expect("a configuration")
    }

    fn network(kind: NeighbourKind) -> Network {
        let mac = Some(Mac::new([2, 0, 0, 0, 0, 9]));
        let route = Route::Out { ifindex: 2, gateway: None, source: "10.0.0.1".parse().ok(), mtu: None };
        let address = "10.0.0.9".parse().expect("an address");
        Network {
            neighbours: [((2, address), Neighbour { mac, kind, silent: false })].into(),
            routes: [(address, route)].into(),
            ..testing::network()
        }
    }

    fn names(forwarding: &str, network: &Network) -> Vec<&'static str> {
        findings(&config(forwarding), network, None).iter().map(|finding| finding.name).collect()
    }

    #[test]
    fn a_service_without_a_health_check_is_told() {
        let mut config = config("l2-dsr");
        config.services[0].health = None;
        let found = findings(&config, &network(NeighbourKind::Managed), None);
        assert!(found.iter().any(|finding| finding.name == "not-checked"), "{found:?}");
    }

    #[test]
    fn a_service_with_a_way_to_its_back_ends_is_good() {
        assert_eq!(names("l2-dsr", &network(NeighbourKind::Managed)), ["service"]);
        assert_eq!(names("l2-dsr", &network(NeighbourKind::Dynamic)), ["service", "neighbour-not-kept"]);
    }

    #[test]
    fn what_is_in_the_way_is_told_from_what_else_could_be() {
        let silent = Network { neighbours: [].into(), ..network(NeighbourKind::Managed) };
        assert_eq!(names("l2-dsr", &silent), ["service-without-back-end", "neighbour-unresolved"]);
        let elsewhere = Network { addresses: Vec::new(), ..network(NeighbourKind::Managed) };
        assert_eq!(names("l2-dsr", &elsewhere), ["service-without-back-end", "back-end-unreachable"]);
        let mut lost = network(NeighbourKind::Managed);
        lost.routes.insert("10.0.0.9".parse().expect("an address"), Route::Missing);
        assert_eq!(names("ipip", &lost), ["service-without-back-end", "route-missing"]);
    }

    #[test]
    fn a_tunnel_needs_room() {
        let mut network = network(NeighbourKind::Managed);
        let findings = findings(&config("gue"), &network, None);
        assert_eq!((findings[0].name, findings[1].name), ("service", "tunnel-mtu"));
        assert!(findings[1].remedy.as_ref().is_some_and(|remedy| remedy.contains("dev eth0 mtu 1532")));
        let mut wide = testing::link(3, "eth1");
        wide.mtu = 1_532;
        network.links.insert(3, wide);
        let route = Route::Out { ifindex: 3, gateway: None, source: "10.0.0.1".parse().ok(), mtu: None };
        let address = "10.0.0.9".parse().expect("an address");
        network.routes.insert(address, route);
        network.neighbours = network.neighbours.into_values().map(|neighbour| ((3, address), neighbour)).collect();
        assert_eq!(names("gue", &network), ["service"]);
    }
}
