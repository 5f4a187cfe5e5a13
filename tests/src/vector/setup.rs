//! What the agent is told: services and back-ends by its configuration, the ways to the back-ends by the network.

use super::backend::{Backend, Segment, Way};
use super::key_files::write_keys;
use super::network::network;
use crate::output::{Delivery, TunnelTo};
use crate::packet::{Tunnel, tags};
use crate::world::{self, BUCKETS, FLOW_SECRET, Family, WAN};
use anyhow::{Context, Result, bail, ensure};
use ipnet::IpNet;
use lb_common::abi::{ServiceFlags, ServiceKey};
use lb_common::flow_table::WAYS;
use lb_user::agent::{Standings, desired};
use lb_user::config::Config;
use lb_user::network::Network;
use lb_user::state::{Desired, DesiredBackend, DesiredService, Observed, Takes};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use tempfile::NamedTempFile;
use toml::{Table, Value};

/// What the agent is told.
#[derive(Clone, Debug, Deserialize)]
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
    /// Other tables of the configuration.
    #[serde(flatten)]
    tables: Table,
}

#[derive(Clone, Debug, Deserialize)]
struct Service {
    vip: IpAddr,
    backends: Vec<Backend>,
    /// Whether all of them fail their health checks.
    #[serde(default)]
    down: bool,
    /// Other keys of the service in the configuration.
    #[serde(flatten)]
    keys: Table,
}

impl Service {
    /// What becomes of the service when no back-end passes its health check.
    fn let_fail(&self, desired: &mut DesiredService) {
        match self.keys.get("all-down").and_then(Value::as_str) {
            Some("pass") => desired.entry.flags = desired.entry.flags.with(ServiceFlags::PASSING),
            Some("drop") => {}
            _ => return,
        }
        desired.backends.iter_mut().for_each(|backend| backend.takes = Takes::LiveFlows);
    }
}

fn wan() -> Vec<String> {
    vec![WAN.name.to_owned()]
}

fn all_buckets() -> u32 {
    BUCKETS
}

/// What follows from a setup.
pub struct Resolved {
    /// What the maps should say.
    pub desired: Desired,
    /// Keys of the services, by name.
    pub services: BTreeMap<String, ServiceKey>,
    /// Back-ends by the name that they have in expectations: `web/server-1`.
    pub backends: BTreeMap<String, ResolvedBackend>,
}

/// What follows for a back-end.
pub struct ResolvedBackend {
    /// Key of its service.
    pub service: ServiceKey,
    /// What the maps should say of it.
    pub desired: DesiredBackend,
    /// How packets get to it.
    pub delivery: Delivery,
}

impl Setup {
    /// What the agent makes of the setup.
    ///
    /// # Errors
    /// When the configuration cannot be, or names an interface that does not exist.
    pub fn resolve(&self) -> Result<Resolved> {
        ensure!(self.buckets.is_power_of_two() && self.buckets <= BUCKETS, "buckets is {}", self.buckets);
        let (config, _key_files) = self.config()?;
        let config = Config::parse(Path::new("setup"), &config.to_string())?;
        for name in &config.interfaces {
            world::interface(name.as_str()).with_context(|| format!("there is no interface {name}"))?;
        }
        let mut desired = desired(&config, &self.network(), &Standings::default(), FLOW_SECRET, &Observed::default());
        desired.settings.bucket_mask = self.buckets - 1;
        for (service, checked) in self.services.values().zip(&config.services).filter(|(service, _)| service.down) {
            service.let_fail(desired.services.get_mut(&checked.key()).context("a service that is desired")?);
        }

        let mut services = BTreeMap::new();
        let mut backends = BTreeMap::new();
        for ((name, service), checked) in self.services.iter().zip(&config.services) {
            let key = checked.key();
            for (backend, desired) in service.backends.iter().zip(&desired.services[&key].backends) {
                let delivery = self.delivery(service, backend).with_context(|| format!("service {name}"))?;
                let resolved = ResolvedBackend { service: key, desired: *desired, delivery };
                backends.insert(format!("{name}/{}", backend.name()), resolved);
            }
            services.insert(name.clone(), key);
        }
        Ok(Resolved { desired, services, backends })
    }

    /// The network that the agent would find.
    fn network(&self) -> Network {
        let backends = self.services.values().flat_map(|service| {
            service.backends.iter().map(|backend| (backend.address(service.family()), backend.mac(), &backend.way))
        });
        network(backends)
    }

    /// How packets get to a back-end. Read from the setup and not from the agent, whom it is to judge.
    fn delivery(&self, service: &Service, backend: &Backend) -> Result<Delivery> {
        let tags = self.tags(backend).map(|ids| tags(&ids)).transpose()?;
        Ok(Delivery { tunnel: service.tunnel(backend)?, tags })
    }

    /// Identifiers of the VLAN tags that frames to a back-end leave with: as the configuration says, or as the interface does. Where there
    /// are VLAN interfaces, frames of none of them have no tags; otherwise, tags are kept.
    fn tags(&self, backend: &Backend) -> Option<Vec<u16>> {
        let interface = match &backend.way {
            _ if backend.vlans.is_some() => return backend.vlans.clone(),
            Way::Direct(Segment { vlans, .. }) if !vlans.is_empty() => return Some(vlans.clone()),
            Way::Direct(Segment { interface, .. }) => *interface,
            Way::Routed | Way::Unreachable => WAN,
        };
        let is_vlan = |way: &Way| matches!(way, Way::Direct(on) if on.interface == interface && !on.vlans.is_empty());
        let mut backends = self.services.values().flat_map(|service| &service.backends);
        backends.any(|backend| is_vlan(&backend.way)).then(Vec::new)
    }

    /// The configuration file that the agent would be given, and the files that it names.
    fn config(&self) -> Result<(Table, Vec<NamedTempFile>)> {
        let mut config = self.tables.clone();
        let interfaces = self.interfaces.iter().cloned().map(Value::String).collect();
        table(&mut config, "agent")?.insert("interfaces".to_owned(), Value::Array(interfaces));
        let room = i64::from(BUCKETS) * WAYS as i64;
        for key in ["flows", "clients"] {
            table(&mut config, "flow-table")?.insert(key.to_owned(), room.into());
        }

        let mut services = Vec::new();
        let mut files = Vec::new();
        for (name, service) in &self.services {
            let mut service = service.config(name);
            files.extend(write_keys(&mut service)?);
            services.push(Value::Table(service));
        }
        config.insert("service".to_owned(), Value::Array(services));
        Ok((config, files))
    }
}

/// The table `name` of a configuration.
fn table<'c>(config: &'c mut Table, name: &str) -> Result<&'c mut Table> {
    let table = config.entry(name).or_insert_with(|| Value::Table(Table::new()));
    table.as_table_mut().with_context(|| format!("{name} is not a table"))
}

impl Service {
    fn family(&self) -> Family {
        Family::of(self.vip)
    }

    /// What the configuration says of the service.
    fn config(&self, name: &str) -> Table {
        let mut service = self.keys.clone();
        service.insert("name".to_owned(), name.into());
        service.insert("vip".to_owned(), self.vip.to_string().into());
        let backends = self.backends.iter().map(|backend| Value::Table(backend.config(self.family())));
        service.insert("backends".to_owned(), Value::Array(backends.collect()));
        service
    }

    /// The tunnel to `backend`.
    fn tunnel(&self, backend: &Backend) -> Result<Option<TunnelTo>> {
        let tunnel = match self.keys.get("forwarding").and_then(Value::as_str) {
            None | Some("l2-dsr") => return Ok(None),
            Some("ipip") => Tunnel::Ipip,
            Some("gue") => Tunnel::Gue,
            Some(other) => bail!("there is no forwarding {other:?}"),
        };
        let address = backend.address(self.family());
        let port = self.keys.get("gue-port").and_then(Value::as_integer).unwrap_or(6080).try_into()?;
        Ok(Some(TunnelTo { address, tunnel, port, sources: self.tunnel_sources(Family::of(address))? }))
    }

    /// Where tunnels of a family start.
    fn tunnel_sources(&self, family: Family) -> Result<IpNet> {
        let given = self.keys.get("tunnel-source").and_then(Value::as_array).into_iter().flatten();
        for source in given.filter_map(Value::as_str) {
            let sources = source.parse::<IpNet>().or_else(|_| source.parse::<IpAddr>().map(IpNet::from))?;
            if Family::of(sources.addr()) == family {
                return Ok(sources);
            }
        }
        Ok(family.balancer().into())
    }
}
