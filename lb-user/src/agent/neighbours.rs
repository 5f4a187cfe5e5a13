//! Ethernet addresses of back-ends. The kernel finds them and keeps them fresh; somebody has to ask it to.

use crate::network::{self, Monitor, Network};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

/// Asks for the Ethernet addresses of back-ends and gives them a moment to answer, so that the first clients find all of them.
pub(super) async fn resolve(
    monitor: &mut Monitor,
    backends: &BTreeSet<Ipv4Addr>,
    mut network: Network,
) -> Result<Network, network::Error> {
    const PATIENCE: Duration = Duration::from_secs(1);
    let deadline = Instant::now() + PATIENCE;
    while backends.iter().any(|&backend| network.next_hop(backend).is_err()) {
        probe(monitor, backends, &network).await;
        match timeout_at(deadline, monitor.changed()).await {
            Ok(changed) => changed?,
            Err(_) => break,
        }
        network = monitor.snapshot().await?;
    }
    Ok(network)
}

/// Asks for those Ethernet addresses that nobody keeps up to date.
pub(super) async fn probe(monitor: &Monitor, backends: &BTreeSet<Ipv4Addr>, network: &Network) {
    for &address in backends {
        if let Some(link) = network.probe_on(address)
            && let Err(error) = monitor.probe(link, address).await
        {
            warn!(%error, %address, "cannot ask for the back-end's Ethernet address");
        }
    }
}
