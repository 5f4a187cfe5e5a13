use crate::config::{Prefix, Protocol};
use lb_common::flow_table::Phase;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// Which flows are meant, as the query of `GET /v1/flows` and of `GET /v1/flows/top/...`: all that are not expired, but for what is said
/// here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowFilter {
    /// Only those of these clients.
    pub client: Option<Prefix>,
    /// Only those of this service.
    pub service: Option<String>,
    /// Only those of back-ends with this name.
    pub backend: Option<String>,
    /// Only those in this state.
    pub state: Option<FlowState>,
    /// How many to answer with, at most; no more than [`FlowFilter::MAX_LIMIT`].
    #[serde(default = "default_limit")]
    pub limit: u32,
}

impl FlowFilter {
    /// The largest answer.
    pub const MAX_LIMIT: u32 = 10_000;
}

fn default_limit() -> u32 {
    100
}

/// How far along a flow is, as far as the client's half of it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowState {
    /// Only the first packet of a connection was seen.
    HalfOpen,
    /// More packets of a connection were seen.
    Established,
    /// The client is done with the connection.
    Closing,
    /// Only one datagram was seen.
    FirstDatagram,
    /// More datagrams were seen.
    Datagrams,
}

impl FlowState {
    /// That of a flow in the flow table; `None` for what is no flow.
    pub fn of(phase: Phase) -> Option<Self> {
        Some(match phase {
            Phase::HALF_OPEN => Self::HalfOpen,
            Phase::ESTABLISHED => Self::Established,
            Phase::CLOSING => Self::Closing,
            Phase::FIRST_DATAGRAM => Self::FirstDatagram,
            Phase::DATAGRAMS => Self::Datagrams,
            _ => return None,
        })
    }
}

impl fmt::Display for FlowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::HalfOpen => Phase::HALF_OPEN.name(),
            Self::Established => Phase::ESTABLISHED.name(),
            Self::Closing => Phase::CLOSING.name(),
            Self::FirstDatagram => Phase::FIRST_DATAGRAM.name(),
            Self::Datagrams => Phase::DATAGRAMS.name(),
        })
    }
}

/// `GET /v1/flows`: flows that were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowList {
    /// Whether 5-tuples are kept (`flow-table: keys`).
    pub keys: bool,
    /// How many flows there are of those that were asked for.
    pub matched: u64,
    /// As many of them as were asked for.
    pub flows: Vec<FlowStatus>,
}

/// A flow that is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowStatus {
    /// Its 5-tuple; `None` when that is not known.
    pub tuple: Option<FlowTuple>,
    /// The service.
    pub service: String,
    /// The back-end that it was given to.
    pub backend: String,
    /// How far along it is.
    pub state: FlowState,
    /// Seconds since its last packet.
    pub idle_s: u64,
    /// Seconds until it is forgotten, if no packet comes.
    pub expires_in_s: u64,
}

/// What tells a flow from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FlowTuple {
    /// The client.
    pub client: SocketAddr,
    /// What it connected to.
    pub vip: SocketAddr,
    /// How.
    pub protocol: Protocol,
}

/// What flows are counted by, in the path of `GET /v1/flows/top/...`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TopBy {
    /// Addresses of clients.
    Clients,
    /// Back-ends.
    Backends,
    /// Services.
    Services,
}

impl fmt::Display for TopBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Clients => "clients",
            Self::Backends => "backends",
            Self::Services => "services",
        })
    }
}

/// `GET /v1/flows/top/clients`, `.../backends`, `.../services`: who has most flows of those that were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopFlows {
    /// Whether 5-tuples are kept (`flow-table: keys`).
    pub keys: bool,
    /// How many flows there are of those that were asked for.
    pub matched: u64,
    /// Those who have most of them, in falling order.
    pub top: Vec<FlowCount>,
}

/// How many flows somebody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowCount {
    /// Who.
    #[serde(flatten)]
    pub of: FlowOwner,
    /// How many.
    pub flows: u64,
}

/// Whose a flow is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", untagged)]
pub enum FlowOwner {
    /// A back-end's.
    Backend {
        /// Its service.
        service: String,
        /// Its name.
        backend: String,
    },
    /// A service's.
    Service {
        /// Its name.
        service: String,
    },
    /// A client's.
    Client {
        /// Its address; `None` for all whose address is not known.
        client: Option<IpAddr>,
    },
}
