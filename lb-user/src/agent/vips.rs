//! The VIPs, as the network is told of them.

use super::core::Known;
use super::events::{About, Events};
use crate::announce::{Announced, Announcing, Policy};
use crate::config::Config;
use crate::control::types::EventKind;
use std::time::Instant;
use tokio::time::sleep;
use tracing::warn;

/// Announces VIPs, and withdraws them.
pub(super) struct Vips {
    policy: Policy,
    announcing: Announcing,
    /// What was noted last.
    noted: Vec<Announced>,
}

impl Vips {
    /// Announces nothing yet.
    pub(super) fn of(config: &Config) -> Self {
        Self { policy: Policy::of(config), announcing: Announcing::start(), noted: Vec::new() }
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
        self.announcing.wish(self.policy.wish(ready, now));
        let status = self.announcing.status();
        for vip in status.iter().filter(|vip| !self.noted.contains(vip)) {
            match (&vip.error, vip.announced) {
                (Some(error), _) => events.warn(EventKind::Announce, About::All, format!("{}: {error}", vip.vip)),
                (None, Some(true)) => events.info(EventKind::Announce, About::All, format!("{} is announced", vip.vip)),
                (None, Some(false)) => {
                    events.warn(EventKind::Announce, About::All, format!("{} is withdrawn", vip.vip))
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

    /// Withdraws all, and waits until clients have found another way.
    pub(super) async fn drain(self, config: &Config) {
        let Some(announce) = &config.announce else { return };
        let Some(mut announcer) = self.announcing.end().await else { return };
        if let Err(error) = announcer.withdraw_all().await {
            warn!(%error, "not every VIP could be withdrawn");
        }
        sleep(announce.drain_wait).await;
    }
}
