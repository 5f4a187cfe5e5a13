//! The configuration: one TOML file, parsed whole into checked types before anything is touched.
//!
//! `file` is the shape of the file and `shape` the way to it, `model` what the rest of the agent works with, `check` the way from
//! one to the other, value by value in `value`. Of the system it needs only what `files` reads: lists of prefixes, and secrets.
//! A file of the right shape has all its mistakes reported at once, each with its line, its key, and what would be right.

mod check;
mod error;
mod file;
mod files;
mod model;
mod problems;
mod shape;
mod value;

pub use error::{Error, Place, Problem};
pub use model::{
    Access, Action, Affinity, AllDown, Analysis, Announce, AnnounceBy, AnnounceWhen, Api, Backend, BackendName,
    Community, Config, DEFAULT_FILE, DEFAULT_PIN_FOLDER, DEFAULT_SOCKET, DEFAULT_STATE_FOLDER, Dashboard, DnsProbe,
    FixedNextHop, FlowTable, Forwarding, GrpcProbe, Health, HttpProbe, Icmp, InterfaceName, InvalidPorts,
    InvalidPrefix, Limits, Ports, Prefix, Probe, Protocol, Quic, QuicKey, Reset, Scheduler, ServerKind, Service,
    Statuses, TicketCluster, TicketRing, Tickets, Tls, TlsIdentity, Trust, Tunnel, UdpProbe, Via, XdpMode,
};

pub(crate) use check::Checker;
pub(crate) use files::{Disk, Files, open_regular};
pub(crate) use model::to_ticks;
pub(crate) use problems::Seen;
pub(crate) use shape::Shape;
pub(crate) use value::{Choice, is_name};

use serde::de::DeserializeOwned;
use std::path::Path;

impl Config {
    /// Reads and checks the file at `path`, and those that it names.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, or says something that cannot be.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::parse(path, &read(path)?)
    }

    /// Checks `text`, the content of the file at `path`, and reads the files that it names.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        parse(path, text, &Disk)
    }
}

/// The text of the configuration at `path`.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<String, Error> {
    files::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn parse(path: &Path, text: &str, files: &dyn Files) -> Result<Config, Error> {
    let file = shaped(path, text, &shape::AGENT)?;
    check::check(path, text, &file, files).map_err(Error::Invalid)
}

/// The shape of `text`, the content of the file at `path`.
pub(crate) fn shaped<T: DeserializeOwned>(path: &Path, text: &str, shape: &Shape) -> Result<T, Error> {
    shape::parse(text, shape).map_err(|(line, message)| {
        let place = Place { path: path.into(), line };
        Error::Invalid(vec![Problem { place, message }])
    })
}

#[cfg(test)]
mod tests;
