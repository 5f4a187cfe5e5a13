use super::delivery;
use crate::config::{Config, Service};
use crate::health::TargetName;
use crate::network::{Link, Network, Reach};
use lb_common::abi::{Address, Backend};
use lb_common::probe::Target;
use std::collections::BTreeMap;

/// What probes by way of the VIP need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeTargets<'a> {
    /// What becomes of packets, by their mark. Without those that there is no way to at the moment: their packets are dropped.
    pub targets: BTreeMap<u32, Target>,
    /// The interfaces that the packets leave by, and those that answers may come by, by their index; none without a mark.
    pub links: BTreeMap<u32, &'a Link>,
}

/// What the probes with these marks ([`crate::health::Prober::marks`]) need in this network.
pub fn probe_targets<'a>(config: &Config, network: &'a Network, marks: &BTreeMap<TargetName, u32>) -> ProbeTargets<'a> {
    let mut needed = ProbeTargets::default();
    for service in &config.services {
        for backend in &service.backends {
            let name = TargetName { service: service.name.clone(), backend: backend.name.clone() };
            let Some(&mark) = marks.get(&name) else { continue };
            // Probes go by the routes of the kernel, also to a back-end whose next hop is fixed.
            if let Ok(way) = network.way(backend.address, Reach::of(service.forwarding)) {
                needed.links.insert(way.link.ifindex, way.link);
            }
            if let Ok(delivery) = delivery(config, service, backend, network) {
                let way = Backend {
                    address: backend.address.into(),
                    forwarding: delivery.forwarding,
                    max_len: delivery.max_len,
                    outer: delivery.outer,
                    ..Backend::FREE
                };
                needed.targets.insert(mark, target(service, way));
            }
        }
    }
    if !marks.is_empty() {
        let own = config.interfaces.iter().filter_map(|name| network.link_by_name(name.as_str()));
        needed.links.extend(own.map(|link| (link.ifindex, link)));
    }
    needed
}

fn target(service: &Service, backend: Backend) -> Target {
    Target { vip: Address::from(service.vip), backend }
}
