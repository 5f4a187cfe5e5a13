//! The client's configuration: one TOML file, parsed whole into checked types.

mod check;
mod file;

use super::{Agents, Driver};
use crate::config::{Disk, Error, Files, read, shaped};
use crate::control::tls::client_tls;
use crate::tickets::RingName;
use hyper::http::uri::Uri;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the client is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The agents, as `https://HOST:PORT`, in the order in which they are asked.
    pub agents: Vec<Uri>,
    /// The certificate by which they know this back-end, and those between it and its authority.
    pub certificates: Vec<CertificateDer<'static>>,
    /// The key of that.
    pub key: Arc<PrivateKeyDer<'static>>,
    /// Who signs the certificates of agents.
    pub ca: Vec<CertificateDer<'static>>,
    /// The rings, in the order of the file.
    pub rings: Vec<RingConfig>,
}

/// A ring, and who is to use it here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingConfig {
    /// What the agents call it.
    pub name: RingName,
    /// Where its keys are written to. No other ring has this folder.
    pub folder: PathBuf,
    /// The server.
    pub driver: Driver,
}

impl Config {
    /// Where it is unless another place is named.
    pub const DEFAULT_FILE: &str = "/etc/handoff/tickets.toml";

    /// The agents, as they see this back-end.
    ///
    /// # Errors
    /// When certificate and key do not belong together.
    pub fn agents(&self) -> Result<Agents, rustls::Error> {
        let tls = client_tls(self.ca.clone(), self.certificates.clone(), self.key.clone_key())?;
        Ok(Agents::new(self.agents.clone(), Arc::new(tls)))
    }

    /// Reads and checks the file at `path`, and those that it names.
    ///
    /// # Errors
    /// When a file cannot be read, is not TOML, or says something that cannot be.
    pub fn load(path: &Path) -> Result<Self, Error> {
        parse(path, &read(path)?, &Disk)
    }
}

fn parse(path: &Path, text: &str, files: &dyn Files) -> Result<Config, Error> {
    let file = shaped(path, text, &file::SHAPE)?;
    check::check(path, text, &file, files).map_err(Error::Invalid)
}

#[cfg(test)]
mod tests;
