//! Ethernet addresses of back-ends, and of the routers towards them. The kernel finds them and keeps them fresh; somebody has to ask
//! it to.

use crate::config::Config;
use crate::network::{self, Monitor, Network, Reach};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

/// Addresses of back-ends, and how far their packets get.
pub(super) struct Backends(BTreeSet<(IpAddr, Reach)>);

impl Backends {
    pub(super) fn of(config: &Config) -> Self {
        let services = config.services.iter();
        let backends = services.flat_map(|service| {
            let asked_for = service.backends.iter().filter(|backend| backend.next_hop.is_none());
            asked_for.map(|backend| (backend.address, Reach::of(service.forwarding)))
        });
        Self(backends.collect())
    }

    /// Those whose routes the kernel has to be asked for.
    pub(super) fn routed(&self) -> BTreeSet<IpAddr> {
        self.0.iter().filter(|(_, reach)| *reach == Reach::Routed).map(|(address, _)| *address).collect()
    }
}

/// Addresses of the back-ends whose routes the kernel has to be asked for.
pub(crate) fn routed(config: &Config) -> BTreeSet<IpAddr> {
    Backends::of(config).routed()
}

/// Asks for the Ethernet addresses on the way to back-ends and gives them some time to answer, so that the first clients find all of
/// them.
pub(super) async fn resolve(
    monitor: &mut Monitor,
    backends: &Backends,
    mut network: Network,
    patience: Duration,
) -> Result<Network, network::Error> {
    let deadline = Instant::now() + patience;
    while backends.0.iter().any(|&(address, reach)| network.next_hop(address, reach).is_err()) {
        probe(monitor, backends, &network).await;
        match timeout_at(deadline, monitor.changed()).await {
            Ok(changed) => changed?,
            Err(_) => break,
        }
        network = monitor.snapshot(&backends.routed()).await?;
    }
    Ok(network)
}

/// Asks for those Ethernet addresses that nobody keeps up to date: each once, however many back-ends are behind one router.
pub(super) async fn probe(monitor: &Monitor, backends: &Backends, network: &Network) {
    let stale = backends.0.iter().filter_map(|&(address, reach)| network.probe_on(address, reach));
    let stale: BTreeMap<_, _> = stale.map(|(link, neighbour)| ((link.ifindex, neighbour), link)).collect();
    for ((_, neighbour), link) in stale {
        if let Err(error) = monitor.probe(link, neighbour).await {
            warn!(%error, %neighbour, "cannot ask for the neighbour's Ethernet address");
        }
    }
}
