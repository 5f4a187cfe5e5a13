use super::{Access, Affinity, AllDown, Backend, Forwarding, Health, Limits, Ports, Quic};
use lb_common::abi::{Address, ServiceKey, ServiceKind};
use lb_common::wire::{Be16, protocol};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// What clients connect to.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Its name in every listing.
    pub name: String,
    /// Virtual address, which the balancer receives packets for and every back-end answers from.
    pub vip: IpAddr,
    /// Ports of the VIP.
    pub ports: Ports,
    /// Transport protocol.
    pub protocol: Protocol,
    /// How new flows are spread.
    pub scheduler: Scheduler,
    /// How packets get to the back-ends.
    pub forwarding: Forwarding,
    /// How long a silent flow is remembered; `None`: as the flow table says for the protocol.
    pub idle_timeout: Option<Duration>,
    /// Whether every datagram is scheduled by itself and no flow is remembered; only with UDP.
    pub one_packet: bool,
    /// Whether and how clients are sent where they were before.
    pub affinity: Option<Affinity>,
    /// Who may connect.
    pub access: Access,
    /// How many new flows there may be.
    pub limits: Limits,
    /// How connection IDs name back-ends, one for each codepoint that is in use; only with UDP.
    pub quic: Vec<Quic>,
    /// How the back-ends are checked; `None`: they are not.
    pub health: Option<Health>,
    /// How long a back-end that is back takes until it gets its whole share of new flows; `None`: it gets it at once.
    pub slow_start: Option<Duration>,
    /// What becomes of new flows while no back-end is healthy.
    pub all_down: AllDown,
    /// A change that would leave fewer healthy back-ends is refused, and with fewer the VIP is not announced; at most as many as there are.
    pub min_ready: u32,
    /// Whether the service has a say in whether its VIP is announced.
    pub is_announced: bool,
    /// Who answers; no two with the same name or address.
    pub backends: Vec<Backend>,
}

impl Service {
    /// Most idle timeouts besides those of the flow table that all services together may have.
    pub const MAX_IDLE_TIMEOUTS: usize = 31;

    /// What [`Service::min_ready`] is unless the configuration says otherwise: a service is not taken out of service by a change.
    pub const DEFAULT_MIN_READY: u32 = 1;

    /// Key of the service in the maps.
    pub fn key(&self) -> ServiceKey {
        let (port, kind) = match self.ports {
            Ports::One(port) => (port, ServiceKind::PORT),
            Ports::Range(first, _) => (first, ServiceKind::RANGE),
            Ports::All => (0, ServiceKind::RANGE),
        };
        let address = Address::from(self.vip);
        ServiceKey { address, port: Be16::new(port), protocol: self.protocol.number(), kind }
    }
}

/// Transport protocol of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP, by its ports.
    Sctp,
}

impl Protocol {
    /// Its IANA protocol number.
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => protocol::TCP,
            Self::Udp => protocol::UDP,
            Self::Sctp => protocol::SCTP,
        }
    }

    /// The one with this IANA protocol number.
    pub fn from_number(number: u32) -> Option<Self> {
        [Self::Tcp, Self::Udp, Self::Sctp].into_iter().find(|protocol| u32::from(protocol.number()) == number)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        })
    }
}

/// How new flows are spread over the back-ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheduler {
    /// One back-end after the other.
    RoundRobin,
    /// One after the other, each as often as its weight says, interleaved smoothly.
    WeightedRoundRobin,
    /// More to those that have fewer live flows.
    LeastConnections,
    /// More to those that have fewer live flows for their weight.
    WeightedLeastConnections,
    /// By the client's address: one client, one back-end.
    SourceHash,
    /// By the flow, in a way that a change of the back-ends moves few others (Maglev, NSDI 2016).
    Maglev,
}

impl Scheduler {
    /// Its number in the maps.
    pub fn number(self) -> lb_common::abi::Scheduler {
        match self {
            Self::RoundRobin => lb_common::abi::Scheduler::ROUND_ROBIN,
            Self::WeightedRoundRobin => lb_common::abi::Scheduler::WEIGHTED_ROUND_ROBIN,
            Self::LeastConnections => lb_common::abi::Scheduler::LEAST_CONNECTIONS,
            Self::WeightedLeastConnections => lb_common::abi::Scheduler::WEIGHTED_LEAST_CONNECTIONS,
            Self::SourceHash => lb_common::abi::Scheduler::SOURCE_HASH,
            Self::Maglev => lb_common::abi::Scheduler::MAGLEV,
        }
    }

    /// Whether back-ends may have weights.
    pub fn is_weighted(self) -> bool {
        !matches!(self, Self::RoundRobin | Self::LeastConnections)
    }
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::RoundRobin => "round-robin",
            Self::WeightedRoundRobin => "weighted-round-robin",
            Self::LeastConnections => "least-connections",
            Self::WeightedLeastConnections => "weighted-least-connections",
            Self::SourceHash => "source-hash",
            Self::Maglev => "maglev",
        })
    }
}
