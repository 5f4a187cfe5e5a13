use super::Error;
use super::core::Core;
use super::lock::Lock;
use super::neighbours::{self, Backends};
use super::signals::Signals;
use super::trace;
use crate::bpf::{self, KernelDataplane, Object, Pinning, Pins, Sizes};
use crate::config::{Config, InterfaceName};
use crate::control::{Server, types::Stop};
use crate::network::{self, Link, Monitor, Network, XdpAttachment};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{info, warn};

/// How often the agent looks after what no event announces: graces that end, neighbours to ask again.
const TICK: Duration = Duration::from_secs(1);

/// An agent that has started.
pub(super) struct Running {
    core: Core<KernelDataplane>,
    pins: Pins,
    /// The kernel measures run times as long as somebody holds this.
    _measuring: Option<OwnedFd>,
}

impl Running {
    /// Loads or adopts the data plane and brings it in line with the configuration.
    ///
    /// What can fail comes before what changes anything: until the last step, packets meet the services of before, or, with new
    /// maps, pass because the program does not know its interfaces yet.
    pub(super) fn start(path: PathBuf, config: Config, network: &Network, pins: &Pins) -> Result<Self, Error> {
        let object = Object::load(Sizes::of(&config.flow_table), Pinning::In(pins))?;
        let core = Core::new(path, config, KernelDataplane::new(object)?)?;
        let measuring = core.config().measure_run_time.then(bpf::measure_run_time).transpose()?;
        let mut agent = Self { core, pins: pins.clone(), _measuring: measuring };
        agent.attach(network, |_| true)?;
        agent.core.start(network, bpf::now())?;
        let config = agent.core.config();
        let interfaces: Vec<&str> = config.interfaces.iter().map(InterfaceName::as_str).collect();
        bpf::detach_others(pins, &interfaces)?;
        info!(services = config.services.len(), socket = %config.control_socket.display(), "running");
        Ok(agent)
    }

    /// Answers, follows the network, and ends when it is told to.
    pub(super) async fn serve(
        mut self,
        server: Server,
        mut monitor: Monitor,
        mut signals: Signals,
        lock: Lock,
    ) -> Result<(), Error> {
        let (queries, mut incoming) = mpsc::channel(16);
        let (hang_up, hung_up) = oneshot::channel();
        let server = tokio::spawn(server.serve(queries, hung_up));
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);

        let mut records = interval(trace::INTERVAL);
        records.set_missed_tick_behavior(MissedTickBehavior::Delay);

        let stop = loop {
            tokio::select! {
                changed = monitor.changed() => match changed {
                    Ok(()) => self.follow(&mut monitor).await,
                    Err(error) => monitor = restart(error).await?,
                },
                _ = records.tick(), if self.core.is_tracing() => self.core.follow_trace(),
                _ = tick.tick() => self.follow(&mut monitor).await,
                Some(query) = incoming.recv() => if let Some(stop) = self.core.answer(query) {
                    break stop;
                },
                () = signals.received() => break Stop { purge: false },
            }
        };
        let ended = self.end(stop);
        drop(lock);
        // Those who asked get their answers. The socket goes last: `handoff stop` waits for that.
        drop(hang_up);
        let _ = timeout(TICK, server).await;
        ended
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
        let done = attached.map_err(Error::from).and_then(|()| self.core.reconcile(&network, bpf::now()));
        self.core.note(done);
    }

    /// Attaches the program to those interfaces of the configuration that exist and are `wanted`.
    fn attach(&mut self, network: &Network, wanted: fn(&Link) -> bool) -> Result<(), bpf::Error> {
        let mode = self.core.config().xdp_mode;
        for name in self.core.config().interfaces.clone() {
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

/// A new monitor for one whose socket broke.
async fn restart(error: network::Error) -> Result<Monitor, Error> {
    warn!(%error, "the connection to the kernel's network configuration broke: opening another");
    tokio::time::sleep(TICK).await;
    Ok(Monitor::start().await?)
}
