use super::{ProbeTargets, probe_targets};
use crate::bpf::{self, ProbeWay};
use crate::config::Config;
use crate::health::{Outcome, Prober, TargetName};
use crate::network::Network;
use std::collections::BTreeMap;
use std::iter;
use tokio::sync::mpsc;

/// Outcomes that may wait for the agent. While there is no room, no probes are sent.
const BACKLOG: usize = 256;

/// The health checks at work.
pub(super) struct Probing {
    prober: Prober,
    outcomes: mpsc::Receiver<Outcome>,
    /// The way of probes to VIPs, once there was one.
    way: Option<ProbeWay>,
}

impl Probing {
    /// Asks nobody yet.
    pub(super) fn new() -> Self {
        let (told, outcomes) = mpsc::channel(BACKLOG);
        Self { prober: Prober::new(told), outcomes, way: None }
    }

    /// Asks the back-ends of this configuration in this network.
    ///
    /// # Errors
    /// When there is no way for probes to VIPs: those will fail.
    pub(super) fn follow(&mut self, config: &Config, network: &Network) -> Result<(), bpf::Error> {
        self.prober.follow(config);
        let ProbeTargets { targets, links } = probe_targets(config, network, self.prober.marks());
        if self.way.is_none() && !targets.is_empty() {
            self.way = Some(ProbeWay::load()?);
        }
        if let Some(way) = &mut self.way {
            way.set_targets(&targets)?;
            way.attach_to(links.into_values())?;
        }
        Ok(())
    }

    /// What the packets of probes by way of the VIP are marked with, by target.
    pub(super) fn marks(&self) -> &BTreeMap<TargetName, u32> {
        self.prober.marks()
    }

    /// What has come of others meanwhile.
    pub(super) fn more_outcomes(&mut self) -> impl Iterator<Item = Outcome> + '_ {
        iter::from_fn(|| self.outcomes.try_recv().ok()).take(BACKLOG)
    }

    /// What came of a probe.
    pub(super) async fn outcome(&mut self) -> Option<Outcome> {
        self.outcomes.recv().await
    }
}
