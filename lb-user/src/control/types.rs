//! What goes over the control socket, as JSON. The command line shows the same values as tables.

mod explain;
mod flows;
mod trace;

pub use explain::*;
pub use flows::*;
pub use trace::*;

use crate::announce::Announced;
use crate::config::{AllDown, BackendName, InterfaceName, Ports, Protocol, Scheduler};
use lb_common::abi::{SizeClass, VerdictCounters};
use serde::{Deserialize, Serialize};
use std::fmt;
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
    /// What becomes of new flows, if no back-end passes its health check.
    pub all_down: Option<AllDown>,
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
    /// What the configuration says of its weight, where an operator said something else.
    pub configured_weight: Option<u16>,
    /// Whether it gets new flows, and if not, why.
    pub state: BackendState,
    /// What is in the way of a back-end that is not ready, and what to do.
    pub reason: Option<String>,
    /// What its health checks say; `None` when it is not checked. With direct server return nothing can be told from the traffic: the
    /// back-end's answers do not pass the balancer.
    pub health: Option<HealthStatus>,
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

/// What the health checks of a back-end say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthStatus {
    /// The verdict.
    pub state: HealthState,
    /// How long the last success took, in milliseconds.
    pub latency_ms: Option<f64>,
    /// What the last failure was, also when it is over.
    pub last_error: Option<String>,
    /// For how many seconds the verdict has held.
    pub since_s: Option<u64>,
}

/// The verdict of health checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealthState {
    /// There was none yet.
    Unknown,
    /// It answers.
    Up,
    /// It does not.
    Down,
}

/// Whether a back-end gets new flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackendState {
    /// It does.
    Ready,
    /// It does not: the network does not know its Ethernet address.
    Unreachable,
    /// It gets a part of its share, and more and more: it was out of service.
    Starting,
    /// It does not: its health check fails. When all back-ends are down, it may get new flows all the same.
    Down,
    /// It does not: an operator drains it.
    Draining,
    /// It gets no flows at all: an operator disabled it.
    Disabled,
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

/// `POST /v1/plan`, and `POST /v1/apply`: a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// Where it comes from, for the messages about it; `None` means the agent's own file.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// What it says; `None` means what the agent's own file says now.
    #[serde(default)]
    pub text: Option<String>,
    /// Do it even when too few back-ends are left.
    #[serde(default)]
    pub force: bool,
}

/// `POST /v1/rollback`: back to a former generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// Its number; `None` means the one before the current.
    #[serde(default)]
    pub to: Option<u64>,
    /// Do it even when too few back-ends are left.
    #[serde(default)]
    pub force: bool,
}

/// Answer to `POST /v1/plan`, `POST /v1/apply` and `POST /v1/rollback`: what the configuration changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanReport {
    /// The generation that is followed: the present one, or after a change that was made, the new one.
    pub generation: u64,
    /// What changes for the whole program.
    pub program: Vec<String>,
    /// Services that change.
    pub services: Vec<ServicePlan>,
    /// Why it is not done.
    pub refusals: Vec<Refusal>,
}

impl PlanReport {
    /// Whether anything changes.
    pub fn is_change(&self) -> bool {
        !self.program.is_empty() || !self.services.is_empty()
    }
}

/// Why a change is not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What is in the way.
    pub message: String,
    /// Whether it is made with `force` all the same.
    pub can_be_forced: bool,
}

/// What changes of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServicePlan {
    /// Its name.
    pub name: String,
    /// Whether it comes, goes or changes.
    pub change: PlannedChange,
    /// What it says differently, besides its back-ends.
    pub details: Vec<String>,
    /// Back-ends that change.
    pub backends: Vec<BackendPlan>,
    /// The part of its new flows that goes elsewhere than before, 0 to 1.
    pub ring_moved: f64,
    /// The part of its consistent ring that means another back-end, 0 to 1: it is what flows go by that are not remembered.
    pub consistent_moved: f64,
}

/// What changes of a back-end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendPlan {
    /// Its name.
    pub name: String,
    /// Its own address.
    pub address: IpAddr,
    /// Whether it comes, goes or changes.
    pub change: PlannedChange,
    /// What is said differently of it.
    pub details: Vec<String>,
    /// Flows that it has now. Those of one that goes may end within the removal grace.
    pub live_flows: u64,
}

/// What becomes of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedChange {
    /// It is new.
    Added,
    /// It is no more.
    Removed,
    /// It is another than before.
    Changed,
}

/// `GET /v1/generations`: one element for each configuration that can be gone back to, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Its number.
    pub number: u64,
    /// When it was applied, in seconds since 1970.
    pub applied_unix_s: Option<u64>,
    /// Whether it is the one that is followed.
    pub is_current: bool,
}

/// `GET /v1/events`: a change of state, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts up from 1 at the agent's start. Where numbers are missing, events were.
    pub number: u64,
    /// When, in milliseconds since 1970.
    pub unix_ms: u64,
    /// What it is about.
    pub kind: EventKind,
    /// Whether somebody should look at it.
    pub alarming: bool,
    /// The service that it is about, if it is about one.
    pub service: Option<String>,
    /// Its back-end.
    pub backend: Option<String>,
    /// What happened.
    pub message: String,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// How a back-end stands.
    Backend,
    /// How a service stands.
    Service,
    /// The configuration.
    Config,
    /// What an operator said at run time.
    Override,
    /// The data plane.
    Dataplane,
    /// Whether VIPs are announced.
    Announce,
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Backend => "backend",
            Self::Service => "service",
            Self::Config => "config",
            Self::Override => "override",
            Self::Dataplane => "dataplane",
            Self::Announce => "announce",
        })
    }
}

/// `POST /v1/override`: what holds for a back-end instead of what the configuration says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideRequest {
    /// The service; `None` means every service that has such a back-end.
    #[serde(default)]
    pub service: Option<String>,
    /// The back-end's name.
    pub backend: String,
    /// What to do.
    pub verb: Verb,
    /// Do it even when too few back-ends are left.
    #[serde(default)]
    pub force: bool,
}

/// What an operator does with a back-end at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Give it no new flows; those that it has go on.
    Drain,
    /// Give it new flows again.
    Undrain,
    /// Give it no flows at all; those that it has are forgotten at once.
    Disable,
    /// Let it take flows again.
    Enable,
    /// Weigh it so.
    Weight(u16),
    /// Weigh it as the configuration says.
    ResetWeight,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drain => f.pad("drain"),
            Self::Undrain => f.pad("undrain"),
            Self::Disable => f.pad("disable"),
            Self::Enable => f.pad("enable"),
            Self::Weight(weight) => write!(f, "weight {weight}"),
            Self::ResetWeight => f.pad("weight as configured"),
        }
    }
}

/// Answer to `POST /v1/override`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideAnswer {
    /// The back-ends that it was about.
    pub backends: Vec<BackendName>,
    /// Why the data plane does not follow yet; `None` when it does.
    pub failure: Option<String>,
}

/// `POST /v1/stop`: what becomes of forwarding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// Detach the program and let go of all state; otherwise forwarding goes on without the agent.
    pub purge: bool,
    /// Withdraw all VIPs and wait for clients to find another way, first.
    #[serde(default)]
    pub drain: bool,
}
