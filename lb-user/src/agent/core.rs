//! The agent without its surroundings: what it knows, and what it does about it.

use super::analysis::Analysis;
use super::checks::Checks;
use super::desired::desired;
use super::events::{About, Events};
use super::notices::notice;
use super::overrides::Overrides;
use super::recording::Recording;
use super::report::Reading;
use super::slow_start::SlowStarts;
use super::standing::Standings;
use super::store::Store;
use super::{Error, explain, flows, report};
use crate::announce::Announced;
use crate::bpf;
use crate::config::{AllDown, BackendName, Config};
use crate::control::types::EventKind;
use crate::control::{Question, Refused};
use crate::dataplane::Dataplane;
use crate::health::Outcome;
use crate::network::Network;
use crate::state::{Desired, DesiredService, Load, Memory, Observed, Plan, plan};
use crate::tickets::Keeper;
use lb_common::abi::{Address, Ticks};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;
use tracing::info;

/// What the agent knows.
pub(super) struct Core<D> {
    pub(super) dataplane: D,
    pub(super) known: Known,
    pub(super) memory: Memory,
    pub(super) slow_starts: SlowStarts,
    pub(super) store: Store,
    pub(super) events: Events,
    /// New flows of services when they were counted last.
    scheduled: BTreeMap<u32, u64>,
    flow_secret: [u64; 2],
    recording: Recording,
    pub(super) analysis: Analysis,
}

/// What the reports are made of, besides the counters.
pub(super) struct Known {
    pub(super) path: PathBuf,
    pub(super) config: Config,
    pub(super) overrides: Overrides,
    pub(super) checks: Checks,
    pub(super) standings: Standings,
    pub(super) observed: Observed,
    pub(super) network: Network,
    /// What the network was told of the VIPs.
    pub(super) announced: Vec<Announced>,
    /// The ticket keys of the cluster, if back-ends share any.
    pub(super) tickets: Option<Keeper>,
    pub(super) failure: Option<String>,
    pub(super) since: Instant,
}

/// The present, on the clocks that the agent goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// That of the flow table.
    pub(super) ticks: Ticks,
    /// That of everything else.
    pub(super) instant: Instant,
}

impl Now {
    /// Reads the clocks.
    pub(super) fn read() -> Self {
        Self { ticks: bpf::now(), instant: Instant::now() }
    }
}

impl<D: Dataplane> Core<D>
where
    Error: From<D::Error>,
{
    /// Takes charge of the maps of `dataplane`, as they are, and of what `store` has kept.
    pub(super) fn new(path: PathBuf, config: Config, dataplane: D, store: Store) -> Result<Self, Error> {
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
            overrides: store.overrides()?,
            checks: Checks::default(),
            standings: Standings::default(),
            observed,
            network: Network::default(),
            announced: Vec::new(),
            tickets: None,
            failure: None,
            since: Instant::now(),
        };
        Ok(Self {
            dataplane,
            known,
            memory: Memory::default(),
            slow_starts: SlowStarts::default(),
            store,
            events: Events::new(),
            scheduled: BTreeMap::new(),
            flow_secret,
            recording: Recording::default(),
            analysis: Analysis::new(Instant::now()),
        })
    }

    /// What the operator wants.
    pub(super) fn config(&self) -> &Config {
        &self.known.config
    }

    /// Who keeps the ticket keys.
    pub(super) fn keeper(&self) -> Result<&Keeper, Refused> {
        let nobody = || Refused::invalid("the agent keeps no ticket keys: its configuration has no [tickets]");
        self.known.tickets.as_ref().ok_or_else(nobody)
    }

    /// Whether an earlier agent has left its maps.
    pub(super) fn has_adopted(&self) -> bool {
        self.known.observed.settings.is_some()
    }

    /// The data plane.
    pub(super) fn dataplane(&mut self) -> &mut D {
        &mut self.dataplane
    }

    /// Brings the maps in line for the first time. What adopted maps have no room for yet, the next ticks do.
    ///
    /// # Errors
    /// Also when the services do not fit into new maps, which are not touched then.
    pub(super) fn start(&mut self, network: &Network, now: Now) -> Result<(), Error> {
        let is_new = self.known.observed.settings.is_none();
        self.known.checks.follow(&self.known.config);
        let forgotten = self.known.overrides.prune(&self.known.config);
        if !forgotten.is_empty() {
            self.store.keep_overrides(&self.known.overrides)?;
        }
        for name in self.out_of_service() {
            self.known.checks.distrust(&self.known.config, &name);
        }
        match self.reconcile(network, now) {
            Err(error @ Error::Full(_)) if !is_new => self.note(Err(error)),
            done => done?,
        }
        Ok(())
    }

    /// The back-ends that adopted maps know, but give no new flows: a dead one is not to get any just because the agent has started again.
    fn out_of_service(&self) -> Vec<BackendName> {
        let Known { config, observed, .. } = &self.known;
        let slots = observed.slots();
        let mut found = Vec::new();
        for service in &config.services {
            let Some(adopted) = observed.services.get(&service.key()) else { continue };
            // Nobody was on an empty ring, for whatever reason: with this policy, all may as well be.
            if adopted.ring.is_empty() && service.all_down == AllDown::Open {
                continue;
            }
            for backend in &service.backends {
                let slot = slots.get(&(adopted.service.id, Address::from(backend.address)));
                if slot.is_some_and(|slot| !adopted.ring.contains(slot)) {
                    found.push(BackendName::of(service, backend));
                }
            }
        }
        found
    }

    /// Brings the maps in line with the configuration in this network, as far as there is room.
    pub(super) fn reconcile(&mut self, network: &Network, now: Now) -> Result<(), Error> {
        self.known.network = network.clone();
        self.follow(now)
    }

    /// Brings the maps in line with what is known, as far as there is room.
    pub(super) fn follow(&mut self, now: Now) -> Result<(), Error> {
        let Known { config, network, overrides, checks, .. } = &self.known;
        let checked = |name: &BackendName| checks.of(name);
        let mut slow_starts = self.slow_starts.clone();
        let standings = Standings::of(config, network, overrides, checked, &mut slow_starts, now.instant);
        notice(config, &self.known.standings, &standings, &mut self.events);
        (self.slow_starts, self.known.standings) = (slow_starts, standings);
        self.apply(now.ticks)
    }

    /// Takes what came of probes into account. New verdicts are followed at once, and all together: each makes rings anew.
    pub(super) fn heed(&mut self, outcomes: impl Iterator<Item = Outcome>, now: Now) {
        let mut is_new = false;
        for outcome in outcomes {
            is_new |= self.known.checks.heed(&outcome, now.instant);
        }
        if is_new {
            let done = self.follow(now);
            self.note(done);
        }
    }

    /// Notes for the status, and among the events when it changes, whether the data plane does what it should.
    pub(super) fn note(&mut self, done: Result<(), Error>) {
        let failure = done.err().map(|error| error.to_string());
        if failure != self.known.failure {
            match &failure {
                Some(failure) => {
                    let message = format!("the data plane does not follow: {failure}");
                    self.events.warn(EventKind::Dataplane, About::All, message);
                }
                None => self.events.info(EventKind::Dataplane, About::All, "the data plane follows again"),
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
        let Known { config, network, standings, observed, .. } = &self.known;
        desired(config, network, standings, self.flow_secret, observed)
    }

    /// What the maps should say with another configuration, if back-ends stand like this.
    pub(super) fn desired_with(&self, config: &Config, network: &Network, standings: &Standings) -> Desired {
        desired(config, network, standings, self.flow_secret, &self.known.observed)
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

    /// How it is, in a line for the service manager.
    pub(super) fn summary(&self) -> String {
        report::summary(&self.known)
    }

    /// Whether somebody reads records of packets.
    pub(super) fn is_recording(&self) -> bool {
        self.recording.is_on()
    }

    /// Hands on the records of packets.
    pub(super) fn follow_records(&mut self) {
        self.recording.follow(&self.known, &mut self.dataplane, Instant::now());
    }

    /// Takes samples of the traffic into account.
    pub(super) fn follow_samples(&mut self) {
        self.analysis.samples.follow(&self.known, &mut self.dataplane, Instant::now());
    }

    /// Ends what goes on beside forwarding. What is known of the past is on disk then.
    pub(super) fn end_analysis(&mut self) {
        self.analysis.samples.end(&mut self.dataplane);
        self.end_history();
    }

    /// Answers a question. Nobody may be waiting for the answer any more, which is no harm.
    pub(super) fn answer(&mut self, question: Question) {
        let (known, dataplane) = (&self.known, &mut self.dataplane);
        let read = |dataplane: &D| Reading::take(known, dataplane).map_err(failed);
        match question {
            Question::Status(answer) => {
                let (census, generation) = (dataplane.flows(), self.store.generations.current());
                drop(answer.send(report::status(known, dataplane, &census, generation)));
            }
            Question::Services(answer) => drop(answer.send(read(dataplane).map(|it| report::services(known, &it)))),
            Question::Backends(answer) => drop(answer.send(read(dataplane).map(|it| report::backends(known, &it)))),
            Question::Counters(answer) => {
                let counters = dataplane.counters(&[], &[]).map_err(failed);
                drop(answer.send(counters.map(|counters| report::verdicts(&counters))));
            }
            Question::Traffic(answer) => drop(answer.send(self.traffic().map_err(failed))),
            Question::Samples(answer) => drop(answer.send(self.analysis.samples())),
            Question::History(request, answer) => drop(answer.send(self.history(&request))),
            Question::Snapshot(answer) => drop(answer.send(self.snapshot().map_err(failed))),
            Question::Live(answer) => drop(answer.send(self.analysis.live.listen())),
            Question::Flows(filter, answer) => drop(answer.send(flows::list(known, dataplane, &filter))),
            Question::TopFlows(by, filter, answer) => drop(answer.send(flows::top(known, dataplane, by, &filter))),
            Question::Explain(packet, answer) => drop(answer.send(explain::explain(known, dataplane, &packet))),
            Question::Trace(request, lines) => {
                // If nobody is waiting for the lines, the trace ends at its first step.
                drop(lines.send(self.recording.trace(known, dataplane, &request, Instant::now())));
            }
            Question::Capture(request, packets) => {
                drop(packets.send(self.recording.capture(known, dataplane, &request, Instant::now())));
            }
            Question::Generations(answer) => drop(answer.send(report::generations(&self.store.generations))),
            Question::Tickets(answer) => {
                drop(answer.send(known.tickets.as_ref().map(Keeper::status).unwrap_or_default()));
            }
            Question::Events(answer) => drop(answer.send(self.events.listen())),
        }
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
