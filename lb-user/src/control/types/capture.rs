use crate::config::{Prefix, Protocol};
use lb_common::abi::CaptureFilter;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Which packets are meant, as the query of `GET /v1/capture`: all, but for what is said here. The answer is a pcapng file that goes on until
/// the capture ends or the asker hangs up, with two interfaces for each of the balancer's: before (`NAME:in`) and after the rewrite
/// (`NAME:out`). A packet's comment says what was decided; the comments of both its records begin with the same number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureRequest {
    /// Only packets of these clients.
    pub client: Option<Prefix>,
    /// Only packets for this VIP.
    pub vip: Option<IpAddr>,
    /// Only packets for this port.
    pub port: Option<u16>,
    /// Only packets from this port.
    pub source_port: Option<u16>,
    /// Only packets from or to this address.
    pub host: Option<IpAddr>,
    /// Only packets from or to this port.
    pub either_port: Option<u16>,
    /// Only packets of this protocol.
    pub protocol: Option<Protocol>,
    /// Only TCP segments with one of these flags, as `syn,rst`.
    pub flags: Option<String>,
    /// Only packets of this service.
    pub service: Option<String>,
    /// Only packets that go to back-ends with this name.
    pub backend: Option<String>,
    /// Only packets with this verdict: `dropped`, or a reason, as `new-flow`.
    pub verdict: Option<String>,
    /// Only one flow in so many, with all its packets; rounded up to a power of two.
    pub one_flow_in: Option<u32>,
    /// Bytes that are kept of each packet; [`CaptureRequest::DEFAULT_SNAPLEN`] unless said otherwise.
    pub snaplen: Option<u16>,
    /// How many packets a second, at most; [`CaptureRequest::DEFAULT_RATE`] unless said otherwise, no more than
    /// [`CaptureRequest::MAX_RATE`].
    pub rate: Option<u32>,
    /// After how many packets the capture ends.
    pub count: Option<u64>,
    /// After how many seconds the capture ends.
    pub duration_s: Option<u64>,
}

impl CaptureRequest {
    /// Bytes that are kept of a packet, unless said otherwise: headers, and the beginning of what they carry.
    pub const DEFAULT_SNAPLEN: u16 = 128;
    /// Packets a second, unless said otherwise.
    pub const DEFAULT_RATE: u32 = 10_000;
    /// Most packets in a second.
    pub const MAX_RATE: u32 = CaptureFilter::MAX_RATE;
}
