use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::PathBuf;

/// `POST /v1/plan`, and `POST /v1/apply`: a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// Where it comes from, for the messages about it; `None` means the agent's own file.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// What it says; `None` means what the agent's own file says now.
    #[serde(default)]
    pub text: Option<String>,
    /// Do it even when too few back-ends are left.
    #[serde(default)]
    pub force: bool,
}

/// `POST /v1/rollback`: back to a former generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// Its number; `None` means the one before the current.
    #[serde(default)]
    pub to: Option<u64>,
    /// Do it even when too few back-ends are left.
    #[serde(default)]
    pub force: bool,
}

/// Answer to `POST /v1/plan`, `POST /v1/apply` and `POST /v1/rollback`: what the configuration changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanReport {
    /// The generation that is followed: the present one, or after a change that was made, the new one.
    pub generation: u64,
    /// What changes for the whole program.
    pub program: Vec<String>,
    /// Services that change.
    pub services: Vec<ServicePlan>,
    /// Why it is not done.
    pub refusals: Vec<Refusal>,
}

impl PlanReport {
    /// Whether anything changes.
    pub fn is_change(&self) -> bool {
        !self.program.is_empty() || !self.services.is_empty()
    }
}

/// Why a change is not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What is in the way.
    pub message: String,
    /// Whether it is made with `force` all the same.
    pub can_be_forced: bool,
}

/// What changes of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServicePlan {
    /// Its name.
    pub name: String,
    /// Whether it comes, goes or changes.
    pub change: PlannedChange,
    /// What it says differently, besides its back-ends.
    pub details: Vec<String>,
    /// Back-ends that change.
    pub backends: Vec<BackendPlan>,
    /// The part of its new flows that goes elsewhere than before, 0 to 1.
    pub ring_moved: f64,
    /// The part of its consistent ring that means another back-end, 0 to 1: it is what flows go by that are not remembered.
    pub consistent_moved: f64,
}

/// What changes of a back-end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendPlan {
    /// Its name.
    pub name: String,
    /// Its own address.
    pub address: IpAddr,
    /// Whether it comes, goes or changes.
    pub change: PlannedChange,
    /// What is said differently of it.
    pub details: Vec<String>,
    /// Flows that it has now. Those of one that goes may end within the removal grace.
    pub live_flows: u64,
}

/// What becomes of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlannedChange {
    /// It is new.
    Added,
    /// It is no more.
    Removed,
    /// It is another than before.
    Changed,
}

/// `GET /v1/generations`: one element for each configuration that can be gone back to, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Its number.
    pub number: u64,
    /// When it was applied, in seconds since 1970.
    pub applied_unix_s: Option<u64>,
    /// Whether it is the one that is followed.
    pub is_current: bool,
}
