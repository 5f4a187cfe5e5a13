use super::{Flags, FlowTuple};
use crate::config::{Prefix, Protocol};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Which packets are meant, as the query of `GET /v1/trace`: all, but for what is said here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceRequest {
    /// Only those of these clients.
    pub client: Option<Prefix>,
    /// Only those for this VIP.
    pub vip: Option<IpAddr>,
    /// Only those for this port.
    pub port: Option<u16>,
    /// Only those of this protocol.
    pub protocol: Option<Protocol>,
    /// Only those with this verdict: `dropped`, or a reason, as `new-flow`.
    pub verdict: Option<String>,
    /// How many a second, at most; no more than [`TraceRequest::MAX_RATE`].
    #[serde(default = "default_rate")]
    pub rate: u32,
    /// After how many the trace ends.
    pub count: Option<u64>,
    /// After how many seconds the trace ends.
    pub duration_s: Option<u64>,
}

impl TraceRequest {
    /// Most records in a second.
    pub const MAX_RATE: u32 = 10_000;
}

fn default_rate() -> u32 {
    100
}

/// `GET /v1/trace`: what became of one packet. The answer is one such object a line, until the trace ends or the asker hangs up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceLine {
    /// When, in UTC (RFC 3339).
    pub time: String,
    /// The interface that it came in by.
    pub interface: String,
    /// Its flow; `None` for a packet that is of none, as ICMP, a later fragment, or what cannot be read.
    pub tuple: Option<FlowTuple>,
    /// Source and destination address, if it shows them.
    pub addresses: Option<[IpAddr; 2]>,
    /// Number of its IP protocol.
    pub ip_protocol: u32,
    /// Flags of a TCP segment.
    pub flags: Option<Flags>,
    /// Length of its frame.
    pub len: u32,
    /// `forwarded`, `answered`, `passed` or `dropped`.
    pub action: String,
    /// Name of the verdict.
    pub reason: String,
    /// The service, if it got so far.
    pub service: Option<String>,
    /// The back-end that it was handed to.
    pub backend: Option<String>,
    /// Packets just before it that are meant as well but were left out: more than the rate, or than were read in time.
    pub missed: u64,
}
