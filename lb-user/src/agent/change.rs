//! Changes of what should be: another configuration, and what operators say at run time. Each is made whole or not at all.

use super::core::{Core, Now};
use super::events::About;
use super::overrides::Overrides;
use super::preview::{self, Situation, needs_restart, preview};
use super::slow_start::SlowStarts;
use super::standing::Standings;
use super::store::replace;
use super::{Error, check_network};
use crate::config::{self, BackendName, Config};
use crate::control::Refused;
use crate::control::types::{EventKind, OverrideAnswer, OverrideRequest, PlanReport, Refusal};
use crate::dataplane::Dataplane;
use crate::network::Network;
use crate::state::{Load, plan};
use std::path::{Path, PathBuf};
use tracing::error;

/// A configuration that somebody wants, and its text.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    /// The file that it comes from.
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) config: Config,
}

impl Proposal {
    /// What `text`, the content of the file at `path`, proposes.
    pub(super) fn parse(path: &Path, text: String) -> Result<Self, Refused> {
        match Config::parse(path, &text) {
            Ok(config) => Ok(Self { path: path.to_owned(), text, config }),
            Err(error) => Err(Refused::config(error)),
        }
    }
}

impl<D: Dataplane> Core<D>
where
    Error: From<D::Error>,
{
    /// What the proposal would change, and what is in the way of it.
    ///
    /// # Errors
    /// When it does not fit this machine's network.
    pub(super) fn preview(&self, proposal: &Proposal, network: &Network, now: Now) -> Result<PlanReport, Refused> {
        check_network(&proposal.path, &proposal.config, network).map_err(Refused::config)?;
        let (known, config) = (&self.known, &proposal.config);
        let standings = self.standings_with(config, network);
        let desired = self.desired_with(config, network, &standings);
        let planned = plan(&desired, &known.observed, &Load::default(), &mut self.memory.clone(), now.ticks);
        let before = Situation { config: &known.config, standings: &known.standings, observed: &known.observed };
        let after = preview::after(&known.observed, &planned.changes);
        let after = Situation { config, standings: &standings, observed: &after };
        let mut report = preview(&before, &after, &self.dataplane.flows(), self.store.generations.current());
        report.refusals.extend(planned.missing.map(|full| firm(full.to_string())));
        report.refusals.extend(needs_restart(&known.config, config).into_iter().map(|key| {
            firm(format!("{key} differs, which only a new agent follows: change the file, then stop the agent and start it again; forwarding goes on meanwhile"))
        }));
        Ok(report)
    }

    /// Makes the proposal what holds, from the maps to the agent's own file, and keeps it as a generation, whose number it returns.
    ///
    /// # Errors
    /// When a part of it cannot be done. All is as it was then.
    pub(super) fn adopt(&mut self, proposal: &Proposal, network: &Network, now: Now) -> Result<u64, Error> {
        let former = (self.known.config.clone(), self.known.overrides.clone(), self.known.network.clone());
        let (checks, slow_starts) = (self.known.checks.clone(), self.slow_starts.clone());
        self.known.config = proposal.config.clone();
        self.known.checks.follow(&proposal.config);
        let forgotten = self.known.overrides.prune(&proposal.config);
        let done = self.reconcile(network, now).and_then(|()| self.keep(proposal, &former.1));
        match done {
            Ok(generation) => {
                if let Some(keeper) = &self.known.tickets {
                    keeper.follow(&proposal.config);
                }
                for name in &forgotten {
                    self.events.info(EventKind::Override, About::Backend(name), "its override is gone with it");
                }
                let message = format!("generation {generation} holds, from {}", proposal.path.display());
                self.events.info(EventKind::Config, About::All, message);
                Ok(generation)
            }
            Err(error) => {
                (self.known.config, self.known.overrides, self.known.checks) = (former.0, former.1, checks);
                self.slow_starts = slow_starts;
                let undone = self.reconcile(&former.2, now);
                self.note(undone);
                Err(error)
            }
        }
    }

    /// Writes down what holds now: all of it, or what fails takes back what was written before.
    fn keep(&mut self, proposal: &Proposal, former_overrides: &Overrides) -> Result<u64, Error> {
        let path = self.known.path.clone();
        let former_text = config::read(&path).ok();
        let is_there = former_text.as_ref() == Some(&proposal.text);
        if !is_there {
            replace(&path, proposal.text.as_bytes()).map_err(|source| Error::Install { path: path.clone(), source })?;
        }
        let kept = self.store.keep_overrides(&self.known.overrides);
        let kept = kept.and_then(|()| self.store.generations.keep(&proposal.text));
        if kept.is_err() {
            let text = former_text.filter(|_| !is_there);
            let restored = text.map_or(Ok(()), |text| replace(&path, text.as_bytes()));
            if let Err(error) =
                restored.map_err(Error::from_state(&path)).and_then(|()| self.store.keep_overrides(former_overrides))
            {
                error!(%error, "what was written for a configuration that does not hold is still there");
            }
        }
        kept
    }

    /// Does what an operator says about a back-end, and keeps it.
    ///
    /// # Errors
    /// When it cannot be, or leaves too few back-ends. Nothing has changed then.
    pub(super) fn say(&mut self, request: &OverrideRequest, now: Now) -> Result<OverrideAnswer, Refused> {
        let former = self.known.overrides.clone();
        let backends = self.known.overrides.change(&self.known.config, request).map_err(Refused::invalid)?;
        let done = self
            .may_say(request, &backends)
            .and_then(|()| self.store.keep_overrides(&self.known.overrides).map_err(Refused::failed));
        if let Err(refused) = done {
            self.known.overrides = former;
            return Err(refused);
        }
        for name in &backends {
            self.events.info(EventKind::Override, About::Backend(name), format!("an operator said: {}", request.verb));
        }
        // What the maps have no room for yet, the next ticks do.
        let done = self.follow(now);
        self.note(done);
        Ok(OverrideAnswer { backends, failure: self.known.failure.clone() })
    }

    /// Whether enough back-ends are left for what the overrides say now.
    fn may_say(&self, request: &OverrideRequest, backends: &[BackendName]) -> Result<(), Refused> {
        if request.force {
            return Ok(());
        }
        let known = &self.known;
        let after = self.standings_with(&known.config, &known.network);
        let concerned = |name: &str| backends.iter().any(|backend| backend.service == name);
        for service in known.config.services.iter().filter(|service| concerned(&service.name)) {
            let (had, has) = (known.standings.ready(service), after.ready(service));
            if has < had && has < service.min_ready as usize {
                return Err(Refused::conflict(format!(
                    "service \"{}\": only {has} of {} back-ends would get new flows, and min-ready is {}: use --force to do it all the same",
                    service.name,
                    service.backends.len(),
                    service.min_ready
                )));
            }
        }
        Ok(())
    }

    /// How back-ends would stand with another configuration or in another network, when their slow starts are over.
    fn standings_with(&self, config: &Config, network: &Network) -> Standings {
        let checked = |name: &BackendName| self.known.checks.of(name);
        let now = self.known.since;
        Standings::of(config, network, &self.known.overrides, checked, &mut SlowStarts::default(), now)
    }
}

fn firm(message: String) -> Refusal {
    Refusal { message, can_be_forced: false }
}
