use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// Why the agent does not do what it was asked for. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What kind of reason it is.
    pub kind: RefusedKind,
    /// What is in the way, and what to do.
    pub message: String,
}

/// Kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusedKind {
    /// What was asked for makes no sense (HTTP status 422).
    Invalid,
    /// The configuration cannot be (422).
    Config,
    /// It makes sense, but not now (409).
    Conflict,
    /// It went wrong (500).
    Failed,
}

impl Refused {
    /// What was asked for makes no sense.
    pub fn invalid(reason: impl Display) -> Self {
        Self { kind: RefusedKind::Invalid, message: reason.to_string() }
    }

    /// The configuration cannot be.
    pub fn config(reason: impl Display) -> Self {
        Self { kind: RefusedKind::Config, message: reason.to_string() }
    }

    /// It makes sense, but not now.
    pub fn conflict(reason: impl Display) -> Self {
        Self { kind: RefusedKind::Conflict, message: reason.to_string() }
    }

    /// It went wrong.
    pub fn failed(reason: impl Display) -> Self {
        Self { kind: RefusedKind::Failed, message: reason.to_string() }
    }
}
