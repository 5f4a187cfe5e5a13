//! Real web servers, whose ticket keys are in a folder of memory.

mod apache;
mod haproxy;
mod identity;
mod nginx;

pub use identity::Identity;

use super::eventually;
use anyhow::{Context, Result, ensure};
use lb_user::lab::Namespace;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Which program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// nginx, with one worker.
    Nginx,
    /// HAProxy, which answers by itself.
    HaProxy,
    /// Apache httpd.
    Apache,
}

/// Where a server runs, and with what.
#[derive(Clone, Debug)]
pub struct Place {
    /// The namespace that it is in.
    pub namespace: Namespace,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its certificate.
    pub identity: Identity,
    /// The folder of its ticket keys: see [`super::Tmpfs`]. Servers do not start without keys.
    pub tickets: PathBuf,
    /// A folder of its own, which need not be there, for everything else.
    pub folder: PathBuf,
}

/// A server. It answers every request with 200. Dropping it stops it.
#[derive(Debug)]
pub struct WebServer {
    kind: Kind,
    place: Place,
    process: Option<Child>,
}

impl WebServer {
    /// Writes its configuration. It has to be started.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn install(kind: Kind, place: Place) -> Result<Self> {
        fs::create_dir_all(&place.folder)?;
        let server = Self { kind, place, process: None };
        server.configure("")?;
        Ok(server)
    }

    /// Writes its configuration again, with these lines at its end. It takes no notice until it is told to.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn configure(&self, lines: &str) -> Result<()> {
        let text = match self.kind {
            Kind::Nginx => nginx::configuration(&self.place),
            Kind::HaProxy => haproxy::configuration(&self.place)?,
            Kind::Apache => apache::configuration(&self.place)?,
        };
        Ok(fs::write(self.place.configuration(), text + lines)?)
    }

    /// The table of `tickets.toml` by which its keys are kept, for the ring `name`.
    pub fn ring(&self, name: &str) -> String {
        let lines = match self.kind {
            Kind::Nginx => nginx::driver(&self.place),
            Kind::HaProxy => haproxy::driver(&self.place),
            Kind::Apache => apache::driver(&self.place),
        };
        format!("[[ring]]\nname = \"{name}\"\nfolder = {:?}\n{lines}", self.place.tickets)
    }

    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    /// When it is not installed, or ends at once.
    pub fn start(&mut self) -> Result<()> {
        let mut command = match self.kind {
            Kind::Nginx => nginx::command(&self.place),
            Kind::HaProxy => haproxy::command(&self.place),
            Kind::Apache => apache::command(&self.place),
        };
        let output = File::options().create(true).append(true).open(self.place.log())?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let program = command.get_program().to_string_lossy().into_owned();
        let process = self.place.namespace.run(|| command.spawn())?;
        let process = process.with_context(|| format!("cannot start {program}: `cargo xtask setup` installs it"))?;
        let process = self.process.insert(process);
        eventually("the web server listens", || {
            let has_ended = process.try_wait()?.is_some();
            ensure!(!has_ended, "{program} has ended: {}", fs::read_to_string(self.place.log())?);
            Ok(self.place.namespace.run(|| TcpStream::connect(self.place.address))?.is_ok())
        })
    }

    /// Stops it, and waits until it is gone.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        // Its workers would outlive a server that is killed.
        kill(Pid::from_raw(process.id().try_into()?), Signal::SIGTERM)?;
        eventually("the web server ends", || Ok(process.try_wait()?.is_some()))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.place.address
    }

    /// Where it is, and with what.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What it has said so far.
    ///
    /// # Errors
    /// When it has not been started.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.place.log())?)
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        // One that does not end is ended with its namespace.
        let _ = self.stop();
    }
}

impl Place {
    fn configuration(&self) -> PathBuf {
        self.folder.join("server.conf")
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.join("server.pid")
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("server.sock")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }
}

/// A program with these arguments.
fn program(name: &str, args: &[&Path]) -> Command {
    let mut command = Command::new(name);
    command.args(args);
    command
}
