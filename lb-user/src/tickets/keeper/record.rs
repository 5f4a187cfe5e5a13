//! What is written down of keys: who did what with which of them, and never a byte of one.

use crate::tickets::{KeyId, RingName, SlotState, Version};
use serde::Serialize;

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Record {
    pub(super) ring: RingName,
    pub(super) term: u64,
    pub(super) epoch: u64,
    /// The key that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_id: Option<KeyId>,
    pub(super) transition: Transition,
    /// The node that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<String>,
    /// On whose word.
    pub(super) actor: Actor,
    /// What came of it: `ok`, or what went wrong.
    pub(super) result: String,
}

/// What happened to a key, or to a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Transition {
    /// The key was made; it opens tickets.
    Pending,
    /// It closes tickets from now on.
    Active,
    /// It only opens them from now on.
    DecryptOnly,
    /// It is no more.
    Destroyed,
    /// The rotation waits for nodes.
    Held,
    /// The ring goes on after a restart of the agent.
    Resumed,
    /// A node has the ring.
    Installed,
    /// A node could not give it to its server.
    Failed,
    /// A node has given the ring up and works with its own keys.
    FellBack,
}

impl Transition {
    /// What happens to a key that gets to this place.
    pub(super) fn of(state: SlotState) -> Self {
        match state {
            SlotState::Old => Self::DecryptOnly,
            SlotState::Active => Self::Active,
            SlotState::Next => Self::Pending,
        }
    }
}

/// On whose word something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Actor {
    /// It was time.
    Clock,
    /// An operator said so.
    Operator,
    /// The configuration says so.
    Config,
    /// The node says so.
    Node,
    /// The agent that leads says so, or this one leads from now on.
    Leader,
}

/// Something worth a line among the agent's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whether somebody should look at it.
    pub alarming: bool,
    /// What happened.
    pub message: String,
}

impl Record {
    pub(super) fn of(ring: &RingName, version: Version, transition: Transition, actor: Actor) -> Self {
        let Version { term, epoch } = version;
        let result = "ok".to_owned();
        Self { ring: ring.clone(), term, epoch, key_id: None, transition, node: None, actor, result }
    }

    pub(super) fn about_key(self, key: KeyId) -> Self {
        Self { key_id: Some(key), ..self }
    }

    pub(super) fn about_node(self, node: &str, result: String) -> Self {
        Self { node: Some(node.to_owned()), result, ..self }
    }
}
