use super::{InterfaceName, Service};
use lb_common::wire::Mac;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// A real server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Its name in every listing.
    pub name: String,
    /// Its own address: with l2-dsr one of the VIP's family, with tunnels of either.
    pub address: IpAddr,
    /// How many new flows it gets, relative to the others of the service: 1 without a weighted scheduler, 0 for none.
    pub weight: u16,
    /// Tags that frames to it leave with, the outer one first; none means untagged. `None`: as the network says.
    pub vlans: Option<Vec<u16>>,
    /// Where frames to it are sent. `None`: where the network says.
    pub next_hop: Option<FixedNextHop>,
}

impl Backend {
    /// What weights there are.
    pub const WEIGHTS: RangeInclusive<u16> = 0..=256;
    /// What a back-end weighs unless the configuration says otherwise.
    pub const DEFAULT_WEIGHT: u16 = 1;
    /// Identifiers that a VLAN may have (IEEE 802.1Q, 9.6).
    pub const VLANS: RangeInclusive<u16> = 1..=4_094;
    /// Most tags that a frame may leave with.
    pub const MAX_VLANS: usize = 2;
}

/// A back-end of a service, by the names of both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BackendName {
    /// The service.
    pub service: String,
    /// The back-end.
    pub backend: String,
}

impl BackendName {
    /// That of `backend`, one of `service`.
    pub fn of(service: &Service, backend: &Backend) -> Self {
        Self { service: service.name.clone(), backend: backend.name.clone() }
    }
}

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.service, self.backend)
    }
}

/// A next hop that neither ARP nor neighbour discovery is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedNextHop {
    /// The interface that frames leave by.
    pub interface: InterfaceName,
    /// The Ethernet address that they are sent to: one host's.
    pub mac: Mac,
}
