use super::Error;
use super::analysis::{self, sampling};
use super::change::Proposal;
use super::core::{Core, Known, Now};
use super::lock::Lock;
use super::neighbours::{self, Backends};
use super::probing::Probing;
use super::recording;
use super::signals::{Signals, Told};
use super::store::Store;
use super::supervisor::Supervisor;
use super::tickets::{self, Tickets};
use super::vips::Vips;
use crate::bpf::{self, KernelDataplane, Object, Pinning, Pins, Sizes};
use crate::config::{InterfaceName, XdpMode};
use crate::control::{Query, Refused, RefusedKind, Server, monitoring, types::Stop};
use crate::dashboard::Dashboard;
use crate::network::{self, Link, Monitor, Network, XdpAttachment};
use std::fs;
use std::future;
use std::iter;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep_until, timeout};
use tracing::{info, warn};

/// How often the agent looks after what no event announces: graces that end, neighbours to ask again.
const TICK: Duration = Duration::from_secs(1);

/// An agent that has started.
pub(super) struct Running {
    pub(super) core: Core<KernelDataplane>,
    pub(super) pins: Pins,
    probing: Probing,
    pub(super) vips: Vips,
    tickets: Option<Tickets>,
    /// What the watched file said when it was not followed.
    refused: Option<String>,
    /// The kernel measures run times as long as somebody holds this.
    _measuring: Option<OwnedFd>,
}

impl Running {
    /// Loads or adopts the data plane and brings it in line with the configuration.
    ///
    /// What can fail comes before what changes anything: until the last step, packets meet the services of before, or, with new
    /// maps, pass because the program does not know its interfaces yet.
    pub(super) fn start(
        proposal: Proposal,
        store: Store,
        tickets: Option<Tickets>,
        network: &Network,
        pins: &Pins,
    ) -> Result<Self, Error> {
        let Proposal { path, text, config } = proposal;
        let object = Object::load(Sizes::of(&config.flow_table), Pinning::In(pins))?;
        let mut core = Core::new(path, config, KernelDataplane::new(object)?, store)?;
        core.known.tickets = tickets.as_ref().map(|tickets| tickets.keeper.clone());
        let measuring = core.config().measure_run_time.then(bpf::measure_run_time).transpose()?;
        let (pins, probing, vips) = (pins.clone(), Probing::new(), Vips::of(core.config(), core.has_adopted()));
        let mut agent = Self { core, pins, probing, vips, tickets, refused: None, _measuring: measuring };
        agent.attach(network, |_| true)?;
        agent.core.start(network, Now::read())?;
        agent.core.store.generations.keep(&text)?;
        agent.probe()?;
        let config = agent.core.config();
        let interfaces: Vec<&str> = config.interfaces.iter().map(InterfaceName::as_str).collect();
        bpf::detach_others(&agent.pins, &interfaces)?;
        info!(services = config.services.len(), socket = %config.control_socket.display(), "running");
        Ok(agent)
    }

    /// Answers, follows the network, and ends when it is told to.
    pub(super) async fn serve(
        mut self,
        server: Server,
        dashboard: Option<Dashboard>,
        mut monitor: Monitor,
        mut signals: Signals,
        lock: Lock,
    ) -> Result<(), Error> {
        let (queries, mut incoming) = mpsc::channel(16);
        let (hang_up, hung_up) = oneshot::channel();
        if let Some(address) = self.core.config().metrics {
            tokio::spawn(monitoring::serve(address, queries.clone()));
        }
        if let Some(dashboard) = dashboard {
            tokio::spawn(dashboard.serve(queries.clone()));
        }
        let server = tokio::spawn(server.serve(queries, hung_up));
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut supervisor = Supervisor::of_environment();
        supervisor.ready();

        let mut records = interval(recording::INTERVAL);
        records.set_missed_tick_behavior(MissedTickBehavior::Delay);

        let mut samples = interval(sampling::INTERVAL);
        samples.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seconds = interval(analysis::INTERVAL);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);

        let mut draining: Option<(Instant, Stop, oneshot::Sender<_>)> = None;

        let (stop, asked) = loop {
            tokio::select! {
                changed = monitor.changed() => match changed {
                    Ok(()) => self.follow(&mut monitor).await,
                    Err(error) => monitor = restart(error).await?,
                },
                _ = records.tick(), if self.core.is_recording() => self.core.follow_records(),
                _ = samples.tick() => self.core.follow_samples(),
                _ = seconds.tick() => self.core.follow_traffic(Instant::now()),
                _ = tick.tick() => {
                    self.watch(&mut monitor).await;
                    self.follow(&mut monitor).await;
                }
                notice = tickets::notice(&mut self.tickets) => tickets::tell(notice, &mut self.core.events),
                Some(outcome) = self.probing.outcome() => {
                    let more = self.probing.more_outcomes();
                    self.core.heed(iter::once(outcome).chain(more), Now::read());
                }
                Some(query) = incoming.recv() => match query {
                    Query::Question(question) => self.core.answer(question),
                    Query::Order(order) => self.carry_out(order, &mut monitor).await,
                    Query::Stop(stop, done) => match self.drain_first(stop) {
                        Some(wait) => draining = Some((Instant::now() + wait, stop, done)),
                        None => break (stop, Some(done)),
                    },
                },
                told = signals.received() => match told {
                    Told::End => break (Stop { purge: false, drain: false }, None),
                    Told::Reload => {
                        supervisor.reloading();
                        // What came of it is among the events.
                        let _ = self.reload(&mut monitor).await;
                        supervisor.ready();
                    }
                },
                () = supervisor.beat() => {}
                () = until(draining.as_ref().map(|(end, ..)| *end)) => if let Some((_, stop, done)) = draining {
                    break (stop, Some(done));
                },
            }
            self.vips.announce(&self.core.known, &mut self.core.events, Instant::now());
            self.core.known.announced = self.vips.status();
            supervisor.status(self.core.summary());
        };
        supervisor.stopping();
        self.core.end_analysis();
        let ended = self.end(stop);
        if let Some(asked) = asked {
            // Nobody may be waiting any more.
            let _ = asked.send(ended.as_ref().map(|_| ()).map_err(Refused::failed));
        }
        drop(lock);
        // Those who asked get their answers. The socket goes last: `handoff stop` waits for that.
        drop(hang_up);
        let _ = timeout(TICK, server).await;
        ended
    }

    /// Checks the back-ends of the configuration as it is now.
    pub(super) fn probe(&mut self) -> Result<(), bpf::Error> {
        let Known { config, network, tickets, .. } = &self.core.known;
        self.probing.follow(config, network)?;
        if let Some(keeper) = tickets {
            keeper.try_sessions_of(config, self.probing.marks());
        }
        Ok(())
    }

    /// Withdraws the VIPs, if that is to be done before the end; how long to wait then.
    fn drain_first(&mut self, stop: Stop) -> Option<Duration> {
        let announce = self.core.config().announce.as_ref().filter(|_| stop.drain)?;
        let wait = announce.drain_wait;
        self.vips.drain();
        info!(wait = %humantime::format_duration(wait), "draining: the VIPs are withdrawn");
        Some(wait)
    }

    /// Follows its own file, if it is to be watched and says something else than what holds or was refused last.
    async fn watch(&mut self, monitor: &mut Monitor) {
        if !self.core.config().watch {
            return;
        }
        let Ok(text) = fs::read_to_string(&self.core.known.path) else { return };
        if self.core.store.generations.is_current(&text) || self.refused.as_ref() == Some(&text) {
            return;
        }
        // What is wrong with the file stays wrong until it changes; anything else may pass.
        let refused = self.reload(monitor).await.err().map(|refused| refused.kind);
        self.refused = matches!(refused, Some(RefusedKind::Config | RefusedKind::Invalid)).then_some(text);
    }

    /// Brings the maps in line with the network as it is now.
    async fn follow(&mut self, monitor: &mut Monitor) {
        let backends = Backends::of(self.core.config());
        let network = match monitor.snapshot(&backends.routed()).await {
            Ok(network) => network,
            Err(error) => return warn!(%error, "the network cannot be read: going on with what was known"),
        };
        neighbours::probe(monitor, &backends, &network).await;
        // An interface that was taken away and came back has lost the program. The next tick tries again, whatever fails.
        let attached = self.attach(&network, |link| link.xdp == XdpAttachment::None);
        let done = attached.map_err(Error::from).and_then(|()| self.core.reconcile(&network, Now::read()));
        let done = done.and_then(|()| Ok(self.probe()?));
        self.core.note(done);
    }

    /// Attaches the program to those interfaces of the configuration that exist and are `wanted`.
    fn attach(&mut self, network: &Network, wanted: fn(&Link) -> bool) -> Result<(), bpf::Error> {
        let (interfaces, mode) = (self.core.config().interfaces.clone(), self.core.config().xdp_mode);
        self.attach_to(&interfaces, mode, network, wanted)
    }

    /// Attaches the program to those of the interfaces that exist and are `wanted`.
    pub(super) fn attach_to(
        &mut self,
        interfaces: &[InterfaceName],
        mode: XdpMode,
        network: &Network,
        wanted: fn(&Link) -> bool,
    ) -> Result<(), bpf::Error> {
        for name in interfaces {
            if let Some(link) = network.link_by_name(name.as_str()).filter(|link| wanted(link)) {
                bpf::attach(self.core.dataplane().object(), &self.pins, link, mode)?;
            }
        }
        Ok(())
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

/// Waits until then, or for ever.
async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end.into()).await,
        None => future::pending().await,
    }
}

/// A new monitor for one whose socket broke.
async fn restart(error: network::Error) -> Result<Monitor, Error> {
    warn!(%error, "the connection to the kernel's network configuration broke: opening another");
    tokio::time::sleep(TICK).await;
    Ok(Monitor::start().await?)
}
