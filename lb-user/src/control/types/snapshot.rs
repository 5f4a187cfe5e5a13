use super::{BackendStatus, RingStatus, Samples, ServiceStatus, Status, Traffic, VerdictCounter};
use serde::{Deserialize, Serialize};

/// `GET /v1/snapshot`: all that the dashboard and `handoff top` show, at one moment. `GET /v1/live` sends one each second, as server-sent
/// events (HTML Living Standard, section 9.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The moment, in milliseconds since 1970.
    pub unix_ms: u64,
    /// The agent.
    pub status: Status,
    /// What it balances.
    pub services: Vec<ServiceStatus>,
    /// Who answers.
    pub backends: Vec<BackendStatus>,
    /// What became of the packets.
    pub verdicts: Vec<VerdictCounter>,
    /// What kind of traffic there is.
    pub traffic: Traffic,
    /// What samples show.
    pub samples: Samples,
    /// The rings of ticket keys.
    pub tickets: Vec<RingStatus>,
}
