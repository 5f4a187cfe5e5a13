//! The agent: brings configuration, network and data plane together, and keeps them together.
//!
//! | file | what it does |
//! |---|---|
//! | `preflight`, `rights` | find what is in the way before anything is touched |
//! | `lock` | one agent at a time |
//! | `running` | the agent from its start to its end |
//! | `core` | what it knows and what it does about it; free of I/O but for the data plane |
//! | `orders`, `change` | another configuration, and what operators say at run time |
//! | `preview` | what a change would do |
//! | `probing`, `checks` | health checks, and what is made of them |
//! | `standing`, `overrides`, `slow_start` | which flows a back-end takes, and why |
//! | `vips` | which VIPs are announced |
//! | `events`, `notices` | what is worth a line |
//! | `store` | what outlives the agent besides links and maps |
//! | `desired`, `report` | from the configuration to the maps; from the maps to the answers |
//! | `flows`, `explain`, `recording`, `names` | what single flows and packets are asked about |
//! | `analysis` | what the traffic is like as a whole |
//! | `neighbours`, `signals` | Ethernet addresses of back-ends; how an agent is told to end |
//! | `tickets` | the session-ticket keys that back-ends share |
//! | `supervisor` | what the service manager is told |

mod analysis;
mod change;
mod checks;
mod core;
mod desired;
mod error;
mod events;
mod explain;
mod flows;
mod lock;
mod names;
mod neighbours;
mod notices;
mod orders;
mod overrides;
mod preflight;
mod preview;
mod probing;
mod recording;
mod report;
pub(crate) mod rights;
mod running;
pub(crate) mod signals;
mod slow_start;
mod standing;
mod store;
mod supervisor;
#[cfg(test)]
mod testing;
mod tickets;
mod vips;

pub(crate) use desired::delivery;
pub use desired::{ProbeTargets, desired, probe_targets};
pub use error::Error;
pub use preflight::check_network;
pub use rights::give_up_others;
pub use standing::{Standing, Standings};
pub use supervisor::Supervisor;

pub(crate) use neighbours::routed;
pub(crate) use preflight::unreachable_now;

use crate::bpf::{self, Pins};
use crate::config::Config;
use crate::control::Server;
use crate::dashboard::Dashboard;
use crate::network::Monitor;
use change::Proposal;
use lock::Lock;
use neighbours::Backends;
use running::Running;
use signals::Signals;
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::Store;
pub(crate) use store::replace as replace_file;
use tickets::Tickets;
use tracing::error;

/// How long the start waits for back-ends' Ethernet addresses.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs the agent for the configuration `text` in the file `path` until it is told to stop.
///
/// # Errors
/// When it cannot start: nothing of it is left then, but for changes to adopted maps that it had got to. What goes wrong later is logged and
/// shown in the status.
pub async fn run(path: PathBuf, text: String, config: Config) -> Result<(), Error> {
    // From here on a signal waits until it can be heeded: it never cuts a start in two.
    let signals = Signals::catch().map_err(Error::Signals)?;
    rights::check()?;
    let mut monitor = Monitor::start().await?;
    let backends = Backends::of(&config);
    let network = monitor.snapshot(&backends.routed()).await?;
    let pins = Pins::below(&config.pin_folder);
    check_network(&path, &config, &network)?;
    preflight::check_layout(&pins)?;
    preflight::check_attachments(&config, &network, &pins)?;
    let network = neighbours::resolve(&mut monitor, &backends, network, PATIENCE).await?;

    let lock = Lock::take(&pins)?;
    let links_before = pins.linked();
    let started = Server::bind(&config.control_socket, config.api.as_ref()).map_err(Error::from).and_then(|server| {
        let store = Store::open(&config.state_folder)?;
        let dashboard = config.dashboard.as_ref().map(Dashboard::bind).transpose()?;
        let tickets = Tickets::start(&config)?;
        Ok((Running::start(Proposal { path, text, config }, store, tickets, &network, &pins)?, server, dashboard))
    });
    match started {
        Ok((agent, server, dashboard)) => agent.serve(server, dashboard, monitor, signals, lock).await,
        Err(error) => {
            undo(&pins, &links_before);
            Err(error)
        }
    }
}

/// Takes back what a failed start has pinned. Maps that were there before go on forwarding, with the changes that were made to them: each
/// leaves them whole, and the next start makes the others.
fn undo(pins: &Pins, links_before: &[String]) {
    let undone = if links_before.is_empty() { pins.remove() } else { bpf::detach_others(pins, links_before) };
    if let Err(error) = undone {
        error!(%error, "the failed start could not be undone: `handoff stop --purge` ends forwarding");
    }
}

/// Removes what agents that are not running left pinned below `pin_folder`, also those of other releases; returns whether there was
/// anything.
///
/// # Errors
/// When an agent is running, or a pin cannot be removed.
pub fn purge(pin_folder: &Path) -> Result<bool, Error> {
    let all = Pins::all_below(pin_folder);
    for pins in &all {
        let _lock = Lock::take(pins)?;
        pins.remove()?;
    }
    Ok(!all.is_empty())
}

#[cfg(test)]
mod tests;
