//! What the traffic is like: counted, sampled, and how it went.
//!
//! | file | what it does |
//! |---|---|
//! | `traffic` | from counters to traffic by protocol, application, size, and how evenly it is spread |
//! | `sampling` | samples out of the data plane |
//! | `snapshot` | everything at one moment, once or each second |
//! | `live` | those who want that each second |
//! | `history` | how things went |
//! | `history_file`, `history_tables`, `history_rows` | that on disk |

mod history;
mod history_file;
mod history_rows;
mod history_tables;
mod live;
pub(super) mod sampling;
mod snapshot;
#[cfg(test)]
mod tests;
mod traffic;

use crate::control::types::Samples;
use history::Recent;
use live::Live;
use sampling::SampleTaker;
use std::time::{Duration, Instant};

/// How often everything is recorded, and shown to those who want that.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// What is known of the traffic besides the counters.
pub(super) struct Analysis {
    pub(super) live: Live,
    pub(super) samples: SampleTaker,
    /// `None` when no history is kept.
    recent: Option<Recent>,
    /// Not before then is everything read again.
    next: Instant,
}

impl Analysis {
    pub(super) fn new(now: Instant) -> Self {
        Self { live: Live::new(), samples: SampleTaker::new(now), recent: None, next: now }
    }

    /// What samples show.
    pub(super) fn samples(&self) -> Samples {
        self.samples.report()
    }
}
