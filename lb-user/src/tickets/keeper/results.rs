//! What came of trying to resume sessions.

use crate::config::TicketRing;
use crate::control::types::ProbeOutcome;
use crate::tickets::{BootTime, RingName};
use std::collections::BTreeMap;

/// Outcomes, by ring and what was tried.
#[derive(Debug, Default)]
pub(super) struct Results(BTreeMap<RingName, BTreeMap<Trial, Tally>>);

/// A session of one back-end of a service on another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Trial {
    pub(super) service: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) tls: &'static str,
}

/// How it went.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) last: Result<ProbeOutcome, String>,
    pub(super) when: BootTime,
    pub(super) resumed: u64,
    pub(super) full: u64,
}

impl Results {
    /// Forgets what rings that are no more had.
    pub(super) fn follow(&mut self, rings: &[TicketRing]) {
        self.0.retain(|name, _| rings.iter().any(|ring| ring.name == *name && ring.probe_interval.is_some()));
    }

    /// Forgets pairs of back-ends that are no more.
    pub(super) fn keep(&mut self, ring: &RingName, is_there: impl Fn(&Trial) -> bool) {
        if let Some(tallies) = self.0.get_mut(ring) {
            tallies.retain(|trial, _| is_there(trial));
        }
    }

    /// Notes an outcome; returns the one before.
    pub(super) fn note(
        &mut self,
        ring: &RingName,
        trial: Trial,
        outcome: Result<ProbeOutcome, String>,
        now: BootTime,
    ) -> Option<Result<ProbeOutcome, String>> {
        let tallies = self.0.entry(ring.clone()).or_default();
        let former = tallies.get(&trial).map(|tally| (tally.last.clone(), tally.resumed, tally.full));
        let (last, mut resumed, mut full) =
            former.map_or((None, 0, 0), |(last, resumed, full)| (Some(last), resumed, full));
        match outcome {
            Ok(ProbeOutcome::Resumed) => resumed += 1,
            Ok(ProbeOutcome::Full) => full += 1,
            Ok(ProbeOutcome::Failed) | Err(_) => {}
        }
        tallies.insert(trial, Tally { last: outcome, when: now, resumed, full });
        last
    }

    /// What is known of a ring.
    pub(super) fn of(&self, ring: &RingName) -> impl Iterator<Item = (&Trial, &Tally)> {
        self.0.get(ring).into_iter().flatten()
    }
}
