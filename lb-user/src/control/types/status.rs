use crate::announce::Announced;
use crate::config::InterfaceName;
use serde::{Deserialize, Serialize};
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
    /// Its number.
    pub generation: u64,
    /// Back-ends that an operator said something about at run time.
    pub overrides: usize,
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
    /// What the network was told of the VIPs, if it is to be told anything.
    pub announced: Vec<Announced>,
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
