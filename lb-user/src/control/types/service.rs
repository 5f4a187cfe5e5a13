use crate::config::{AllDown, Ports, Protocol, Scheduler};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

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
