use super::{Config, TlsIdentity};
use crate::tickets::keeper::cluster::PeerKey;
use crate::tickets::{RingName, Timing};
use rustls::pki_types::DnsName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The session-ticket keys that back-ends share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tickets {
    /// Where back-ends fetch them.
    pub listen: SocketAddr,
    /// What the agent shows to them and asks of them.
    pub identity: TlsIdentity,
    /// Folder on tmpfs that rings are kept in while the agent is started anew.
    pub folder: PathBuf,
    /// Back-ends that get no keys any more, whatever certificates they have.
    pub revoked_nodes: BTreeSet<String>,
    /// The other agents that serve the same rings, if there are any.
    pub cluster: Option<TicketCluster>,
    /// The rings; at least one, no two with the same name.
    pub rings: Vec<TicketRing>,
}

/// Several agents that serve the same rings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketCluster {
    /// What this agent is called among them.
    pub name: String,
    /// Where they meet: URLs of etcd.
    pub etcd: Vec<String>,
    /// File of this agent's seal key.
    pub seal_key: PathBuf,
    /// The agents, with the public halves of their seal keys.
    pub peers: BTreeMap<String, PeerKey>,
    /// What all keys in etcd begin with.
    pub prefix: String,
    /// How long a leader that is gone keeps others from leading.
    pub ttl: Duration,
    /// File of who signs etcd's certificate; `None` without TLS.
    pub ca: Option<PathBuf>,
    /// Files of the certificate that etcd is shown, and of its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// A ring of keys: one for each certificate identity and kind of server, since tickets mean nothing to other servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketRing {
    /// What it is called.
    pub name: RingName,
    /// The services whose back-ends share it: TCP, one port each; at least one, none twice.
    pub services: Vec<String>,
    /// Whose certificate those back-ends show: the name that clients ask for.
    pub identity: DnsName<'static>,
    /// What runs on those back-ends.
    pub server: ServerKind,
    /// How long things last.
    pub timing: Timing,
    /// How many of the nodes, in per cent, must have the next key before it is activated without delay.
    pub min_ready: u8,
    /// How often it is tried whether sessions are resumed; `None`: never.
    pub probe_interval: Option<Duration>,
}

/// What terminates TLS on a back-end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerKind {
    /// nginx.
    Nginx,
    /// HAProxy.
    Haproxy,
    /// Apache httpd: one key, no overlap.
    Apache,
    /// Envoy.
    Envoy,
    /// A server in Rust with the library's ticketer.
    Rustls,
    /// Anything that a hook of the operator's knows how to tell.
    Exec,
}

impl Tickets {
    /// Where rings are kept unless the configuration says otherwise.
    pub const DEFAULT_FOLDER: &str = "/run/handoff/tickets";
}

impl TicketRing {
    /// Half of the nodes.
    pub const DEFAULT_MIN_READY: u8 = 50;
    /// Twice a minute.
    pub const DEFAULT_PROBE_INTERVAL: Duration = Duration::from_secs(30);

    /// The nodes that get the ring: the back-ends of its services, but for revoked ones.
    pub fn nodes(&self, config: &Config) -> BTreeSet<String> {
        let revoked = |name: &String| config.tickets.as_ref().is_some_and(|it| it.revoked_nodes.contains(name));
        let services = config.services.iter().filter(|service| self.services.contains(&service.name));
        let names = services.flat_map(|service| service.backends.iter().map(|backend| backend.name.clone()));
        names.filter(|name| !revoked(name)).collect()
    }
}

impl ServerKind {
    /// All kinds, as the configuration calls them.
    pub const ALL: [(&str, Self); 6] = [
        ("nginx", Self::Nginx),
        ("haproxy", Self::Haproxy),
        ("apache", Self::Apache),
        ("envoy", Self::Envoy),
        ("rustls", Self::Rustls),
        ("exec", Self::Exec),
    ];
}

impl fmt::Display for ServerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, kind)| kind == self).map_or("", |(name, _)| name);
        f.pad(name)
    }
}
