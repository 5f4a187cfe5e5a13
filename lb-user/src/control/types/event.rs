use serde::{Deserialize, Serialize};
use std::fmt;

/// `GET /v1/events`: a change of state, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts up from 1 at the agent's start. Where numbers are missing, events were.
    pub number: u64,
    /// When, in milliseconds since 1970.
    pub unix_ms: u64,
    /// What it is about.
    pub kind: EventKind,
    /// Whether somebody should look at it.
    pub alarming: bool,
    /// The service that it is about, if it is about one.
    pub service: Option<String>,
    /// Its back-end.
    pub backend: Option<String>,
    /// What happened.
    pub message: String,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// How a back-end stands.
    Backend,
    /// How a service stands.
    Service,
    /// The configuration.
    Config,
    /// What an operator said at run time.
    Override,
    /// The data plane.
    Dataplane,
    /// Whether VIPs are announced.
    Announce,
    /// The session-ticket keys that back-ends share.
    Tickets,
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Backend => "backend",
            Self::Service => "service",
            Self::Config => "config",
            Self::Override => "override",
            Self::Dataplane => "dataplane",
            Self::Announce => "announce",
            Self::Tickets => "tickets",
        })
    }
}
