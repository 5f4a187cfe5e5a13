use crate::config::Scheduler;
use crate::lab::Policy;
use crate::lab::balance::Unevenness;
use serde::Serialize;

/// What the policy of the service was, and what it meant for clients and servers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClientsReport {
    /// Who got the flow of a client that was not remembered.
    pub scheduler: Scheduler,
    /// Seconds that clients were remembered; none if they were not.
    pub window_s: Option<f64>,
    /// What times the mean load was the most for a server to get clients for their past alone.
    pub max_load: Option<f64>,
    /// The part of the connections of clients with a session that got to the session's server, 0 to 1.
    pub reuse: Option<f64>,
    /// How uneven the live flows were over time.
    pub load: Option<Unevenness>,
}

impl ClientsReport {
    /// What `policy` came to.
    pub fn of(policy: &Policy, reuse: Option<f64>, load: Option<Unevenness>) -> Self {
        Self {
            scheduler: policy.scheduler,
            window_s: policy.affinity.map(|affinity| affinity.window.as_secs_f64()),
            max_load: policy.affinity.and_then(|affinity| affinity.max_load),
            reuse,
            load,
        }
    }
}
