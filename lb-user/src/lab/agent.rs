use super::topology::{INTERFACE, SERVICE};
use super::{Dashboard, Error, Node, Policy, Site, Topology};
use crate::control::Client;
use crate::control::types::Status;
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Name of the lab's service.
pub const SERVICE_NAME: &str = "web";

/// How long the agent may take until every back-end is ready.
const PATIENCE: Duration = Duration::from_secs(15);
/// Lines of its log that are shown when it fails.
const LOG_LINES: usize = 10;

/// The agent, as a process in the balancer's namespace. Dropping it kills it; forwarding goes on until the lab is taken down.
#[derive(Debug)]
pub struct Agent {
    process: Child,
    control: Client,
    log: PathBuf,
}

impl Agent {
    /// Starts `handoff run` with the servers of the topology as back-ends, which get new flows by `policy`. An agent that was killed is
    /// taken over from.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start(
        site: &Site,
        topology: &Topology,
        policy: &Policy,
        dashboard: &Dashboard,
        handoff: &Path,
    ) -> Result<Self, Error> {
        let config = configuration(site, topology, policy) + &dashboard.configuration();
        Self::spawn(&config, site, handoff, |command| dashboard.hand_to(command))
    }

    /// Starts `handoff run` with another configuration, whose control socket is the lab's all the same.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start_with(configuration: &str, site: &Site, handoff: &Path) -> Result<Self, Error> {
        Self::spawn(configuration, site, handoff, |_| Ok(()))
    }

    fn spawn(
        configuration: &str,
        site: &Site,
        handoff: &Path,
        equip: impl FnOnce(&mut Command) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let config = site.config_file();
        fs::write(&config, configuration).map_err(Error::file(&config))?;
        let log = site.agent_log();
        let output = File::options().create(true).append(true).open(&log).map_err(Error::file(&log))?;
        let mut command = Command::new(handoff);
        command.arg("run").arg("--config").arg(&config);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        // Ctrl-C ends the load first, and the agent only when everything has been counted.
        command.process_group(0);
        equip(&mut command)?;
        // A process begins in the namespace of the thread that starts it.
        let process = site.namespace(Node::Balancer).run(|| command.spawn())?;
        let process = process.map_err(Error::process("cannot start the agent"))?;
        Ok(Self { process, control: Client::new(site.control_socket()), log })
    }

    /// Waits until every back-end gets new flows.
    ///
    /// # Errors
    /// When the agent ends, or that takes too long.
    pub async fn ready(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if !self.is_running()? {
                return Err(self.error("was killed".to_owned()));
            }
            let status = self.control.status().await;
            if status.as_ref().is_ok_and(|status| status.ready == status.backends) {
                return Ok(());
            }
            if Instant::now() > deadline {
                let ready = |status: Status| format!("{} of {} are", status.ready, status.backends);
                let ready = status.map_or_else(|error| error.to_string(), ready);
                return Err(self.error(format!("has not all back-ends ready: {ready}")));
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether the process is there; `false` when it was killed (SIGKILL).
    ///
    /// # Errors
    /// When it has ended by itself.
    pub fn is_running(&mut self) -> Result<bool, Error> {
        match self.process.try_wait().map_err(Error::process("cannot look after the agent"))? {
            None => Ok(true),
            Some(status) if status.signal() == Some(Signal::SIGKILL as i32) => Ok(false),
            Some(status) => Err(self.error(format!("has ended ({status})"))),
        }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its control socket.
    pub fn control(&self) -> &Client {
        &self.control
    }

    /// Ends the process as a crash would (SIGKILL).
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn kill(mut self) -> Result<(), Error> {
        self.end(Signal::SIGKILL).map(drop)
    }

    /// Asks the process to end (SIGTERM), waits until it has, and returns how.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn terminate(mut self) -> Result<ExitStatus, Error> {
        self.end(Signal::SIGTERM)
    }

    /// Has the process read its configuration again (SIGHUP).
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn signal_reload(&self) -> Result<(), Error> {
        let failed = Error::process("cannot signal the agent");
        signal::kill(Pid::from_raw(self.process.id() as i32), Signal::SIGHUP).map_err(|error| failed(error.into()))
    }

    fn end(&mut self, how: Signal) -> Result<ExitStatus, Error> {
        let failed = Error::process("cannot end the agent");
        // One that has ended by itself has an id that is another process's by now.
        if self.process.try_wait().map_err(failed)?.is_none() {
            signal::kill(Pid::from_raw(self.process.id() as i32), how).map_err(|error| failed(error.into()))?;
        }
        self.process.wait().map_err(failed)
    }

    fn error(&self, what: String) -> Error {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        Error::Agent { what, log: lines[lines.len().saturating_sub(LOG_LINES)..].join("\n") }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // What cannot be ended here is ended by the janitor.
        let _ = self.end(Signal::SIGKILL);
    }
}

/// The agent's configuration file.
fn configuration(site: &Site, topology: &Topology, policy: &Policy) -> String {
    let backend = |node: Node| Some(format!("    {{ name = \"{node}\", address = \"{}\" }},\n", node.address()?));
    let backends: String = topology.servers().filter_map(backend).collect();
    format!(
        "[agent]
interfaces = [\"{INTERFACE}\"]
control-socket = \"{}\"
pin-folder = \"{}\"
state-folder = \"{}\"

[[service]]
name = \"{SERVICE_NAME}\"
vip = \"{}\"
port = {}
protocol = \"tcp\"
{policy}backends = [
{backends}]
",
        site.control_socket().display(),
        site.pin_folder(Node::Balancer).display(),
        site.state_folder().display(),
        SERVICE.ip(),
        SERVICE.port(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Affinity, Config, Reset, Scheduler};

    #[test]
    fn the_configuration_names_every_server() {
        let site = Site::named("t").unwrap();
        let text = configuration(&site, &Topology::planned(&site, 3), &Policy::DEFAULT);
        let config = Config::parse(Path::new("handoff.toml"), &text).unwrap();
        assert_eq!(config.control_socket, site.control_socket());
        assert_eq!(config.pin_folder, site.pin_folder(Node::Balancer));
        assert_eq!(config.services[0].vip, *SERVICE.ip());
        let backends = config.services[0].backends.iter();
        let backends: Vec<_> = backends.map(|backend| format!("{} {}", backend.name, backend.address)).collect();
        assert_eq!(backends, ["server-1 198.18.1.1", "server-2 198.18.1.2", "server-3 198.18.1.3"]);
    }

    #[test]
    fn the_configuration_has_the_policy() {
        let site = Site::named("t").unwrap();
        let affinity = Affinity {
            window: Duration::from_millis(90_500),
            reset: Reset::Client,
            prefix: 24,
            prefix_v6: 64,
            max_load: Some(2.0),
        };
        for policy in [
            Policy::DEFAULT,
            Policy { scheduler: Scheduler::LeastConnections, affinity: Some(affinity) },
            Policy { affinity: Some(Affinity { max_load: None, ..affinity }), ..Policy::DEFAULT },
        ] {
            let text = configuration(&site, &Topology::planned(&site, 1), &policy);
            let config = Config::parse(Path::new("handoff.toml"), &text).unwrap();
            let service = &config.services[0];
            assert_eq!(Policy { scheduler: service.scheduler, affinity: service.affinity }, policy);
        }
    }
}
