//! What is shown of the rings.

use super::kept::Kept;
use super::nodes::Node;
use super::results::{Tally, Trial};
use super::rings::Rings;
use crate::control::types::{KeyStatus, NodeStatus, ProbeOutcome, RingStatus, TicketProbeStatus};
use crate::tickets::{BootTime, Version};

impl Rings {
    /// How each of them stands.
    pub(super) fn status(&self, now: BootTime) -> Vec<RingStatus> {
        let ring = |(name, kept): (_, &Kept)| {
            let probes = self.results.of(name).map(|(trial, tally)| probe(trial, tally, now)).collect();
            RingStatus { probes, ..status(kept, now) }
        };
        self.iter().map(ring).collect()
    }
}

fn status(kept: &Kept, now: BootTime) -> RingStatus {
    let Kept { settings, ring, timing, .. } = kept;
    let key = |state, slot: &crate::tickets::Slot| KeyStatus {
        state,
        id: slot.key.id(),
        age_s: now.since(slot.created).as_secs_f64(),
    };
    let due = ring.shift_due(kept.hurried());
    RingStatus {
        name: settings.name.clone(),
        services: settings.services.clone(),
        identity: settings.identity.as_ref().to_owned(),
        server: settings.server,
        version: ring.version,
        rotation_s: timing.rotation().as_secs_f64(),
        lifetime_s: timing.lifetime().as_secs_f64(),
        due_in_s: due.since(now).as_secs_f64() - now.since(due).as_secs_f64(),
        held: kept.held,
        rotations: kept.rotations,
        keys: ring.slots().map(|(state, slot)| key(state, slot)).into(),
        nodes: kept.nodes.iter().map(|(name, known)| node(name, known, ring.version, now)).collect(),
        probes: Vec::new(),
    }
}

fn node(name: &str, node: &Node, version: Version, now: BootTime) -> NodeStatus {
    let report = node.report.as_ref();
    NodeStatus {
        name: name.to_owned(),
        state: report.map(|report| report.state),
        version: report.and_then(|report| report.version),
        lag: node.lag(version),
        driver: report.map(|report| report.driver.clone()),
        seen_s_ago: node.seen.map(|seen| now.since(seen).as_secs_f64()),
        error: report.and_then(|report| report.error.clone()),
    }
}

fn probe(trial: &Trial, tally: &Tally, now: BootTime) -> TicketProbeStatus {
    TicketProbeStatus {
        service: trial.service.clone(),
        from: trial.from.clone(),
        to: trial.to.clone(),
        tls: trial.tls.to_owned(),
        outcome: tally.last.clone().unwrap_or(ProbeOutcome::Failed),
        error: tally.last.clone().err(),
        s_ago: now.since(tally.when).as_secs_f64(),
        resumed: tally.resumed,
        full: tally.full,
    }
}
