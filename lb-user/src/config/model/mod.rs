//! The checked configuration, a concept a file. A value of these types is right by construction.

mod access;
mod affinity;
mod analysis;
mod announce;
mod api;
mod backend;
mod dashboard;
mod flow_table;
mod forwarding;
mod health;
mod interface;
mod limits;
mod ports;
mod prefix;
mod quic;
mod service;
mod tickets;
mod tls_identity;

pub use access::{Access, Action};
pub use affinity::{Affinity, Reset};
pub use analysis::Analysis;
pub use announce::{Announce, AnnounceBy, AnnounceWhen, Community};
pub use api::Api;
pub use backend::{Backend, BackendName, FixedNextHop};
pub use dashboard::Dashboard;
pub use flow_table::FlowTable;
pub use forwarding::{Forwarding, Tunnel};
pub use health::{AllDown, DnsProbe, GrpcProbe, Health, HttpProbe, Probe, Statuses, Tls, Trust, UdpProbe, Via};
pub use interface::{InterfaceName, XdpMode};
pub use limits::Limits;
pub use ports::{InvalidPorts, Ports};
pub use prefix::{InvalidPrefix, Prefix};
pub use quic::{Quic, QuicKey};
pub use service::{Protocol, Scheduler, Service};
pub use tickets::{ServerKind, TicketCluster, TicketRing, Tickets};
pub use tls_identity::TlsIdentity;

pub(crate) use flow_table::to_ticks;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Where the configuration is unless a command names another file.
pub const DEFAULT_FILE: &str = "/etc/handoff/handoff.toml";
/// Where the agent listens unless the configuration says otherwise.
pub const DEFAULT_SOCKET: &str = "/run/handoff/control.sock";
/// Where links and maps are pinned unless the configuration says otherwise.
pub const DEFAULT_PIN_FOLDER: &str = "/sys/fs/bpf/handoff";

/// Where overrides and former configurations are kept unless the configuration says otherwise.
pub const DEFAULT_STATE_FOLDER: &str = "/var/lib/handoff";

/// Everything that the file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Interfaces that clients' packets arrive by; at least one, none twice.
    pub interfaces: Vec<InterfaceName>,
    /// Where in the network stack the program runs.
    pub xdp_mode: XdpMode,
    /// Unix socket that the command line talks to the agent through.
    pub control_socket: PathBuf,
    /// Folder in the BPF file system that links and maps are pinned in, below a folder for the version of their layout.
    pub pin_folder: PathBuf,
    /// Folder of what outlives the agent besides links and maps: overrides, and former configurations.
    pub state_folder: PathBuf,
    /// Whether the agent follows the file as soon as it changes.
    pub watch: bool,
    /// How long live flows of a removed back-end may go on.
    pub removal_grace: Duration,
    /// Whether the kernel measures the time that the program takes for a packet.
    pub measure_run_time: bool,
    /// Where numbers are served to whoever asks, without TLS.
    pub metrics: Option<SocketAddr>,
    /// The control API over TCP, if there is to be one.
    pub api: Option<Api>,
    /// The web page, if there is to be one.
    pub dashboard: Option<Dashboard>,
    /// What is found out about the traffic besides counting it.
    pub analysis: Analysis,
    /// What ports are for, besides those that are well known.
    pub applications: BTreeMap<(Protocol, u16), String>,
    /// What the balancer itself sends.
    pub icmp: Icmp,
    /// The memory of flows and of clients.
    pub flow_table: FlowTable,
    /// Whether and how the network is told which VIPs are here.
    pub announce: Option<Announce>,
    /// The session-ticket keys that back-ends share, if they do.
    pub tickets: Option<Tickets>,
    /// What clients connect to; no two with the same name, and none that a packet could mean as well as another.
    pub services: Vec<Service>,
}

impl Config {
    /// Addresses of the back-ends that the network has to know the way to, each once: all without a fixed next hop.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        let backends = self.services.iter().flat_map(|service| &service.backends);
        backends.filter(|backend| backend.next_hop.is_none()).map(|backend| backend.address).collect()
    }
}

impl Config {
    /// The names of all back-ends, in the order of the file.
    pub fn backend_names(&self) -> impl Iterator<Item = BackendName> {
        let services = self.services.iter();
        services.flat_map(|service| service.backends.iter().map(|backend| BackendName::of(service, backend)))
    }
}

/// What the balancer itself sends in ICMP and ICMPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// Whether echo requests to a VIP are answered.
    pub answer_echo: bool,
    /// How many of them a second, at most, over all VIPs; at least 1.
    pub echo_rate: u32,
    /// How many "too big" messages a second, at most, over all services; at least 1.
    pub too_big_rate: u32,
}

impl Icmp {
    /// Echo is answered, and neither kind is sent more often than 1,000 times a second.
    pub const DEFAULT: Self = Self { answer_echo: true, echo_rate: 1_000, too_big_rate: 1_000 };
}
