//! The agent without its surroundings: what it knows, and what it does about it.

use super::desired::{delivery, desired};
use super::trace::Tracing;
use super::{Error, explain, flows, report};
use crate::config::Config;
use crate::control::{Query, types::Stop};
use crate::dataplane::Dataplane;
use crate::network::Network;
use crate::state::{Desired, DesiredService, Load, Memory, Observed, Plan, plan};
use lb_common::abi::Ticks;
use std::collections::BTreeMap;
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
    tracing: Tracing,
}

/// What the reports are made of, besides the counters.
pub(super) struct Known {
    pub(super) path: PathBuf,
    pub(super) config: Config,
    pub(super) observed: Observed,
    pub(super) network: Network,
    pub(super) failure: Option<String>,
    pub(super) since: Instant,
    /// Why back-ends get no new flows, by the names of service and back-end, as it was logged last.
    unreachable: BTreeMap<(String, String), String>,
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
        Ok(Self {
            dataplane,
            known,
            memory: Memory::default(),
            scheduled: BTreeMap::new(),
            flow_secret,
            tracing: Tracing::default(),
        })
    }

    /// What the operator wants.
    pub(super) fn config(&self) -> &Config {
        &self.known.config
    }

    /// The data plane.
    pub(super) fn dataplane(&mut self) -> &mut D {
        &mut self.dataplane
    }

    /// Brings the maps in line for the first time. What adopted maps have no room for yet, the next ticks do.
    ///
    /// # Errors
    /// Also when the services do not fit into new maps, which are not touched then.
    pub(super) fn start(&mut self, network: &Network, now: Ticks) -> Result<(), Error> {
        let is_new = self.known.observed.settings.is_none();
        match self.reconcile(network, now) {
            Err(error @ Error::Full(_)) if !is_new => self.note(Err(error)),
            done => done?,
        }
        Ok(())
    }

    /// Brings the maps in line with the configuration in this network, as far as there is room.
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
        let desired = self.desired();
        let load = self.load(&desired)?;
        let Plan { changes, missing } = plan(&desired, &self.known.observed, &load, &mut self.memory, now);
        if let (Some(full), None) = (missing, &self.known.observed.settings) {
            // What does not fit into new maps never will: the agent does not start.
            return Err(full.into());
        }
        for change in changes {
            if let Err(error) = self.dataplane.apply(&change) {
                // Whatever was done of it, the maps know.
                self.known.observed = self.dataplane.observe()?;
                return Err(error.into());
            }
            self.known.observed.follow(&change);
        }
        missing.map_or(Ok(()), |full| Err(full.into()))
    }

    fn desired(&self) -> Desired {
        let Known { config, network, observed, .. } = &self.known;
        desired(config, network, self.flow_secret, observed)
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

    /// Whether somebody traces.
    pub(super) fn is_tracing(&self) -> bool {
        self.tracing.is_on()
    }

    /// Hands the records of the trace on.
    pub(super) fn follow_trace(&mut self) {
        self.tracing.follow(&self.known, &mut self.dataplane, Instant::now());
    }

    /// Answers a question; returns what is to become of forwarding when the agent is to end. Nobody may be waiting for the answer any
    /// more, which is no harm.
    pub(super) fn answer(&mut self, query: Query) -> Option<Stop> {
        let (known, dataplane) = (&self.known, &mut self.dataplane);
        match query {
            Query::Status(answer) => drop(answer.send(report::status(known, dataplane))),
            Query::Services(answer) => drop(answer.send(report::services(known, dataplane).map_err(failed))),
            Query::Backends(answer) => drop(answer.send(report::backends(known, dataplane).map_err(failed))),
            Query::Counters(answer) => drop(answer.send(report::verdicts(dataplane).map_err(failed))),
            Query::Flows(filter, answer) => drop(answer.send(flows::list(known, dataplane, &filter))),
            Query::TopFlows(by, filter, answer) => drop(answer.send(flows::top(known, dataplane, by, &filter))),
            Query::Explain(question, answer) => drop(answer.send(explain::explain(known, dataplane, &question))),
            Query::Trace(question, lines) => {
                // If nobody is waiting for the lines, the trace ends at its first step.
                drop(lines.send(self.tracing.begin(dataplane, &question, Instant::now())));
            }
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
        let now = unreachable(&self.config, &self.network);
        for (names, reason) in &now {
            if self.unreachable.get(names) != Some(reason) {
                let (service, backend) = names;
                warn!(service, backend, reason, "gets no new flows");
            }
        }
        for (service, backend) in self.unreachable.keys().filter(|names| !now.contains_key(*names)) {
            info!(service, backend, "gets new flows again");
        }
        self.unreachable = now;
    }
}

/// Why back-ends get no new flows, by the names of service and back-end: services may reach the same address in different ways.
fn unreachable(config: &Config, network: &Network) -> BTreeMap<(String, String), String> {
    let backends = config.services.iter().flat_map(|service| service.backends.iter().map(move |it| (service, it)));
    let lost = backends.filter_map(|(service, backend)| {
        let reason = delivery(config, service, backend, network).err()?;
        Some(((service.name.clone(), backend.name.clone()), reason.to_string()))
    });
    lost.collect()
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
fn failed(error: impl ToString) -> String {
    error.to_string()
}

fn random_secret() -> Result<[u64; 2], Error> {
    let word = || getrandom::u64().map_err(Error::Random);
    Ok([word()?, word()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Ports};
    use crate::dataplane::memory::MemoryDataplane;
    use crate::network::{Link, XdpAttachment};
    use crate::state::Full;
    use lb_common::wire::Mac;
    use std::convert::Infallible;
    use std::path::Path;

    impl From<Infallible> for Error {
        fn from(never: Infallible) -> Self {
            match never {}
        }
    }

    /// The configuration with these services.
    fn config(services: &str) -> Config {
        let text = format!("[agent]\ninterfaces = [\"eth0\"]\n{services}");
        Config::parse(Path::new("test"), &text).expect("a configuration")
    }

    /// A service with one back-end, `more` said about it.
    fn service(name: &str, port: u16, more: &str) -> String {
        let backend = format!("{{ name = \"web\", address = \"10.0.0.1\"{more} }}");
        format!(
            "[[service]]\nname = \"{name}\"\nvip = \"192.0.2.1\"\nport = {port}\nscheduler = \"maglev\"\nbackends = [{backend}]\n"
        )
    }

    const FIXED: &str = ", mac = \"02:00:00:00:00:01\", interface = \"eth0\"";

    fn network() -> Network {
        let link = Link {
            ifindex: 2,
            name: "eth0".to_owned(),
            mac: Mac::new([2, 0, 0, 0, 0, 2]),
            up: true,
            mtu: 1_500,
            vlan: None,
            xdp: XdpAttachment::None,
        };
        Network { links: [(2, link)].into(), ..Network::default() }
    }

    /// An agent with so many services that have a maglev ring each, of which some sixty fit: no configuration that was read has as many.
    fn agent(services: u16, dataplane: MemoryDataplane) -> Core<MemoryDataplane> {
        let mut config = config(&service("s", 1, FIXED));
        let one = config.services.remove(0);
        config.services =
            (1..=services).map(|port| config::Service { ports: Ports::One(port), ..one.clone() }).collect();
        Core::new(PathBuf::new(), config, dataplane).expect("maps")
    }

    #[test]
    fn an_agent_whose_services_never_fit_does_not_start() {
        let mut core = agent(70, MemoryDataplane::new(1 << 10));
        assert!(matches!(core.start(&network(), 0), Err(Error::Full(Full::RingSpace))));
        assert_eq!(core.dataplane.observe(), Ok(Observed::default()));
    }

    #[test]
    fn adopted_maps_get_what_there_is_room_for_and_the_status_says_what_is_missing() {
        let mut core = agent(40, MemoryDataplane::new(1 << 10));
        core.start(&network(), 0).expect("there is room");
        let mut core = agent(70, core.dataplane);
        core.start(&network(), 0).expect("the others go on");
        let failure = core.known.failure.expect("something is missing");
        assert!(failure.contains("4194304 positions"), "{failure}");
        let with_ring = core.known.observed.services.values().filter(|service| !service.ring.is_empty()).count();
        assert!((50..70).contains(&with_ring), "{with_ring}");
    }

    #[test]
    fn an_address_in_two_services_is_lost_in_each_for_its_own_reason() {
        let config = config(&(service("one", 80, "") + &service("two", 443, FIXED)));
        let lost = unreachable(&config, &Network::default());
        let reasons = ["one", "two"].map(|name| lost.get(&(name.to_owned(), "web".to_owned())));
        assert!(reasons.iter().all(Option::is_some), "{lost:?}");
        assert_ne!(reasons[0], reasons[1]);
    }
}
