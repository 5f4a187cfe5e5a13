//! How each back-end stands: what configuration, network, health and operators together make of it. Pure.

use super::desired::delivery;
use super::overrides::Overrides;
use super::slow_start::SlowStarts;
use crate::config::{AllDown, Backend, BackendName, Config, Service};
use crate::control::types::BackendState;
use crate::network::Network;
use crate::schedule::Ramp;
use crate::state::Takes;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// How a back-end stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// In a word.
    pub state: BackendState,
    /// Why it does not get its whole share of new flows, and what to do; `None` when it does.
    pub reason: Option<String>,
    /// Which flows it takes, as far as there is a way to it.
    pub takes: Takes,
    /// Its weight.
    pub weight: u16,
    /// How much of that counts.
    pub ramp: Ramp,
}

impl Standing {
    /// Whether it gets new flows because all is well with it. When all back-ends of a service are down, others may get some, too.
    pub fn is_ready(&self) -> bool {
        let is_out = matches!(self.state, BackendState::Unreachable | BackendState::Down);
        self.takes == Takes::AllFlows && !is_out && self.weight > 0
    }
}

/// What the health checks say of a back-end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    /// It is well, or there is no check, or no check has come to an end yet.
    Well,
    /// It does not pass, for this reason.
    Down(String),
}

/// How all back-ends stand. A back-end that nothing is known of is as the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    backends: BTreeMap<BackendName, Standing>,
    /// Services without a back-end in good health whose new flows go to all.
    open: BTreeSet<String>,
    /// Those whose new flows pass to the network stack.
    passing: BTreeSet<String>,
}

impl Standings {
    /// What there is to know at `now`.
    pub(super) fn of(
        config: &Config,
        network: &Network,
        overrides: &Overrides,
        checked: impl Fn(&BackendName) -> Checked,
        slow_starts: &mut SlowStarts,
        now: Instant,
    ) -> Self {
        let mut standings = Self::default();
        for service in &config.services {
            let mut found: Vec<_> = service
                .backends
                .iter()
                .map(|backend| {
                    let name = BackendName::of(service, backend);
                    let way = delivery(config, service, backend, network).err().map(|reason| reason.to_string());
                    let standing = standing(backend, overrides, &name, checked(&name), way);
                    (name, standing)
                })
                .collect();
            standings.mind_all_down(service, &mut found);
            for (name, standing) in &mut found {
                slow_starts.follow(name, service.slow_start, standing, now);
            }
            standings.backends.extend(found);
        }
        slow_starts.end_look(|name| standings.backends.contains_key(name));
        standings
    }

    /// How this back-end stands.
    pub fn get(&self, service: &Service, backend: &Backend) -> Standing {
        self.backends
            .get(&BackendName::of(service, backend))
            .cloned()
            .unwrap_or_else(|| Standing::ready(backend.weight))
    }

    /// How the back-end of this name stands, as far as it was looked at.
    pub(super) fn find(&self, name: &BackendName) -> Option<&Standing> {
        self.backends.get(name)
    }

    /// How many back-ends of the service get new flows.
    pub fn ready(&self, service: &Service) -> usize {
        service.backends.iter().filter(|backend| self.get(service, backend).is_ready()).count()
    }

    /// What becomes of new flows of the service, if none of its back-ends is in good health.
    pub(super) fn all_down(&self, service: &Service) -> Option<AllDown> {
        let is_any_down = || service.backends.iter().any(|it| self.get(service, it).state == BackendState::Down);
        if self.open.contains(&service.name) {
            Some(AllDown::Open)
        } else if self.passing.contains(&service.name) {
            Some(AllDown::Pass)
        } else {
            (self.ready(service) == 0 && is_any_down()).then_some(AllDown::Drop)
        }
    }

    /// Does what the service wants done when no back-end takes new flows, but some would if they passed their health checks.
    fn mind_all_down(&mut self, service: &Service, found: &mut [(BackendName, Standing)]) {
        let is_down = |standing: &Standing| standing.state == BackendState::Down;
        if found.iter().any(|(_, standing)| standing.is_ready()) || !found.iter().any(|(_, it)| is_down(it)) {
            return;
        }
        match service.all_down {
            AllDown::Drop => {}
            AllDown::Pass => {
                self.passing.insert(service.name.clone());
            }
            AllDown::Open => {
                self.open.insert(service.name.clone());
                for (_, standing) in found.iter_mut().filter(|(_, it)| is_down(it)) {
                    standing.takes = Takes::AllFlows;
                    if let Some(reason) = &mut standing.reason {
                        reason.push_str("; it gets new flows all the same, because all back-ends are down");
                    }
                }
            }
        }
    }
}

impl Standing {
    fn ready(weight: u16) -> Self {
        Self { state: BackendState::Ready, reason: None, takes: Takes::AllFlows, weight, ramp: Ramp::FULL }
    }
}

/// How a back-end stands by itself. What an operator said comes first, then what is in the way.
fn standing(
    backend: &Backend,
    overrides: &Overrides,
    name: &BackendName,
    checked: Checked,
    no_way: Option<String>,
) -> Standing {
    let says = overrides.of(name);
    let ready = Standing::ready(says.weight.unwrap_or(backend.weight));
    let not = |state, takes, reason| Standing { state, takes, reason: Some(reason), ..ready.clone() };
    if says.disabled {
        let reason = format!("disabled: it gets no flows until `handoff enable {}`", backend.name);
        return not(BackendState::Disabled, Takes::NoFlows, reason);
    }
    if says.drained {
        let reason = format!("draining: it gets no new flows until `handoff undrain {}`", backend.name);
        return not(BackendState::Draining, Takes::LiveFlows, reason);
    }
    if let Some(reason) = no_way {
        return not(BackendState::Unreachable, Takes::AllFlows, reason);
    }
    match checked {
        Checked::Down(reason) => not(BackendState::Down, Takes::LiveFlows, format!("health check: {reason}")),
        Checked::Well => ready,
    }
}
