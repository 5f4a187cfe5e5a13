use serde::{Deserialize, Serialize};

/// `POST /v1/stop`: what becomes of forwarding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// Detach the program and let go of all state; otherwise forwarding goes on without the agent.
    pub purge: bool,
    /// Withdraw all VIPs and wait for clients to find another way, first.
    #[serde(default)]
    pub drain: bool,
}
