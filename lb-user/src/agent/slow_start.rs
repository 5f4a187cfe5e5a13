//! Back-ends that come into service again get their share of new flows little by little.

use super::standing::Standing;
use crate::config::BackendName;
use crate::control::types::BackendState;
use crate::schedule::Ramp;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Since when back-ends are in service.
#[derive(Clone, Debug, Default)]
pub(super) struct SlowStarts {
    backends: BTreeMap<BackendName, Phase>,
    /// Whether they were looked at before. Who is in service at the agent's start was so all the time.
    is_looked_at: bool,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Out,
    In { since: Option<Instant> },
}

impl SlowStarts {
    /// Follows a back-end whose slow start takes `whole`, and says in its standing how far it is.
    pub(super) fn follow(
        &mut self,
        name: &BackendName,
        whole: Option<Duration>,
        standing: &mut Standing,
        now: Instant,
    ) {
        if !standing.is_ready() {
            self.backends.insert(name.clone(), Phase::Out);
            return;
        }
        let began = match self.backends.get(name) {
            Some(Phase::In { since }) => *since,
            Some(Phase::Out) => Some(now),
            None => self.is_looked_at.then_some(now),
        };
        self.backends.insert(name.clone(), Phase::In { since: began });
        let (Some(began), Some(whole)) = (began, whole) else { return };
        let elapsed = now.saturating_duration_since(began);
        standing.ramp = Ramp::after(elapsed, whole);
        if standing.ramp != Ramp::FULL {
            let left = Duration::from_secs(whole.saturating_sub(elapsed).as_secs() + 1);
            standing.state = BackendState::Starting;
            standing.reason = Some(format!(
                "slow start: it gets {} % of its share, and all in {}",
                standing.ramp.percent(),
                humantime::format_duration(left)
            ));
        }
    }

    /// Ends a look at all back-ends: forgets those that are gone.
    pub(super) fn end_look(&mut self, is_there: impl Fn(&BackendName) -> bool) {
        self.backends.retain(|name, _| is_there(name));
        self.is_looked_at = true;
    }
}
