//! The VIPs, as the network is told of them.

use super::core::Known;
use super::events::{About, Events};
use crate::announce::{Announced, Announcing, Policy};
use crate::config::Config;
use crate::control::types::EventKind;
use std::time::Instant;

/// Announces VIPs, and withdraws them.
pub(super) struct Vips {
    policy: Policy,
    announcing: Announcing,
    /// Whether all are to be withdrawn, whatever is ready.
    is_drained: bool,
    /// What was noted last.
    noted: Vec<Announced>,
}

impl Vips {
    /// Announces nothing yet. An agent that takes over leaves announced what can be.
    pub(super) fn of(config: &Config, takes_over: bool) -> Self {
        let policy = Policy::of(config);
        let policy = if takes_over { policy.taking_over() } else { policy };
        Self { policy, announcing: Announcing::start(), is_drained: false, noted: Vec::new() }
    }

    /// Withdraws all, for good.
    pub(super) fn drain(&mut self) {
        self.is_drained = true;
    }

    /// Goes by another configuration from now on.
    pub(super) fn follow(&mut self, config: &Config) {
        self.policy = Policy::of(config).after(&self.policy);
    }

    /// Has those announced that should be; notes what has come of it so far.
    pub(super) fn announce(&mut self, known: &Known, events: &mut Events, now: Instant) {
        let ready = |name: &str| {
            let service = known.config.services.iter().find(|service| service.name == name);
            service.map_or(0, |service| known.standings.ready(service))
        };
        let mut wish = self.policy.wish(ready, now);
        if self.is_drained {
            wish.vips.values_mut().for_each(|announced| *announced = false);
        }
        self.announcing.wish(wish);
        let status = self.announcing.status();
        for vip in status.iter().filter(|vip| !self.noted.contains(vip)) {
            match (&vip.error, vip.announced) {
                (Some(error), _) => events.warn(EventKind::Announce, About::All, format!("{}: {error}", vip.vip)),
                (None, Some(true)) => events.info(EventKind::Announce, About::All, format!("{} is announced", vip.vip)),
                (None, Some(false)) => {
                    events.warn(EventKind::Announce, About::All, format!("{} is withdrawn", vip.vip));
                }
                (None, None) => {}
            }
        }
        self.noted = status;
    }

    /// What the network was told of each VIP.
    pub(super) fn status(&self) -> Vec<Announced> {
        self.announcing.status()
    }
}
