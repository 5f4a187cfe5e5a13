//! What the agent makes of health checks.

use super::standing::Checked;
use crate::config::{self, BackendName, Config};
use crate::control::types::{HealthState, HealthStatus};
use crate::health::{Health, Outcome, State};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

/// The health of all back-ends that are checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks(BTreeMap<BackendName, Checkup>);

/// What is known of a back-end, and what it is known by.
#[derive(Clone, Debug)]
struct Checkup {
    address: IpAddr,
    check: config::Health,
    health: Health,
}

impl Checks {
    /// Minds the back-ends of this configuration and no others. What is known of them stays.
    pub(super) fn follow(&mut self, config: &Config) {
        let mut former = std::mem::take(&mut self.0);
        for service in &config.services {
            let Some(check) = &service.health else { continue };
            for backend in &service.backends {
                let (name, address) = (BackendName::of(service, backend), backend.address);
                // Of another address, or by another check, nothing is known.
                let known = former.remove(&name).filter(|known| known.address == address && known.is_by(check));
                let mut health = known.map_or_else(|| Health::new(check.rise, check.fall), |known| known.health);
                health.set_thresholds(check.rise, check.fall);
                self.0.insert(name, Checkup { address, check: check.clone(), health });
            }
        }
    }

    /// Takes a back-end that is checked for one that does not pass: it was out of service when the agent started.
    pub(super) fn distrust(&mut self, config: &Config, name: &BackendName) {
        let service = config.services.iter().find(|service| service.name == name.service);
        if let Some(check) = service.and_then(|service| service.health.as_ref())
            && let Some(known) = self.0.get_mut(name)
        {
            known.health = Health::down(check.rise, check.fall, "it was out of service when the agent started");
        }
    }

    /// Takes the outcome of a probe into account; whether there is a new verdict. Those of back-ends that are gone are of no interest.
    pub(super) fn heed(&mut self, outcome: &Outcome, now: Instant) -> bool {
        self.0.get_mut(&outcome.target).is_some_and(|known| known.health.observe(outcome, now).is_some())
    }

    /// What they say of a back-end.
    pub(super) fn of(&self, name: &BackendName) -> Checked {
        match self.0.get(name) {
            Some(Checkup { health, .. }) if !health.is_up() => {
                Checked::Down(health.error().unwrap_or("no answer").to_owned())
            }
            _ => Checked::Well,
        }
    }

    /// What is known of a back-end, for the reports.
    pub(super) fn status(&self, name: &BackendName, now: Instant) -> Option<HealthStatus> {
        let health = &self.0.get(name)?.health;
        Some(HealthStatus {
            state: match health.state() {
                State::Unknown => HealthState::Unknown,
                State::Up => HealthState::Up,
                State::Down => HealthState::Down,
            },
            latency_ms: health.latency().map(|latency| latency.as_secs_f64() * 1e3),
            last_error: health.error().map(str::to_owned),
            since_s: health.changed().map(|changed| now.saturating_duration_since(changed).as_secs()),
        })
    }
}

impl Checkup {
    /// Whether it was made by that check, how often it takes apart.
    fn is_by(&self, check: &config::Health) -> bool {
        (&self.check.probe, self.check.via, self.check.port) == (&check.probe, check.via, check.port)
    }
}
