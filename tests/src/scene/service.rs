use super::{Scene, configuration, program};
use anyhow::{Context, Result, bail};
use lb_user::control::Client;
use lb_user::lab::Node;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Gid, Pid, Uid, chown};
use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The unit that is shipped.
const UNIT: &str = include_str!("../../../packaging/handoff.service");
/// The user nobody, and its group.
const NOBODY: u32 = 65534;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// systemd's part in the life of an agent: it runs as another user than root, with the capabilities of the shipped unit and no others, and
/// tells how it is.
#[derive(Debug)]
pub struct Service<'a> {
    scene: &'a Scene,
    news: UnixDatagram,
    folder: PathBuf,
    /// A copy of the program where everybody may start it.
    program: TempDir,
}

impl<'a> Service<'a> {
    /// Makes the folders that the unit asks for, and the configuration with `services`.
    ///
    /// # Errors
    /// When a part of it cannot be made.
    pub fn install(scene: &'a Scene, services: &str) -> Result<Self> {
        let (folder, pins) = (scene.site().run_folder().join("service"), scene.site().pin_folder(Node::Balancer));
        for folder in [&folder, &pins] {
            fs::create_dir_all(folder)?;
            give_away(folder)?;
        }
        let news = UnixDatagram::bind(folder.join("notify"))?;
        news.set_read_timeout(Some(PATIENCE))?;
        give_away(&folder.join("notify"))?;
        let folder_of_program = tempfile::tempdir()?;
        fs::copy(program(), folder_of_program.path().join("handoff"))?;
        give_away(folder_of_program.path())?;
        let service = Self { scene, news, folder, program: folder_of_program };
        let text = configuration(scene.site(), super::ON_ETH0, services);
        let usual = scene.site().control_socket();
        let text = text.replace(path(&usual)?, path(&service.socket())?);
        let (usual, own) = (scene.site().state_folder(), service.folder.join("state"));
        fs::write(service.config(), text.replace(path(&usual)?, path(&own)?))?;
        Ok(service)
    }

    /// Starts the agent, which is to say that it is alive every `watchdog` at least.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, watchdog: Duration) -> Result<Started> {
        let capabilities: String = capabilities()?.iter().map(|name| format!(",+{name}")).collect();
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={NOBODY}")).arg(format!("--regid={NOBODY}"));
        command.args(["--clear-groups", "--no-new-privs"]);
        for set in ["inh-caps", "ambient-caps", "bounding-set"] {
            command.arg(format!("--{set}=-all{capabilities}"));
        }
        command.arg(self.program.path().join("handoff")).arg("run").arg("--config").arg(self.config());
        command.env("NOTIFY_SOCKET", self.folder.join("notify"));
        command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        let log = File::options().create(true).append(true).open(self.scene.site().agent_log())?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = self.scene.namespace(Node::Balancer).run(|| command.spawn())??;
        Ok(Started { process })
    }

    /// Waits until the agent says something that begins with `wanted`, and returns all of it.
    ///
    /// # Errors
    /// When it does not.
    pub fn hears(&self, wanted: &str) -> Result<String> {
        let mut heard = Vec::new();
        let mut message = [0; 4096];
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let len = self.news.recv(&mut message).with_context(|| format!("waiting for {wanted}, after {heard:?}"))?;
            let text = String::from_utf8_lossy(&message[..len]).into_owned();
            if text.starts_with(wanted) {
                return Ok(text.trim_end().to_owned());
            }
            heard.push(text);
        }
        let log = fs::read_to_string(self.scene.site().agent_log())?;
        bail!("no {wanted}, but {heard:?}; the agent's log:\n{log}")
    }

    /// A client of the agent.
    pub fn client(&self) -> Client {
        Client::new(self.socket())
    }

    fn config(&self) -> PathBuf {
        self.scene.site().config_file()
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("control.sock")
    }
}

/// An agent that a service manager has started. Dropping it kills it.
#[derive(Debug)]
pub struct Started {
    process: Child,
}

impl Started {
    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn terminate(mut self) -> Result<ExitStatus> {
        kill(Pid::from_raw(self.process.id() as i32), Signal::SIGTERM)?;
        Ok(self.process.wait()?)
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn wait(mut self) -> Result<ExitStatus> {
        Ok(self.process.wait()?)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The capabilities of the unit, as setpriv(1) calls them.
fn capabilities() -> Result<Vec<String>> {
    let line =
        |key: &str| UNIT.lines().find_map(|line| line.strip_prefix(key)).context("the unit names no capabilities");
    let names = line("AmbientCapabilities=")?;
    anyhow::ensure!(names == line("CapabilityBoundingSet=")?, "the unit grants other capabilities than it bounds");
    Ok(names.split(' ').map(|name| name.trim_start_matches("CAP_").to_lowercase()).collect())
}

fn give_away(path: &Path) -> Result<()> {
    Ok(chown(path, Some(Uid::from_raw(NOBODY)), Some(Gid::from_raw(NOBODY)))?)
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().context("a path of a lab is ASCII")
}
