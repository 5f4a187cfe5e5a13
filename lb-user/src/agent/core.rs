//! The agent without its surroundings: what it knows, and what it does about it.

use super::desired::{delivery, desired};
use super::{Error, report};
use crate::config::Config;
use crate::control::{Query, types::Stop};
use crate::dataplane::Dataplane;
use crate::network::Network;
use crate::state::{Desired, DesiredService, Load, Memory, Observed, plan};
use lb_common::abi::Ticks;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Instant;
use tracing::{error, info, warn};

/// What the agent knows.
pub(super) struct Core<D> {
    dataplane: D,
    known: Known,
    memory: Memory,
    /// New flows of services when they were counted last.
    scheduled: BTreeMap<u32, u64>,
    flow_secret: [u64; 2],
}

/// What the reports are made of, besides the counters.
pub(super) struct Known {
    pub(super) path: PathBuf,
    pub(super) config: Config,
    pub(super) observed: Observed,
    pub(super) network: Network,
    pub(super) failure: Option<String>,
    pub(super) since: Instant,
    /// Why back-ends get no new flows, by address, as it was logged last.
    unreachable: BTreeMap<IpAddr, String>,
}

impl<D: Dataplane> Core<D>
where
    Error: From<D::Error>,
{
    /// Takes charge of the maps of `dataplane`, as they are.
    pub(super) fn new(path: PathBuf, config: Config, dataplane: D) -> Result<Self, Error> {
        let observed = dataplane.observe()?;
        let flow_secret = match &observed.settings {
            Some(settings) => {
                info!(services = observed.services.len(), "adopted the maps of an earlier agent");
                settings.flow_secret
            }
            None => random_secret()?,
        };
        let known = Known {
            path,
            config,
            observed,
            network: Network::default(),
            failure: None,
            since: Instant::now(),
            unreachable: BTreeMap::new(),
        };
        Ok(Self { dataplane, known, memory: Memory::default(), scheduled: BTreeMap::new(), flow_secret })
    }

    /// What the operator wants.
    pub(super) fn config(&self) -> &Config {
        &self.known.config
    }

    /// The data plane.
    pub(super) fn dataplane(&mut self) -> &mut D {
        &mut self.dataplane
    }

    /// Brings the maps in line with the configuration in this network.
    pub(super) fn reconcile(&mut self, network: &Network, now: Ticks) -> Result<(), Error> {
        self.known.network = network.clone();
        self.known.log_reachability();
        self.apply(now)
    }

    /// Notes for the status, and in the log when it changes, whether the data plane does what it should.
    pub(super) fn note(&mut self, done: Result<(), Error>) {
        let failure = done.err().map(|error| error.to_string());
        if failure != self.known.failure {
            match &failure {
                Some(failure) => error!(failure, "the data plane does not follow"),
                None => info!("the data plane follows again"),
            }
        }
        self.known.failure = failure;
    }

    fn apply(&mut self, now: Ticks) -> Result<(), Error> {
        let desired = desired(&self.known.config, &self.known.network, self.flow_secret);
        let load = self.load(&desired)?;
        for change in plan(&desired, &self.known.observed, &load, &mut self.memory, now)? {
            if let Err(error) = self.dataplane.apply(&change) {
                // Whatever was done of it, the maps know.
                self.known.observed = self.dataplane.observe()?;
                return Err(error.into());
            }
            self.known.observed.follow(&change);
        }
        Ok(())
    }

    /// What there is to do, as far as schedulers and affinity ask for it: looking through the flow table takes milliseconds.
    fn load(&mut self, desired: &Desired) -> Result<Load, Error> {
        if !desired.services.values().any(DesiredService::heeds_load) {
            return Ok(Load::default());
        }
        let services: Vec<u32> = self.known.observed.services.values().map(|service| service.service.id).collect();
        let counters = self.dataplane.counters(&services, &[])?;
        let scheduled = counters.services.iter().map(|(&id, service)| (id, service.new_flows)).collect();
        let former = std::mem::replace(&mut self.scheduled, scheduled);
        let since = |(id, flows): (&u32, &u64)| (*id, flows.saturating_sub(former.get(id).copied().unwrap_or(*flows)));
        Ok(Load { live_flows: self.dataplane.flows().live, new_flows: self.scheduled.iter().map(since).collect() })
    }

    /// Answers a question; returns what is to become of forwarding when the agent is to end. Nobody may be waiting for the answer any
    /// more, which is no harm.
    pub(super) fn answer(&self, query: Query) -> Option<Stop> {
        let (known, dataplane) = (&self.known, &self.dataplane);
        match query {
            Query::Status(answer) => drop(answer.send(report::status(known, dataplane))),
            Query::Services(answer) => drop(answer.send(report::services(known, dataplane).map_err(failed))),
            Query::Backends(answer) => drop(answer.send(report::backends(known, dataplane).map_err(failed))),
            Query::Counters(answer) => drop(answer.send(report::verdicts(dataplane).map_err(failed))),
            Query::Stop(stop, done) => {
                let _ = done.send(());
                return Some(stop);
            }
        }
        None
    }
}

impl Known {
    /// One line for each back-end that the network lost or found.
    fn log_reachability(&mut self) {
        let mut now = BTreeMap::new();
        for service in &self.config.services {
            for backend in &service.backends {
                match delivery(service, backend, &self.network) {
                    Err(reason) => {
                        let reason = reason.to_string();
                        if self.unreachable.get(&backend.address) != Some(&reason) {
                            warn!(service = service.name, backend = backend.name, reason, "gets no new flows");
                        }
                        now.insert(backend.address, reason);
                    }
                    Ok(_) if self.unreachable.contains_key(&backend.address) => {
                        info!(service = service.name, backend = backend.name, "gets new flows again");
                    }
                    Ok(_) => {}
                }
            }
        }
        self.unreachable = now;
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
fn failed(error: impl ToString) -> String {
    error.to_string()
}

fn random_secret() -> Result<[u64; 2], Error> {
    let word = || getrandom::u64().map_err(Error::Random);
    Ok([word()?, word()?])
}
