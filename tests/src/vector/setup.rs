//! What the agent is told: services and back-ends by its configuration, the ways to the back-ends by the network.

use crate::world::{self, BALANCER, BUCKETS, FLOW_SECRET, Interface, LAN, WAN};
use anyhow::{Context, Error, Result, bail, ensure};
use lb_common::abi::ServiceKey;
use lb_common::flow_table::WAYS;
use lb_user::agent::desired;
use lb_user::config::{Config, Protocol};
use lb_user::network::{InterfaceAddress, Link, Neighbour, NeighbourKind, Network, XdpAttachment};
use lb_user::state::{Desired, DesiredBackend};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;

/// What the agent is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Setup {
    /// Interfaces that the program is attached to.
    #[serde(default = "wan")]
    interfaces: Vec<String>,
    /// Buckets of the flow table that are used, a power of two: with few of them, flows meet in one.
    #[serde(default = "all_buckets")]
    buckets: u32,
    /// Services by name.
    #[serde(default)]
    services: BTreeMap<String, Service>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Service {
    vip: Ipv4Addr,
    port: u16,
    #[serde(default = "tcp")]
    protocol: Protocol,
    backends: Vec<Backend>,
}

/// A back-end and the way to it: `server-1`, `server-2 via lan0`, `server-3 unreachable`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Backend {
    /// Its name and its addresses end in this, 1 to 99.
    number: u8,
    /// The interface that it is reached through; `None` when the network knows no way to it.
    interface: Option<Interface>,
}

fn wan() -> Vec<String> {
    vec![WAN.name.to_owned()]
}

fn all_buckets() -> u32 {
    BUCKETS
}

fn tcp() -> Protocol {
    Protocol::Tcp
}

/// What follows from a setup.
pub struct Resolved {
    /// What the maps should say.
    pub desired: Desired,
    /// Keys of the services, by name.
    pub services: BTreeMap<String, ServiceKey>,
    /// Back-ends and the services that they belong to, by the name that they have in expectations: `web/server-1`.
    pub backends: BTreeMap<String, (ServiceKey, DesiredBackend)>,
}

impl Setup {
    /// What the agent makes of the setup.
    ///
    /// # Errors
    /// When the configuration cannot be, or names an interface that does not exist.
    pub fn resolve(&self) -> Result<Resolved> {
        ensure!(self.buckets.is_power_of_two() && self.buckets <= BUCKETS, "buckets is {}", self.buckets);
        let config = Config::parse(Path::new("setup"), &self.config())?;
        for name in &config.interfaces {
            world::interface(name.as_str()).with_context(|| format!("there is no interface {name}"))?;
        }
        let mut desired = desired(&config, &self.network(), FLOW_SECRET);
        desired.settings.bucket_mask = self.buckets - 1;

        let mut backends = BTreeMap::new();
        for service in &config.services {
            for (backend, desired) in service.backends.iter().zip(&desired.services[&service.key()].backends) {
                backends.insert(format!("{}/{}", service.name, backend.name), (service.key(), *desired));
            }
        }
        let services = config.services.iter().map(|service| (service.name.clone(), service.key())).collect();
        Ok(Resolved { desired, services, backends })
    }

    /// The network that the agent would find.
    fn network(&self) -> Network {
        let mut network = Network::default();
        for Interface { name, ifindex, mac } in [WAN, LAN] {
            let link = Link { ifindex, name: name.to_owned(), mac, up: true, xdp: XdpAttachment::None };
            network.links.insert(ifindex, link);
        }
        let subnet = |interface: Interface, subnet, prefix_len| InterfaceAddress {
            ifindex: interface.ifindex,
            address: BALANCER,
            subnet,
            prefix_len,
        };
        network.addresses.push(subnet(WAN, BALANCER, 24));
        for backend in self.services.values().flat_map(|service| &service.backends) {
            let address = world::backend_address(backend.number);
            let Some(interface) = backend.interface else { continue };
            if interface != WAN {
                network.addresses.push(subnet(interface, address, 32));
            }
            let mac = Some(world::backend_mac(backend.number));
            network.neighbours.insert((interface.ifindex, address), Neighbour { mac, kind: NeighbourKind::Managed });
        }
        network
    }

    /// The configuration file that the agent would be given.
    fn config(&self) -> String {
        let agent =
            format!("[agent]\ninterfaces = {:?}\n[flow-table]\nflows = {}\n", self.interfaces, BUCKETS as usize * WAYS);
        let services = self.services.iter().map(|(name, service)| {
            let Service { vip, port, protocol, backends } = service;
            let backends: Vec<String> = backends.iter().map(Backend::config).collect();
            format!(
                "[[service]]\nname = \"{name}\"\nvip = \"{vip}\"\nport = {port}\nprotocol = \"{protocol}\"\nbackends = [{}]\n",
                backends.join(", ")
            )
        });
        agent + &services.collect::<String>()
    }
}

impl Backend {
    fn config(&self) -> String {
        let Self { number, .. } = self;
        format!("{{ name = \"server-{number}\", address = \"{}\" }}", world::backend_address(*number))
    }
}

impl TryFrom<String> for Backend {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let wrong =
            || format!("{text:?} is not a back-end, as server-1, \"server-2 via lan0\" or \"server-3 unreachable\"");
        let (name, way) = text.split_once(' ').unwrap_or((&text, "via wan0"));
        let number = name.strip_prefix("server-").and_then(|number| number.parse().ok());
        let number = number.filter(|number| (1..=99).contains(number)).with_context(wrong)?;
        let interface = match way.split_once(' ') {
            None if way == "unreachable" => None,
            Some(("via", name)) => Some(world::interface(name).with_context(wrong)?),
            _ => bail!(wrong()),
        };
        Ok(Self { number, interface })
    }
}
