//! What goes over the control socket, as JSON. The command line shows the same values as tables.

mod explain;
mod flows;
mod trace;

pub use explain::*;
pub use flows::*;
pub use trace::*;

use crate::config::{InterfaceName, Ports, Protocol, Scheduler};
use lb_common::abi::{SizeClass, VerdictCounters};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::PathBuf;

/// `GET /v1/status`: the agent and what it is attached to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the agent.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime_s: u64,
    /// The configuration that it follows.
    pub config: PathBuf,
    /// Where links and maps are pinned.
    pub pin_folder: PathBuf,
    /// Version of the layout of the maps.
    pub abi: u32,
    /// Interfaces that clients' packets arrive by.
    pub interfaces: Vec<InterfaceStatus>,
    /// The memory of flows.
    pub flow_table: FlowTableStatus,
    /// Services.
    pub services: usize,
    /// Back-ends of all services.
    pub backends: usize,
    /// Back-ends that get new flows.
    pub ready: usize,
    /// Nanoseconds that the program takes for a packet, on average; `None` when that is not measured.
    pub ns_per_packet: Option<f64>,
    /// Why the last change of state could not be carried out; `None` when it was.
    pub failure: Option<String>,
}

/// An interface of the balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceStatus {
    /// Its name.
    pub name: InterfaceName,
    /// Kernel's index.
    pub ifindex: u32,
    /// Its Ethernet address.
    pub mac: String,
    /// Whether it is up.
    pub up: bool,
    /// `native`, `generic`, `offloaded`, or `none` when nothing is attached.
    pub xdp: String,
}

/// The memory of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowTableStatus {
    /// Flows that it has room for.
    pub capacity: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Bytes that the flows' 5-tuples take besides; 0 when they are not kept.
    pub key_bytes: u64,
    /// Flows that are not expired.
    pub live: u64,
}

/// `GET /v1/services`: one element for each service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// Its virtual address.
    pub vip: IpAddr,
    /// Its ports: `443`, `8000-8099` or `all`.
    pub ports: Ports,
    /// Its transport protocol.
    pub protocol: Protocol,
    /// How new flows are spread.
    pub scheduler: Scheduler,
    /// How packets get to the back-ends: `l2-dsr`, `ipip` or `gue`.
    pub forwarding: String,
    /// Back-ends.
    pub backends: usize,
    /// Back-ends that get new flows.
    pub ready: usize,
    /// Flows that the scheduler gave to a back-end.
    pub new_flows: u64,
    /// Flows that are not expired.
    pub live_flows: u64,
    /// Packets of the clients, forwarded.
    pub packets: u64,
    /// Their bytes, Ethernet headers included.
    pub bytes: u64,
    /// Packets of TCP connections that were not remembered, forwarded by the consistent ring.
    pub unknown_flows: u64,
    /// New flows that found the flow table full, forwarded by the consistent ring.
    pub table_full: u64,
    /// New flows that went where their client was before.
    pub affinity: u64,
    /// New flows during a flood, forwarded by the consistent ring and not remembered.
    pub flood: u64,
    /// Datagrams that were scheduled by themselves.
    pub one_packet: u64,
    /// Packets that went where their QUIC connection ID says.
    pub quic: u64,
    /// Fragments but the first of each packet, forwarded.
    pub fragments: u64,
    /// ICMP errors, forwarded to the back-end that they are about.
    pub icmp_errors: u64,
    /// Messages to clients that a packet is too big.
    pub too_big: u64,
    /// Packets that were dropped.
    pub dropped: u64,
}

/// `GET /v1/backends`: one element for each back-end of each service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackendStatus {
    /// The service that it belongs to.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its own address.
    pub address: IpAddr,
    /// How many new flows it gets, relative to the others of the service.
    pub weight: u16,
    /// Whether it gets new flows, and if not, why.
    pub state: BackendState,
    /// What is in the way of a back-end that is not ready, and what to do.
    pub reason: Option<String>,
    /// The interface that it is reached through.
    pub interface: Option<String>,
    /// Its Ethernet address on that segment.
    pub mac: Option<String>,
    /// Flows that the scheduler gave to it.
    pub new_flows: u64,
    /// Its share of the service's new flows, 0 to 1.
    pub share: f64,
    /// Flows that are not expired.
    pub live_flows: u64,
    /// Packets of the clients, forwarded to it.
    pub packets: u64,
    /// Their bytes, Ethernet headers included.
    pub bytes: u64,
    /// Fragments but the first of each packet.
    pub fragments: u64,
    /// ICMP errors.
    pub icmp_errors: u64,
}

/// Whether a back-end gets new flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackendState {
    /// It does.
    Ready,
    /// It does not: the network does not know its Ethernet address.
    Unreachable,
    /// It does not: it was removed from the configuration, and its live flows may end in peace.
    Leaving,
}

/// `GET /v1/counters`: one element for each verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictCounter {
    /// `forwarded`, `answered`, `passed` or `dropped`.
    pub action: String,
    /// Name of the verdict.
    pub reason: String,
    /// Packets.
    pub packets: u64,
    /// Their bytes, Ethernet headers included.
    pub bytes: u64,
    /// How many packets there are of each size: up to 64, 128, 256, 512, 1024 and 1518 bytes, and above.
    pub sizes: [u64; SizeClass::COUNT],
}

impl VerdictCounter {
    /// What was counted under the verdict with this action and reason.
    pub fn new(action: &str, reason: &str, counted: &VerdictCounters) -> Self {
        Self {
            action: action.to_owned(),
            reason: reason.to_owned(),
            packets: counted.packets(),
            bytes: counted.bytes,
            sizes: counted.sizes,
        }
    }
}

/// `POST /v1/stop`: what becomes of forwarding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Detach the program and let go of all state; otherwise forwarding goes on without the agent.
    pub purge: bool,
}
