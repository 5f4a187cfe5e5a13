//! What the agent makes of health checks.

use super::standing::Checked;
use crate::config::{BackendName, Config};
use crate::control::types::{HealthState, HealthStatus};
use crate::health::{Health, Outcome, State};
use std::collections::BTreeMap;
use std::time::Instant;

/// The health of all back-ends that are checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks(BTreeMap<BackendName, Health>);

impl Checks {
    /// Minds the back-ends of this configuration and no others. What is known of them stays.
    pub(super) fn follow(&mut self, config: &Config) {
        let mut former = std::mem::take(&mut self.0);
        for service in &config.services {
            let Some(check) = &service.health else { continue };
            for backend in &service.backends {
                let name = BackendName::of(service, backend);
                let mut health = former.remove(&name).unwrap_or_else(|| Health::new(check.rise, check.fall));
                health.set_thresholds(check.rise, check.fall);
                self.0.insert(name, health);
            }
        }
    }

    /// Takes a back-end that is checked for one that does not pass: it was out of service when the agent started.
    pub(super) fn distrust(&mut self, config: &Config, name: &BackendName) {
        let service = config.services.iter().find(|service| service.name == name.service);
        if let Some(check) = service.and_then(|service| service.health.as_ref())
            && let Some(health) = self.0.get_mut(name)
        {
            *health = Health::down(check.rise, check.fall, "it was out of service when the agent started");
        }
    }

    /// Takes the outcome of a probe into account; whether there is a new verdict. Those of back-ends that are gone are of no interest.
    pub(super) fn heed(&mut self, outcome: &Outcome, now: Instant) -> bool {
        self.0.get_mut(&outcome.target).is_some_and(|health| health.observe(outcome, now).is_some())
    }

    /// What they say of a back-end.
    pub(super) fn of(&self, name: &BackendName) -> Checked {
        match self.0.get(name) {
            Some(health) if !health.is_up() => Checked::Down(health.error().unwrap_or("no answer").to_owned()),
            _ => Checked::Well,
        }
    }

    /// What is known of a back-end, for the reports.
    pub(super) fn status(&self, name: &BackendName, now: Instant) -> Option<HealthStatus> {
        let health = self.0.get(name)?;
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
