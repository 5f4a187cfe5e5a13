//! What the service manager learns that has started the agent: systemd, or whoever else sets `NOTIFY_SOCKET` (sd_notify(3)).

use sd_notify::NotifyState;
use std::future;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::{debug, warn};

/// The service manager, if there is one.
pub struct Supervisor {
    /// When it wants to hear that the agent is alive.
    beats: Option<Interval>,
    /// What it was told of last.
    status: String,
}

impl Supervisor {
    /// The one that the environment names. Must be called in a runtime.
    pub fn of_environment() -> Self {
        let beats = sd_notify::watchdog_enabled().map(|patience| {
            // Half of its patience, as sd_watchdog_enabled(3) advises. An interval of nothing would be no interval.
            let mut beats = interval((patience / 2).max(Duration::from_millis(1)));
            beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
            beats
        });
        Self { beats, status: String::new() }
    }

    /// The agent forwards, and answers at its control socket. Also ends what [`Supervisor::reloading`] has begun.
    pub fn ready(&self) {
        tell(&[NotifyState::Ready]);
    }

    /// The agent reads its configuration again.
    pub fn reloading(&self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => tell(&[NotifyState::Reloading, now]),
            Err(error) => warn!(%error, "the service manager is not told of the reload: there is no monotonic clock"),
        }
    }

    /// The agent ends.
    pub fn stopping(&self) {
        tell(&[NotifyState::Stopping]);
    }

    /// How the agent is, for people; sent only when it has changed.
    pub fn status(&mut self, status: String) {
        if status != self.status {
            // A message is made of lines: only the first one can be part of the status.
            tell(&[NotifyState::Status(status.lines().next().unwrap_or_default())]);
            self.status = status;
        }
    }

    /// Waits until it is time to say that the agent is alive, and says so. Never returns when nobody wants to hear it.
    pub async fn beat(&mut self) {
        match &mut self.beats {
            Some(beats) => {
                beats.tick().await;
                tell(&[NotifyState::Watchdog]);
            }
            None => future::pending().await,
        }
    }
}

/// Forwarding does not depend on who hears of it: what cannot be said is only logged.
fn tell(news: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(news) {
        debug!(%error, "the service manager does not listen");
    }
}
