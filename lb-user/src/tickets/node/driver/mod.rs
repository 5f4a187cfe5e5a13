//! How web servers get their ticket keys: which files they read, in which format, and what makes them use what the files say.

mod apache;
mod encoded;
mod envoy;
mod error;
mod exec;
mod haproxy;
mod nginx;
mod process;
mod raw;

pub use error::Error;

pub(super) use {apache::Apache, envoy::Envoy, exec::Exec, haproxy::HaProxy, nginx::Nginx};

use crate::program;
use crate::tickets::Ring;
use crate::tickets::{Folder, FolderError};
use std::ffi::OsStr;
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How often it is looked whether a server has other workers.
const PAUSE: Duration = Duration::from_millis(50);

/// How one ring gets to one web server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    pub(super) server: Server,
    /// How long the server may take to use other keys.
    pub(super) timeout: Duration,
}

/// The kinds of servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Server {
    Nginx(Nginx),
    HaProxy(HaProxy),
    Apache(Apache),
    Envoy(Envoy),
    Exec(Exec),
}

/// A file of keys. What it says is overwritten when it is dropped.
#[derive(Debug)]
pub struct KeyFile {
    /// Its name in the folder of the ring.
    pub name: &'static str,
    /// What it says.
    pub content: Zeroizing<Vec<u8>>,
}

impl Driver {
    /// What it is called in the configuration.
    pub fn name(&self) -> &'static str {
        self.server.name()
    }

    /// The files that the server reads, in the order in which they are to be written: whoever reads them while only some are replaced
    /// finds no key that nobody else has yet in use.
    pub fn files(&self, ring: &Ring) -> Vec<KeyFile> {
        match &self.server {
            Server::Nginx(_) | Server::Exec(_) => raw::files(ring),
            Server::HaProxy(_) => vec![haproxy::file(ring)],
            Server::Apache(_) => vec![apache::file(ring)],
            Server::Envoy(envoy) => vec![envoy.file(ring)],
        }
    }

    /// Writes the files. A server that starts from now on uses the ring.
    ///
    /// # Errors
    /// When the folder is full, or the system refuses; some files may have been written.
    pub fn write(&self, folder: &Folder, ring: &Ring) -> Result<(), FolderError> {
        self.files(ring).iter().try_for_each(|file| folder.write(file.name, &file.content))
    }

    /// Has the running server use the ring, whose files have been written, and makes sure that it does as far as it lets us know.
    ///
    /// # Errors
    /// When the server is not running, or does not use the ring. To try again does no harm.
    pub async fn apply(&self, folder: &Folder, ring: &Ring) -> Result<(), Error> {
        let applied = async {
            match &self.server {
                Server::Nginx(nginx) => nginx.apply().await,
                Server::HaProxy(haproxy) => haproxy.apply(folder, ring).await,
                Server::Apache(apache) => apache.apply().await,
                // It watches the folder, and says nothing of what it found.
                Server::Envoy(_) => Ok(()),
                Server::Exec(exec) => exec.apply(folder, ring).await,
            }
        };
        let slow = Error::Slow { server: self.server.name(), after: self.timeout };
        timeout(self.timeout, applied).await.unwrap_or(Err(slow))
    }
}

impl Server {
    /// What it is called in the configuration.
    fn name(&self) -> &'static str {
        match self {
            Self::Nginx(_) => "nginx",
            Self::HaProxy(_) => "haproxy",
            Self::Apache(_) => "apache",
            Self::Envoy(_) => "envoy",
            Self::Exec(_) => "exec",
        }
    }
}

/// Runs a program with these variables, and expects it to succeed.
async fn run<V: AsRef<OsStr>>(command: &[String], variables: &[(&str, V)]) -> Result<(), Error> {
    let program = || command.join(" ");
    let ended = program::run(command, variables).await;
    let (status, said) = ended.map_err(|source| Error::Run { program: program(), source })?;
    if status.success() {
        return Ok(());
    }
    Err(Error::failed(program(), status, &said))
}

#[cfg(test)]
mod tests;
