//! The loop of one ring: fetch, give to the server, say so; and destroy in time, whether an agent answers or not.

use super::agents::{Agents, NoAnswer};
use super::holder::{Change, Held, Holder};
use super::target::{NotGiven, Target};
use crate::tickets::stored::Kept;
use crate::tickets::wire::{NodeState, Report, RingMessage};
use crate::tickets::{BootTime, Ring, RingName, Timing, Version};
use std::future;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

/// How long the first and the last attempts of a series are apart.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// A ring of this back-end.
pub struct Pull {
    name: RingName,
    agents: Agents,
    target: Target,
    holder: Holder,
    /// A ring that the server did not take.
    refused: Option<(Ring, Timing)>,
    /// Whether the server may have other keys than are held.
    is_unsure: bool,
    /// What is in the way, as the agent was told or is to be.
    error: Option<String>,
    /// What the agent was told last.
    told: Option<Report>,
    /// Attempts in a row that came to nothing, of asking and of giving.
    unanswered: u32,
    failures: u32,
    /// Is told when there are keys.
    ready: Option<oneshot::Sender<()>>,
    /// When to ask again, and when to try to give again.
    ask_at: Instant,
    give_at: Option<Instant>,
}

impl Pull {
    /// Fetches the ring `name` for `target`, and goes on with what was kept before a restart.
    pub fn new(name: RingName, agents: Agents, target: Target) -> Self {
        let now = BootTime::now();
        let kept = target.kept(&name, now);
        let holder = kept.map_or_else(Holder::default, |Kept { ring, timing, highest }| {
            Holder::resuming(Held { ring, timing }, highest)
        });
        let is_unsure = holder.held().is_some();
        Self {
            name,
            agents,
            target,
            holder,
            refused: None,
            is_unsure,
            error: None,
            told: None,
            unanswered: 0,
            failures: 0,
            ready: None,
            ask_at: Instant::now(),
            give_at: is_unsure.then(Instant::now),
        }
    }

    /// Does so for ever. `ready` is told when there are keys, so that the server can be started.
    pub async fn run(mut self, ready: oneshot::Sender<()>) {
        self.ready = Some(ready);
        loop {
            let mut agents = self.agents.clone();
            let (name, after) = (self.name.clone(), self.known());
            let (ask_at, report) = (self.ask_at, self.report());
            let is_told = self.told.as_ref() == Some(&report);
            let asking = async {
                sleep_until(ask_at).await;
                if !is_told && let Err(error) = agents.report(&name, &report).await {
                    return Err(error);
                }
                agents.ring(&name, after).await
            };
            tokio::select! {
                answer = asking => {
                    self.agents = agents;
                    // An agent that did not answer may be another one when it does.
                    self.told = answer.is_ok().then_some(report);
                    self.hear(answer).await;
                }
                () = until(self.holder.deadline()) => self.tick().await,
                () = at(self.give_at) => self.give_again().await,
            }
        }
    }

    /// The version that need not be sent again: also one that the server did not take, which is here.
    fn known(&self) -> Option<Version> {
        let refused = self.refused.as_ref().map(|(ring, _)| ring.version);
        refused.max(self.holder.version())
    }

    async fn hear(&mut self, answer: Result<Option<RingMessage>, NoAnswer>) {
        match answer {
            Ok(message) => {
                if self.unanswered > 0 {
                    info!(ring = %self.name, "the agent answers again");
                }
                self.unanswered = 0;
                match message {
                    Some(message) => self.take(&message).await,
                    None => self.agree(),
                }
            }
            Err(error) => self.miss(&error).await,
        }
    }

    /// No agent has answered: after all have been asked, a server that has no keys yet gets some of its own.
    async fn miss(&mut self, error: &NoAnswer) {
        self.unanswered += 1;
        if self.unanswered == 1 {
            warn!(ring = %self.name, %error, "no ring from the agent: trying again");
        }
        let all = self.agents.count() as u32;
        // Others are asked at once.
        self.ask_at = Instant::now() + backoff((self.unanswered / all.max(1)).saturating_sub(1));
        if self.unanswered < all || self.holder.held().is_some() {
            return;
        }
        match self.holder.make_own(BootTime::now()) {
            Ok(()) => {
                warn!(ring = %self.name, "no agent was heard yet: the server works with keys of its own");
                self.give_held().await;
            }
            Err(error) => warn!(ring = %self.name, %error, "the server has no keys"),
        }
    }

    async fn take(&mut self, message: &RingMessage) {
        let now = BootTime::now();
        let considered =
            message.ring(&self.name, now).map_err(|error| format!("what the agent sent is no ring: {error}"));
        let considered = considered.and_then(|ring| {
            let is_new = self.holder.considers(&ring, message.timing, now).map_err(|error| error.to_string())?;
            Ok(is_new.then_some(ring))
        });
        match considered {
            Ok(Some(ring)) => self.install(ring, message.timing).await,
            Ok(None) => {
                self.agree();
                // It has nothing newer than what is held, though it was told of something newer: it will not be long.
                self.ask_at = Instant::now() + backoff(1);
            }
            Err(error) => {
                self.fail(error);
                // The agent would send it again at once.
                self.ask_at = Instant::now() + backoff(self.failures);
            }
        }
    }

    /// The agent has the ring that is held: what was wrong with others does not matter any more.
    fn agree(&mut self) {
        if self.refused.is_none() && !self.is_unsure {
            self.succeed();
        }
    }

    /// Gives the server a ring, and holds it if the server takes it.
    async fn install(&mut self, ring: Ring, timing: Timing) {
        let before = self.holder.held().map(|held| held.ring.clone());
        match self.target.give(&ring, before.as_ref()).await {
            Ok(()) => {
                info!(ring = %self.name, version = %ring.version, "the server has the ring");
                self.holder.take(ring, timing);
                self.refused = None;
                self.keep();
                self.succeed();
            }
            // There is nothing that could be put back: the files may have these keys, so their time runs.
            Err(error) if before.is_none() => {
                self.holder.take(ring, timing);
                self.is_unsure = true;
                self.keep();
                self.fail_to_give(&error);
            }
            Err(error) => {
                self.refused = Some((ring, timing));
                self.fail_to_give(&error);
            }
        }
    }

    fn fail_to_give(&mut self, error: &NotGiven) {
        if matches!(error, NotGiven::Driver(_)) {
            self.tell_ready();
        }
        self.fail(error.to_string());
        self.give_at = Some(Instant::now() + backoff(self.failures));
    }

    async fn give_again(&mut self) {
        self.give_at = None;
        match self.refused.take() {
            // Its time may be over.
            Some((ring, timing)) if self.holder.considers(&ring, timing, BootTime::now()).is_ok() => {
                self.install(ring, timing).await;
            }
            Some(_) => {}
            None if self.is_unsure => self.give_held().await,
            None => {}
        }
    }

    /// Gives the server what is held, whatever it had: nothing else may be used any more.
    async fn give_held(&mut self) {
        let Some(held) = self.holder.held().cloned() else { return };
        self.keep();
        match self.target.give_in_any_case(&held.ring).await {
            Ok(()) => self.succeed(),
            Err(error) => {
                self.is_unsure = true;
                self.fail_to_give(&error);
            }
        }
    }

    async fn tick(&mut self) {
        match self.holder.tick(BootTime::now()) {
            Ok(None) => {}
            Ok(Some(change)) => {
                self.tell(&change);
                self.refused = None;
                self.give_held().await;
            }
            Err(error) => {
                self.fail(error.to_string());
                sleep(BACKOFF.0).await;
            }
        }
    }

    fn tell(&self, change: &Change) {
        let ring = &self.name;
        match change {
            Change::Destroyed(keys) => info!(%ring, ?keys, "keys that are too old were destroyed"),
            Change::FellBack(keys) => {
                warn!(%ring, ?keys, "no agent was heard for too long: the cluster's keys were destroyed, the server works with its own");
            }
            Change::Shifted => info!(%ring, "the server's own keys were rotated"),
        }
    }

    fn keep(&self) {
        let Some(Held { ring, timing }) = self.holder.held().cloned() else { return };
        let kept = Kept { ring, timing, highest: self.holder.highest() };
        self.target.keep(&self.name, &kept, BootTime::now());
    }

    /// The files have keys, whether the server has read them or is to be started with them.
    fn tell_ready(&mut self) {
        if let Some(ready) = self.ready.take() {
            // Nobody may be waiting.
            let _ = ready.send(());
        }
    }

    fn succeed(&mut self) {
        if self.holder.held().is_some() {
            self.tell_ready();
        }
        if self.error.take().is_some() {
            info!(ring = %self.name, "the server takes keys again");
        }
        (self.is_unsure, self.failures, self.give_at) = (false, 0, None);
    }

    fn fail(&mut self, error: String) {
        if self.error.as_ref() != Some(&error) {
            warn!(ring = %self.name, %error, "the server does not have the ring");
        }
        self.error = Some(error);
        self.failures += 1;
    }

    fn report(&self) -> Report {
        let state = match self.holder.held() {
            None => NodeState::Waiting,
            Some(held) if held.is_shared() => NodeState::Cluster,
            Some(_) => NodeState::Local,
        };
        let version = if self.is_unsure { None } else { self.holder.version() };
        Report { version, state, driver: self.target.driver().to_owned(), error: self.error.clone() }
    }
}

/// How long to wait after so many attempts.
fn backoff(attempts: u32) -> Duration {
    let (first, last) = BACKOFF;
    // Back-ends that lost their agent together do not come back together.
    (first * 2_u32.saturating_pow(attempts.min(10))).min(last).mul_f64(0.75 + 0.5 * rand::random::<f64>())
}

/// Waits until that moment of the boot clock, or for ever.
async fn until(deadline: Option<BootTime>) {
    let Some(deadline) = deadline else { return future::pending().await };
    loop {
        let left = deadline.since(BootTime::now());
        if left.is_zero() {
            return;
        }
        // The machine may sleep meanwhile, and the timer with it.
        sleep(left.min(Duration::from_secs(1))).await;
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => future::pending().await,
    }
}
