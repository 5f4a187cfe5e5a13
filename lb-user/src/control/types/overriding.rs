use crate::config::BackendName;
use serde::{Deserialize, Serialize};
use std::fmt;

/// `POST /v1/override`: what holds for a back-end instead of what the configuration says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideRequest {
    /// The service; `None` means every service that has such a back-end.
    #[serde(default)]
    pub service: Option<String>,
    /// The back-end's name.
    pub backend: String,
    /// What to do.
    pub verb: Verb,
    /// Do it even when too few back-ends are left.
    #[serde(default)]
    pub force: bool,
}

/// What an operator does with a back-end at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Give it no new flows; those that it has go on.
    Drain,
    /// Give it new flows again.
    Undrain,
    /// Give it no flows at all; those that it has are forgotten at once.
    Disable,
    /// Let it take flows again.
    Enable,
    /// Weigh it so.
    Weight(u16),
    /// Weigh it as the configuration says.
    ResetWeight,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drain => f.pad("drain"),
            Self::Undrain => f.pad("undrain"),
            Self::Disable => f.pad("disable"),
            Self::Enable => f.pad("enable"),
            Self::Weight(weight) => write!(f, "weight {weight}"),
            Self::ResetWeight => f.pad("weight as configured"),
        }
    }
}

/// Answer to `POST /v1/override`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideAnswer {
    /// The back-ends that it was about.
    pub backends: Vec<BackendName>,
    /// Why the data plane does not follow yet; `None` when it does.
    pub failure: Option<String>,
}
