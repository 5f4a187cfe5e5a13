use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

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

impl fmt::Display for HealthStatus {
    /// `up 0.4 ms`, with how long the last success took.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.state, self.latency_ms) {
            (HealthState::Unknown, _) => f.pad("unknown"),
            (HealthState::Down, _) => f.pad("down"),
            (HealthState::Up, Some(latency)) => write!(f, "up {latency:.1} ms"),
            (HealthState::Up, None) => f.pad("up"),
        }
    }
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

impl fmt::Display for BackendState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ready => "ready",
            Self::Unreachable => "unreachable",
            Self::Starting => "starting",
            Self::Down => "down",
            Self::Draining => "draining",
            Self::Disabled => "disabled",
            Self::Leaving => "leaving",
        })
    }
}
