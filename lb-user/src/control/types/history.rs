use serde::{Deserialize, Serialize};

/// Which history is meant, as the query of `GET /v1/history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryRequest {
    /// How far back, in seconds. Up to an hour the answer goes by seconds, beyond that by minutes, for a week at most.
    #[serde(default = "default_since")]
    pub since_s: u64,
    /// Only series of this measure.
    pub measure: Option<Measure>,
    /// Only series of this service and its back-ends.
    pub service: Option<String>,
}

fn default_since() -> u64 {
    300
}

/// `GET /v1/history`: how things went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The first moment, in seconds since 1970.
    pub start_unix_s: u64,
    /// Seconds between two moments: 1 or 60.
    pub step_s: u64,
    /// All of as many moments.
    pub series: Vec<Series>,
    /// Series that there was no room for.
    pub left_out: usize,
}

/// How one thing went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What was measured.
    pub measure: Measure,
    /// Of what.
    #[serde(flatten)]
    pub of: SeriesOf,
    /// Its value at each moment; the mean of a minute where steps are minutes. `None` where it is not known, as when the agent did not run.
    pub values: Vec<Option<f64>>,
}

/// What is measured, and its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Packets a second.
    Packets,
    /// Bytes a second.
    Bytes,
    /// New flows a second.
    NewFlows,
    /// Flows that are not expired.
    LiveFlows,
    /// Packets dropped, a second.
    Dropped,
    /// Whether it gets new flows: 1 or 0.
    Ready,
}

/// What a series is of. Which measures there are: all but `ready` for `all` and services; `packets` and `bytes` for protocols and
/// applications; `dropped` for reasons; all but `dropped` for back-ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "of")]
pub enum SeriesOf {
    /// Everything.
    All,
    /// One protocol of layers 3 and 4, as `ipv4 tcp`.
    Protocol {
        /// Its name.
        protocol: String,
    },
    /// One application, as in `GET /v1/traffic`.
    Application {
        /// Its name.
        application: String,
    },
    /// Packets dropped for one reason.
    Reason {
        /// Name of the verdict.
        reason: String,
    },
    /// One service.
    Service {
        /// Its name.
        service: String,
    },
    /// One back-end.
    Backend {
        /// Its service.
        service: String,
        /// Its name.
        backend: String,
    },
}
