use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// `GET /v1/samples`: what samples of the traffic show. Talkers are estimates, scaled to all of it; flows and hellos are counted in the sample,
/// of which there is one flow in `one_flow_in`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// Over how many seconds, at most, samples count.
    pub window_s: u64,
    /// One packet in so many is sampled now; 0 when none is (`[analysis] samples = 0`).
    pub one_packet_in: u64,
    /// One flow in so many is sampled now, with all its packets.
    pub one_flow_in: u64,
    /// Samples that were taken since the agent's start.
    pub taken: u64,
    /// Samples that were lost, because there were too many.
    pub missed: u64,
    /// Who sends most, in falling order of bytes.
    pub talkers: Vec<Talker>,
    /// How large flows are.
    pub flow_sizes: Vec<FlowSizes>,
    /// What clients offer when they begin TLS.
    pub hellos: Vec<ClientHellos>,
}

/// A client that sends much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Talker {
    /// Its address.
    pub client: IpAddr,
    /// Its packets in the window, about.
    pub packets: u64,
    /// Their bytes, about.
    pub bytes: u64,
    /// By how many bytes it may have been counted too high (Metwally, Agrawal, El Abbadi 2005).
    pub error: u64,
    /// Its share of all bytes, 0 to 1.
    pub share: f64,
}

/// How large the flows of one application are, as far as the client's half shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowSizes {
    /// As in `GET /v1/traffic`.
    pub application: String,
    /// Flows that were sampled and have ended.
    pub flows: u64,
    /// Bytes of a flow, on average.
    pub mean_bytes: f64,
    /// Packets of a flow, on average.
    pub mean_packets: f64,
    /// How long a flow lasts from its first to its last packet, on average, in seconds.
    pub mean_duration_s: f64,
    /// How many flows there are of each size, up to powers of two. Sizes of which there is none are left out.
    pub sizes: Vec<FlowSizeClass>,
}

/// Flows of about one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowSizeClass {
    /// They have no more bytes than this, and more than half of it.
    pub up_to_bytes: u64,
    /// How many.
    pub flows: u64,
}

/// What clients of one service offer when they begin TLS. Whether a session was resumed only the back-ends know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientHellos {
    /// The service.
    pub service: String,
    /// How many were read.
    pub seen: u64,
    /// Highest version offered: TLS 1.3.
    pub tls13: u64,
    /// Highest version offered: TLS 1.2.
    pub tls12: u64,
    /// Highest version offered: an older one.
    pub older: u64,
    /// Offers a session to resume.
    pub resumption: u64,
    /// Goes on in another packet, so that the end is not known: not counted as an offer to resume, though it may be one.
    pub cut: u64,
    /// Names that were asked for, in falling order; empty unless `[analysis] server-names` says that they are wanted.
    pub server_names: Vec<ServerNameCount>,
}

/// How often a name was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerNameCount {
    /// The name.
    pub name: String,
    /// How often.
    pub seen: u64,
}
