use crate::config::ServerKind;
use crate::tickets::{KeyId, NodeState, RingName, SlotState, Version};
use serde::{Deserialize, Serialize};

/// `GET /v1/tickets`: one element for each ring of session-ticket keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RingStatus {
    /// What it is called.
    pub name: RingName,
    /// The services whose back-ends share it.
    pub services: Vec<String>,
    /// Whose certificate they show.
    pub identity: String,
    /// What runs on them.
    pub server: ServerKind,
    /// Which ring it is now.
    pub version: Version,
    /// How long a key encrypts, in seconds.
    pub rotation_s: f64,
    /// How long a ticket can be used, in seconds.
    pub lifetime_s: f64,
    /// When the next rotation is due, in seconds from now; negative when it is late.
    pub due_in_s: f64,
    /// Whether the rotation waits for nodes.
    pub held: bool,
    /// How often this agent has rotated it.
    pub rotations: u64,
    /// Its keys: old, active, next.
    pub keys: Vec<KeyStatus>,
    /// The back-ends that should have it.
    pub nodes: Vec<NodeStatus>,
    /// Whether sessions are resumed, as it was tried last, for each two back-ends and each version of TLS.
    pub probes: Vec<TicketProbeStatus>,
}

/// A key, without anything of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyStatus {
    /// Its place.
    pub state: SlotState,
    /// What it is called.
    pub id: KeyId,
    /// How old it is, in seconds.
    pub age_s: f64,
}

/// A back-end that should have a ring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// Whose keys it works with; `None` when it was never heard.
    pub state: Option<NodeState>,
    /// Which ring it has.
    pub version: Option<Version>,
    /// By how many rotations it is behind; `None` when it has no ring of this term.
    pub lag: Option<u64>,
    /// What gives the keys to its server.
    pub driver: Option<String>,
    /// How long ago it was heard, in seconds.
    pub seen_s_ago: Option<f64>,
    /// Why it does not have the latest ring.
    pub error: Option<String>,
}

/// What came of resuming a session of one back-end on another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TicketProbeStatus {
    /// The service.
    pub service: String,
    /// Where the session was made.
    pub from: String,
    /// Where it was to be resumed.
    pub to: String,
    /// The version of TLS: `1.2` or `1.3`.
    pub tls: String,
    /// What came of it.
    pub outcome: ProbeOutcome,
    /// Why it came to nothing.
    pub error: Option<String>,
    /// How long ago that was, in seconds.
    pub s_ago: f64,
    /// How often it was resumed, since the agent's start.
    pub resumed: u64,
    /// How often it was not, though both back-ends answered.
    pub full: u64,
}

/// What came of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeOutcome {
    /// It was resumed.
    Resumed,
    /// The back-end did not know it: a full handshake.
    Full,
    /// A back-end did not answer as it should.
    Failed,
}

/// `POST /v1/tickets/rotate`: shift a ring before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateRequest {
    /// The ring.
    pub ring: RingName,
    /// Also when nodes may not have the next key yet.
    #[serde(default)]
    pub force: bool,
}

/// `POST /v1/tickets/revoke`: replace all keys of a ring at once. No session of before is resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeRequest {
    /// The ring.
    pub ring: RingName,
}
