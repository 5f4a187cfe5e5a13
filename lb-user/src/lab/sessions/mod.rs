//! The paper's question about security sessions: what does reusing them save, and what does it cost in balance?
//!
//! | file | what it does |
//! |---|---|
//! | `case` | [`Case`]: where sessions can be resumed, by which key and version of TLS |
//! | `rotation` | which server gets which ticket keys, and when |
//! | `measured` | what is counted in a case, and over its rounds |
//! | `report` | [`SessionsReport`]: what came out of it |

mod case;
mod measured;
mod report;
mod rotation;

#[cfg(test)]
pub(crate) use report::tests;

pub use case::{Case, Scheme, Version};
pub use report::{CaseReport, Costs, Experimented, SessionsReport};

use super::certificate::Certificate;
use super::load::Memory;
use super::topology::SERVICE;
use super::{Agent, Error, Handshakes, KeyKind, LoadOptions, Policy, Server, Stage, Tls};
use crate::tickets::{Ticketer, Timing};
use measured::Measured;
use rotation::Rotation;
use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// The same load in every [`Case`], through the balancer and to all servers.
#[derive(Clone, Debug, PartialEq)]
pub struct Sessions {
    /// How long new requests are begun, in all cases and rounds together. Use [`Sessions::SHORTEST`] a round or more.
    pub duration: Duration,
    /// How often all cases are gone through; at least 1. Figures of time are medians of the rounds.
    pub rounds: u32,
    /// The requests.
    pub load: LoadOptions,
}

impl Sessions {
    /// Three seconds for each case.
    pub const DEFAULT_DURATION: Duration = Duration::from_secs(72);
    /// The least time for a round: a second for each case.
    pub const SHORTEST: Duration = Duration::from_secs(24);
    /// 500 connections a second of 15 clients, a few of which come often.
    pub const DEFAULT_LOAD: LoadOptions = LoadOptions { rate: 500, clients: Some(15), ..LoadOptions::DEFAULT };

    /// Goes through all cases, and shows `watcher` each that is done.
    ///
    /// # Errors
    /// When a part of the lab fails. Connections that fail are in the report.
    pub fn run(&self, stage: &Stage, mut watcher: impl FnMut(&CaseReport)) -> Result<SessionsReport, Error> {
        let mut run = Run::new(self, stage)?;
        let mut measured: Vec<_> = Case::all().map(|case| (case, Vec::new())).collect();
        for _ in 0..self.rounds {
            for (case, rounds) in &mut measured {
                rounds.push(run.measure(*case)?);
                watcher(&CaseReport::of(*case, rounds));
            }
        }
        measured.sort_by_key(|(case, _)| *case);
        Ok(SessionsReport {
            experiment: Experimented::Sessions,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vip: SERVICE,
            servers: stage.servers().len(),
            load: self.load,
            rounds: self.rounds,
            case_s: self.case().as_secs_f64(),
            rotation_s: self.rotation().as_secs_f64(),
            cases: measured.iter().map(|(case, rounds)| CaseReport::of(*case, rounds)).collect(),
        })
    }

    /// How long requests are begun in one case.
    fn case(&self) -> Duration {
        self.duration / self.rounds / Case::all().count() as u32
    }

    /// How often shared keys are rotated: twice in a case, but a ticket lasts a second at least.
    fn rotation(&self) -> Duration {
        (self.case() / 2).max(Duration::from_secs(1))
    }
}

/// An experiment that is going on.
struct Run<'a> {
    experiment: &'a Sessions,
    stage: &'a Stage,
    runtime: Runtime,
    rsa: Certificate,
    p256: Certificate,
    /// With the policy that it was started with.
    agent: Option<(Policy, Agent)>,
}

impl<'a> Run<'a> {
    fn new(experiment: &'a Sessions, stage: &'a Stage) -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Error::process("cannot start the experiment"))?;
        let certificate = |kind| Certificate::new(IpAddr::V4(*SERVICE.ip()), kind);
        let (rsa, p256) = (certificate(KeyKind::Rsa2048)?, certificate(KeyKind::P256)?);
        Ok(Self { experiment, stage, runtime, rsa, p256, agent: None })
    }

    /// One round of `case`.
    fn measure(&mut self, case: Case) -> Result<Measured, Error> {
        self.balance_by(case.scheme.policy())?;
        let tls = self.tls(case)?;
        let memory = match case.scheme {
            Scheme::NoReuse => Memory::none(tls.client.clone()),
            _ => Memory::of_each_client(tls.client.clone()),
        };
        let (period, end) = (self.experiment.rotation(), self.experiment.case());
        let servers = self.stage.servers();
        let rotation = Rotation::new(case.scheme, servers.len(), period, end).map_err(Error::tls)?;
        let timing = Timing::new(period, period, Duration::ZERO).map_err(Error::tls)?;
        let ticketers: Vec<_> = servers.iter().map(|_| Arc::new(Ticketer::new(timing))).collect();
        let mut steps = rotation.steps().peekable();
        while let Some((_, server, ring)) = steps.next_if(|(at, ..)| at.is_zero()) {
            ticketers[server].install(ring);
        }
        for (server, ticketer) in servers.iter().zip(&ticketers) {
            server.configure(with_ticketer(&tls.server, ticketer.clone()));
        }

        let before = counters(servers);
        let begin = Instant::now();
        let load = self.stage.start_load_with(memory, self.experiment.load)?;
        for (at, server, ring) in steps {
            sleep_until(begin + at);
            ticketers[server].install(ring);
        }
        sleep_until(begin + end);
        let tally = load.finish()?;
        Ok(Measured::between(&before, &counters(servers), &tally, begin.elapsed()))
    }

    /// Sees to it that an agent with this policy is there.
    fn balance_by(&mut self, policy: Policy) -> Result<(), Error> {
        if self.agent.as_ref().is_none_or(|(running, _)| *running != policy) {
            // Two cannot be at work: the next one waits for the first to be gone.
            self.agent = None;
            let agent = self.runtime.block_on(self.stage.start_agent(&policy))?;
            self.agent = Some((policy, agent));
        }
        Ok(())
    }

    fn tls(&self, case: Case) -> Result<Tls, Error> {
        let certificate = match case.key {
            KeyKind::Rsa2048 => &self.rsa,
            KeyKind::P256 => &self.p256,
        };
        Tls::with(certificate, &[case.version.supported()])
    }
}

/// The same server, whose tickets are those of `ticketer`. It remembers nothing by itself.
fn with_ticketer(tls: &ServerConfig, ticketer: Arc<Ticketer>) -> Arc<ServerConfig> {
    let mut tls = tls.clone();
    tls.ticketer = ticketer;
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    Arc::new(tls)
}

/// Connections and handshakes of each server.
fn counters(servers: &[Server]) -> Vec<(u64, Handshakes)> {
    servers.iter().map(|server| (server.connections(), server.handshakes())).collect()
}

fn sleep_until(moment: Instant) {
    sleep(moment.saturating_duration_since(Instant::now()));
}
