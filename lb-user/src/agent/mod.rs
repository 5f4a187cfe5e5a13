//! The agent: brings configuration, network and data plane together, and keeps them together.
//!
//! [`run`] starts it. `core` decides and is free of I/O but for the data plane; `preflight` finds what is in the way before
//! anything is touched; `desired` and `report` translate, the one to the maps, the other from them.

mod core;
mod desired;
mod error;
mod preflight;
mod report;
mod rights;

pub use desired::desired;
pub use error::Error;
pub use preflight::check_network;

use crate::bpf::{self, KernelDataplane, Object, Pinning, Pins};
use crate::config::{Config, InterfaceName};
use crate::control::{Query, Server, types::Stop};
use crate::network::{self, Link, Monitor, Network, XdpAttachment};
use core::Core;
use std::collections::BTreeSet;
use std::fs::File;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tracing::{error, info, warn};

/// How often the agent looks after what no event announces: graces that end, neighbours to ask again.
const TICK: Duration = Duration::from_secs(1);

/// Runs the agent for the configuration in the file `path` until it is told to stop.
///
/// # Errors
/// When it cannot start: nothing is changed then. What goes wrong later is logged and shown in the status.
pub async fn run(path: PathBuf, config: Config) -> Result<(), Error> {
    rights::check()?;
    let mut monitor = Monitor::start().await?;
    let network = monitor.snapshot().await?;
    let pins = Pins::below(&config.pin_folder);
    check_network(&path, &config, &network)?;
    preflight::check_attachments(&config, &network, &pins)?;
    let network = resolve(&mut monitor, &config.addresses(), network).await?;

    let started_anew = !pins.exist();
    let lock = lock(&pins)?;
    match start(path, config, network, &pins).await {
        Ok((agent, server)) => agent.serve(server, monitor, lock).await,
        Err(error) => {
            // Pins that were there before belong to an agent that may still be forwarding by them.
            if started_anew {
                pins.remove()?;
            }
            Err(error)
        }
    }
}

/// Asks for the Ethernet addresses of back-ends and gives them a moment to answer, so that the first clients find all of them.
async fn resolve(
    monitor: &mut Monitor,
    backends: &BTreeSet<Ipv4Addr>,
    mut network: Network,
) -> Result<Network, network::Error> {
    const PATIENCE: Duration = Duration::from_secs(1);
    let deadline = Instant::now() + PATIENCE;
    while backends.iter().any(|&backend| network.next_hop(backend).is_err()) {
        probe(monitor, backends, &network).await;
        match timeout_at(deadline, monitor.changed()).await {
            Ok(changed) => changed?,
            Err(_) => break,
        }
        network = monitor.snapshot().await?;
    }
    Ok(network)
}

/// Asks for those Ethernet addresses that nobody keeps up to date.
async fn probe(monitor: &Monitor, backends: &BTreeSet<Ipv4Addr>, network: &Network) {
    for &address in backends {
        if let Some(link) = network.probe_on(address)
            && let Err(error) = monitor.probe(link, address).await
        {
            warn!(%error, %address, "cannot ask for the back-end's Ethernet address");
        }
    }
}

/// Makes sure that nobody else writes to the maps, for as long as the file is open.
fn lock(pins: &Pins) -> Result<File, Error> {
    pins.create()?;
    let folder = pins.folder();
    let file = File::open(folder).map_err(|source| Error::Lock { path: folder.to_owned(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::AlreadyRunning { path: folder.to_owned() }),
        Err(std::fs::TryLockError::Error(source)) => Err(Error::Lock { path: folder.to_owned(), source }),
    }
}

/// Loads or adopts the data plane and fills it before the first packet comes in.
async fn start(path: PathBuf, config: Config, network: Network, pins: &Pins) -> Result<(Agent, Server), Error> {
    let server = Server::bind(&config.control_socket)?;
    let object = Object::load(config.flow_table.flows, Pinning::In(pins))?;
    let core = Core::new(path, config, KernelDataplane::new(object)?)?;
    let mut agent = Agent { core, pins: pins.clone() };
    agent.core.reconcile(&network, bpf::now())?;
    agent.attach(&network, |_| true)?;
    let names: Vec<&str> = agent.core.config().interfaces.iter().map(InterfaceName::as_str).collect();
    bpf::detach_others(pins, &names)?;
    info!(
        services = agent.core.config().services.len(),
        socket = %agent.core.config().control_socket.display(),
        "running"
    );
    Ok((agent, server))
}

struct Agent {
    core: Core<KernelDataplane>,
    pins: Pins,
}

impl Agent {
    /// Attaches the program to those interfaces of the configuration that exist and are `wanted`.
    fn attach(&mut self, network: &Network, wanted: fn(&Link) -> bool) -> Result<(), bpf::Error> {
        let mode = self.core.config().xdp_mode;
        for name in self.core.config().interfaces.clone() {
            if let Some(link) = network.link_by_name(name.as_str()).filter(|link| wanted(link)) {
                bpf::attach(self.core.dataplane().object(), &self.pins, name.as_str(), link.ifindex, mode)?;
            }
        }
        Ok(())
    }

    /// Answers, follows the network, and ends when it is told to.
    async fn serve(mut self, server: Server, mut monitor: Monitor, lock: File) -> Result<(), Error> {
        let (queries, mut incoming) = mpsc::channel(16);
        let socket = server.path().to_owned();
        let server = tokio::spawn(server.serve(queries));
        let [mut terminate, mut interrupt, mut hang_up] =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);

        let stop = loop {
            tokio::select! {
                changed = monitor.changed() => match changed {
                    Ok(()) => self.follow(&mut monitor).await,
                    Err(error) => monitor = restart(error).await?,
                },
                _ = tick.tick() => self.follow(&mut monitor).await,
                Some(query) = incoming.recv() => match query {
                    Query::Stop(stop, done) => {
                        // The answer may find nobody waiting any more.
                        let _ = done.send(());
                        break stop;
                    }
                    query => self.core.answer(query),
                },
                () = received(&mut terminate) => break Stop { purge: false },
                () = received(&mut interrupt) => break Stop { purge: false },
                () = received(&mut hang_up) => break Stop { purge: false },
            }
        };
        server.abort();
        let _ = std::fs::remove_file(&socket);
        let ended = self.end(stop);
        drop(lock);
        ended
    }

    /// Brings the maps in line with the network as it is now.
    async fn follow(&mut self, monitor: &mut Monitor) {
        let network = match monitor.snapshot().await {
            Ok(network) => network,
            Err(error) => return warn!(%error, "the network cannot be read: going on with what was known"),
        };
        probe(monitor, &self.core.config().addresses(), &network).await;
        // Failures are in the status, and logged when they begin; the next tick tries again.
        let _ = self.core.reconcile(&network, bpf::now());
        // An interface that was taken away and came back has lost the program.
        if let Err(error) = self.attach(&network, |link| link.xdp == XdpAttachment::None) {
            error!(%error, "an interface is without the program");
        }
    }

    fn end(self, stop: Stop) -> Result<(), Error> {
        if stop.purge {
            self.pins.remove()?;
            info!("stopped: forwarding has ended, links and maps are gone");
        } else {
            info!(
                "stopped: forwarding goes on without the agent; start it again to adopt it, or end it with `handoff stop --purge`"
            );
        }
        Ok(())
    }
}

/// Waits for the next signal; for ever if the system would not have it.
async fn received(signal: &mut std::io::Result<tokio::signal::unix::Signal>) {
    match signal {
        Ok(signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

/// A new monitor for one whose socket broke.
async fn restart(error: network::Error) -> Result<Monitor, Error> {
    warn!(%error, "the connection to the kernel's network configuration broke: opening another");
    tokio::time::sleep(TICK).await;
    Ok(Monitor::start().await?)
}

/// Removes what an agent that is not running left pinned below `pin_folder`; returns whether there was anything.
///
/// # Errors
/// When an agent is running, or a pin cannot be removed.
pub fn purge(pin_folder: &Path) -> Result<bool, Error> {
    let pins = Pins::below(pin_folder);
    if !pins.exist() {
        return Ok(false);
    }
    let _lock = lock(&pins)?;
    pins.remove()?;
    Ok(true)
}
