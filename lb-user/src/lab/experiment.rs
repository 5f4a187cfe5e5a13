use super::agent::SERVICE_NAME;
use super::balance::{Fairness, Unevenness};
use super::load::{Tally, WRONG_PEER};
use super::report::{BackendReport, ClientsReport, Errors, Ingress, Report, Requests, ReturnPath, Totals, rounds};
use super::topology::SERVICE;
use super::{Agent, Error, Load, LoadOptions, Node, Policy, Server, Stage};
use crate::control::types::BackendStatus;
use std::future::pending;
use std::io;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, Interval, interval_at, sleep, sleep_until};

/// How often the watcher is shown something.
const TICK: Duration = Duration::from_millis(250);
/// How long live flows get more before as many end as begin. Before that, few of them say little about balance.
const WARM_UP: Duration = Duration::from_secs(5);

/// The paper's experiment: real connections through the virtual server, and how they are spread over servers 1 to N.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// How long new requests are begun; `None` is until SIGINT or SIGTERM, which end it early otherwise.
    pub duration: Option<Duration>,
    /// Equal parts of the duration that are looked at one by one; at least 1.
    pub rounds: u32,
    /// The requests.
    pub load: LoadOptions,
    /// How the balancer hands them out.
    pub policy: Policy,
}

impl Experiment {
    /// Starts the agent and the load, shows `watcher` a few times a second how it goes, and reports when the last request has
    /// ended.
    ///
    /// # Errors
    /// When a part of the lab fails. Requests that fail are in the report.
    pub fn run(&self, stage: &Stage, watcher: impl FnMut(&Moment)) -> Result<Report, Error> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Error::process("cannot start the experiment"))?;
        runtime.block_on(async {
            let run = Run::new(self, stage, watcher).await?;
            let load = stage.start_load(self.load)?;
            run.complete(load).await
        })
    }
}

/// What an experiment looks like while it is going on.
#[derive(Clone, Debug)]
pub struct Moment {
    /// What the balancer says: the same numbers as `handoff backends`.
    pub backends: Vec<BackendStatus>,
    /// What the client says.
    pub tally: Tally,
    /// Since the first request.
    pub elapsed: Duration,
    /// The planned end, if there is one.
    pub duration: Option<Duration>,
}

/// An experiment that is going on.
struct Run<'a, W> {
    experiment: &'a Experiment,
    stage: &'a Stage,
    agent: Agent,
    agents_killed: u32,
    /// What had come to the balancer before the first request.
    before: Ingress,
    begin: Instant,
    interruption: Interruption,
    tick: Interval,
    /// Max/mean of live flows, at every tick.
    unevenness: Vec<f64>,
    watcher: W,
}

impl<'a, W: FnMut(&Moment)> Run<'a, W> {
    async fn new(experiment: &'a Experiment, stage: &'a Stage, watcher: W) -> Result<Self, Error> {
        // First of all: whoever interrupts the start means it too.
        let interruption = Interruption::new().map_err(Error::process("cannot wait for signals"))?;
        let agent = stage.start_agent(&experiment.policy).await?;
        // In this order, what arrives meanwhile is nothing that only the interface saw; at the end, in the other.
        let verdicts = agent.control().counters().await?;
        let packets = Ingress::packets(&stage.topology().namespace(Node::Balancer))?;
        Ok(Self {
            experiment,
            stage,
            agent,
            agents_killed: 0,
            before: Ingress { packets, verdicts },
            begin: Instant::now(),
            interruption,
            tick: interval_at(Instant::now() + TICK, TICK),
            unevenness: Vec::new(),
            watcher,
        })
    }

    async fn complete(mut self, load: Load) -> Result<Report, Error> {
        let mut ends = self.watch(&load).await?;
        let tally = load.finish()?;
        let duration_s = self.begin.elapsed().as_secs_f64();

        let backends = self.backends().await?;
        let packets = Ingress::packets(&self.stage.topology().namespace(Node::Balancer))?;
        let after = Ingress { packets, verdicts: self.agent.control().counters().await? };
        let end = totals(self.stage, &backends);
        ends.push(end.clone());
        let foreign_peers = tally.failures.get(WRONG_PEER).map_or(0, |failure| failure.count);
        let response_bytes = end.response_bytes.iter().sum();
        let Experiment { load, policy, .. } = self.experiment;
        let clients = || ClientsReport::of(policy, tally.reuse.rate(), Unevenness::of(self.unevenness));
        Ok(Report {
            service: SERVICE_NAME.to_owned(),
            vip: SERVICE,
            duration_s,
            load: *load,
            requests: Requests::of(&tally),
            fairness: Fairness::of(&end.flows),
            error: Errors::of(&end),
            backends: reports(self.stage, backends),
            rounds: rounds(&ends),
            clients: (load.clients.is_some() || policy.affinity.is_some()).then(clients),
            return_path: ReturnPath::between(&self.before, &after, response_bytes, foreign_peers),
            agents_killed: self.agents_killed,
        })
    }

    /// Watches to the end of the last round, or to an interruption. Returns the totals at the end of each round but
    /// the last one, which ends with its last request.
    async fn watch(&mut self, load: &Load) -> Result<Vec<Totals>, Error> {
        let rounds = self.experiment.rounds;
        let mut ends = Vec::new();
        for round in 1..=rounds {
            let end = self.experiment.duration.map(|duration| self.begin + duration * round / rounds);
            let interrupted = self.watch_until(end, load).await?;
            if interrupted || round == rounds {
                break;
            }
            let backends = self.backends().await?;
            ends.push(totals(self.stage, &backends));
        }
        Ok(ends)
    }

    /// Watches until `end`; returns whether it was interrupted before.
    async fn watch_until(&mut self, end: Option<Instant>, load: &Load) -> Result<bool, Error> {
        let end = async {
            match end {
                Some(end) => sleep_until(end).await,
                None => pending().await,
            }
        };
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return Ok(false),
                () = self.interruption.wait() => return Ok(true),
                _ = self.tick.tick() => {}
            }
            let backends = self.backends().await?;
            let (tally, elapsed, duration) = (load.tally(), self.begin.elapsed(), self.experiment.duration);
            if elapsed > WARM_UP {
                let live: Vec<_> = backends.iter().map(|backend| backend.live_flows).collect();
                self.unevenness.push(Fairness::of(&live).max_over_mean);
            }
            (self.watcher)(&Moment { backends, tally, elapsed, duration });
        }
    }

    /// What the agent says of the back-ends, in the order of the servers. One that was killed is replaced: traffic goes on
    /// meanwhile, and the next agent goes on with the counters.
    async fn backends(&mut self) -> Result<Vec<BackendStatus>, Error> {
        let mut answer = self.agent.control().backends().await;
        if answer.is_err() {
            // A process that is being killed hangs up a moment before it is gone.
            sleep(TICK).await;
            if !self.agent.is_running()? {
                self.agents_killed += 1;
                self.agent = self.stage.start_agent(&self.experiment.policy).await?;
            }
            answer = self.agent.control().backends().await;
        }
        let servers = self.stage.servers();
        let mut backends = answer?;
        backends.sort_by_key(|backend| servers.iter().position(|server| server.name() == backend.name));
        Ok(backends)
    }
}

fn totals(stage: &Stage, backends: &[BackendStatus]) -> Totals {
    Totals {
        flows: backends.iter().map(|backend| backend.new_flows).collect(),
        response_bytes: stage.servers().iter().map(Server::response_bytes).collect(),
    }
}

fn reports(stage: &Stage, backends: Vec<BackendStatus>) -> Vec<BackendReport> {
    let servers = stage.servers().iter();
    let report = |(backend, server): (BackendStatus, &Server)| BackendReport {
        name: backend.name,
        address: backend.address,
        new_flows: backend.new_flows,
        packets: backend.packets,
        bytes: backend.bytes,
        share: backend.share,
        connections: server.connections(),
        response_bytes: server.response_bytes(),
    };
    backends.into_iter().zip(servers).map(report).collect()
}

/// Ctrl-C, or a polite request to end.
struct Interruption {
    interrupt: Signal,
    terminate: Signal,
}

impl Interruption {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
