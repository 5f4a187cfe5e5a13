use lb_common::abi::SizeClass;
use serde::{Deserialize, Serialize};

/// `GET /v1/traffic`: what kind of traffic there is. Counted, not sampled; always on. Counters only grow, from the moment at which the maps
/// were made. Bytes are those of frames as received, Ethernet headers included. With direct server return this is the clients' half.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Everything that came in, by protocol: only those of which there was something.
    pub protocols: Vec<ProtocolCounter>,
    /// What came in over IPv4 and IPv6 as TCP, by flags.
    pub tcp: TcpCounter,
    /// What was forwarded, by what the services' ports are for.
    pub applications: Vec<ApplicationCounter>,
    /// Packets by size of their frame: up to 64, 128, 256, 512, 1024 and 1518 bytes, and above.
    pub sizes: [u64; SizeClass::COUNT],
    /// How evenly each service's flows were spread.
    pub fairness: Vec<Fairness>,
}

/// Frames of one protocol at each layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolCounter {
    /// Layer 2: `ethernet` or `vlan`.
    pub link: String,
    /// Layer 3: `ipv4`, `ipv6`, `arp` or `other`.
    pub network: String,
    /// Layer 4: `tcp`, `udp`, `icmp`, `sctp`, `tunnel` (IP in IP), `other`; `none` where layer 3 is not IP.
    pub transport: String,
    /// How many.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// TCP segments by the flag that says most: each segment is counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpCounter {
    /// With SYN.
    pub syn: u64,
    /// With FIN.
    pub fin: u64,
    /// With RST.
    pub rst: u64,
    /// With none of these.
    pub other: u64,
}

/// What was forwarded of one application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApplicationCounter {
    /// `HTTP`, `HTTPS`, `QUIC`, `DNS`, what the configuration says of the port, or `other`.
    pub application: String,
    /// How many services it has.
    pub services: usize,
    /// Packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Flows that the scheduler gave to a back-end.
    pub new_flows: u64,
    /// Flows that are not expired.
    pub live_flows: u64,
}

/// How evenly a service's new flows since the counters began were spread over its back-ends that get some now, relative to the weights that
/// they have now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fairness {
    /// The service.
    pub service: String,
    /// Back-ends that count.
    pub backends: usize,
    /// The largest share divided by the mean one: 1 when all are equal. `None` before there was a flow.
    pub max_over_mean: Option<f64>,
    /// Jain's index, `(Σx)² / (n·Σx²)`: 1 when all are equal, 1/n when one has everything (Jain, Chiu, Hawe 1984).
    pub jain: Option<f64>,
}
