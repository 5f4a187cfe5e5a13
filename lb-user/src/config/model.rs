//! The checked configuration. A value of these types is right by construction.

use lb_common::abi::{Address, ServiceKey, Ticks, Timeouts};
use lb_common::wire::{Be16, protocol};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Where the configuration is unless a command names another file.
pub const DEFAULT_FILE: &str = "/etc/handoff/handoff.toml";
/// Where the agent listens unless the configuration says otherwise.
pub const DEFAULT_SOCKET: &str = "/run/handoff/control.sock";
/// Where links and maps are pinned unless the configuration says otherwise.
pub const DEFAULT_PIN_FOLDER: &str = "/sys/fs/bpf/handoff";

/// Everything that the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Interfaces that clients' packets arrive by; at least one, none twice.
    pub interfaces: Vec<InterfaceName>,
    /// Where in the network stack the program runs.
    pub xdp_mode: XdpMode,
    /// Unix socket that the command line talks to the agent through.
    pub control_socket: PathBuf,
    /// Folder in the BPF file system that links and maps are pinned in, below a folder for the version of their layout.
    pub pin_folder: PathBuf,
    /// How long live flows of a removed back-end may go on.
    pub removal_grace: Duration,
    /// The memory of flows.
    pub flow_table: FlowTable,
    /// What clients connect to; no two with the same VIP, port and protocol, or the same name.
    pub services: Vec<Service>,
}

impl Config {
    /// Addresses of all back-ends, each once.
    pub fn addresses(&self) -> BTreeSet<Ipv4Addr> {
        self.services.iter().flat_map(|service| &service.backends).map(|backend| backend.address).collect()
    }
}

/// Name of a network interface: 1 to 15 bytes, no `/` and no white space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InterfaceName(pub(super) String);

impl InterfaceName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where in the network stack the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum XdpMode {
    /// In the driver where it can, otherwise in the generic hook.
    Auto,
    /// In the driver, before the kernel makes a socket buffer.
    Native,
    /// After the kernel made a socket buffer: slower, on every interface.
    Generic,
}

/// The memory of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowTable {
    /// Flows that it has room for: a power of two, 16 bytes each.
    pub flows: u32,
    /// How long they are remembered.
    pub timeouts: Timeouts,
}

impl FlowTable {
    /// How many flows there may be room for: from 16 KiB to 1 GiB.
    pub const FLOWS: RangeInclusive<u32> = 1 << 10..=1 << 26;

    /// Room for 1,048,576 flows in 16 MiB.
    pub const DEFAULT: Self = Self { flows: 1 << 20, timeouts: Timeouts::DEFAULT };
}

/// What clients connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in every listing.
    pub name: String,
    /// Virtual address, which the balancer receives packets for and every back-end answers from.
    pub vip: Ipv4Addr,
    /// Port, in host order; not 0.
    pub port: u16,
    /// Transport protocol.
    pub protocol: Protocol,
    /// How new flows are spread.
    pub scheduler: Scheduler,
    /// How packets get to the back-ends.
    pub forwarding: Forwarding,
    /// Who answers; no two with the same name or address.
    pub backends: Vec<Backend>,
}

impl Service {
    /// Key of the service in the maps.
    pub fn key(&self) -> ServiceKey {
        ServiceKey {
            address: Address::from_v4(self.vip.octets()),
            port: Be16::new(self.port),
            protocol: self.protocol.number(),
            padding: 0,
        }
    }
}

/// A real server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Its name in every listing.
    pub name: String,
    /// Its own address, in a subnet that the balancer is connected to.
    pub address: Ipv4Addr,
}

/// Transport protocol of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// Its IANA protocol number.
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => protocol::TCP,
            Self::Udp => protocol::UDP,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// How new flows are spread over the back-ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheduler {
    /// One back-end after the other.
    RoundRobin,
}

impl Scheduler {
    /// Its number in the maps.
    pub fn number(self) -> lb_common::abi::Scheduler {
        match self {
            Self::RoundRobin => lb_common::abi::Scheduler::ROUND_ROBIN,
        }
    }
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::RoundRobin => "round-robin",
        })
    }
}

/// How packets get to the back-ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Forwarding {
    /// New Ethernet addresses, nothing else: the back-end is on the same segment, has the VIP on its loopback interface and
    /// answers the client directly.
    L2Dsr,
}

impl fmt::Display for Forwarding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::L2Dsr => "l2-dsr",
        })
    }
}

/// `duration` in the clock of the flow table, rounded up, so that no flow is forgotten early.
pub(crate) fn to_ticks(duration: Duration) -> Ticks {
    let tick = 1u128 << lb_common::abi::TICK_SHIFT;
    Ticks::try_from(duration.as_nanos().div_ceil(tick)).unwrap_or(Ticks::MAX)
}
