//! Certificates for people without a PKI of their own: an authority that signs for nobody but agents that give out ticket keys, and the
//! back-ends that get them.
//!
//! Each of these makes a whole folder or nothing. Nothing of it is recorded: who enrolls again gets another key and certificate.

mod authority;
mod error;
mod folder;
mod name;
mod node_file;
mod subject;

pub use error::Error;
pub use name::{Name, agent_url};
pub use node_file::NODE_FOLDER;

use authority::Authority;
use folder::write_folder;
use hyper::Uri;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use subject::Subject;

/// An agent that back-ends get keys from.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its host's name.
    pub name: Name,
    /// Addresses that back-ends may know it by instead.
    pub addresses: Vec<IpAddr>,
}

/// Makes an authority, and by it the certificate of an agent: `ca.pem`, `ca.key`, `agent.pem` and `agent.key` in `folder`.
///
/// # Errors
/// When there is something in the folder already, or it cannot be written.
pub fn init_ca(folder: &Path, agent: Agent, authority_lifetime: Duration, lifetime: Duration) -> Result<(), Error> {
    let (authority, key) = Authority::make(authority_lifetime)?;
    let mut files = vec![authority.file(), key];
    files.extend(authority.certify(&Subject::Agent(agent), lifetime)?);
    write_folder(folder, 0o755, &files)
}

/// Makes the certificate of another agent, or a new one of the same, by the authority in `ca`: `agent.pem`, `agent.key` and `ca.pem` in
/// `folder`.
///
/// # Errors
/// When the authority cannot be read, when there is something in the folder already, or when it cannot be written.
pub fn enroll_agent(ca: &Path, agent: Agent, lifetime: Duration, folder: &Path) -> Result<(), Error> {
    let authority = Authority::load(ca)?;
    let mut files = vec![authority.file()];
    files.extend(authority.certify(&Subject::Agent(agent), lifetime)?);
    write_folder(folder, 0o700, &files)
}

/// Makes what a back-end needs to get keys from `agents`, by the authority in `ca`: `node.pem`, `node.key`, `ca.pem` and a
/// `tickets.toml` in `folder`.
///
/// # Errors
/// When the authority cannot be read, when there is something in the folder already, or when it cannot be written.
pub fn enroll(ca: &Path, node: Name, agents: &[Uri], lifetime: Duration, folder: &Path) -> Result<(), Error> {
    let authority = Authority::load(ca)?;
    let mut files = vec![authority.file(), node_file::file(&node, agents)];
    files.extend(authority.certify(&Subject::Node(node), lifetime)?);
    write_folder(folder, 0o700, &files)
}

#[cfg(test)]
mod tests;
