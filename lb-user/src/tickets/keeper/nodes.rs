//! What is known of the nodes of a ring: back-ends that fetch it.

use super::due::Readiness;
use crate::tickets::wire::{NodeState, Report};
use crate::tickets::{BootTime, Version};
use std::collections::{BTreeMap, BTreeSet};

/// Most characters that are kept of what a node says.
const LONGEST: usize = 400;

/// The nodes of a ring, by name.
#[derive(Debug, Default)]
pub(super) struct Nodes(BTreeMap<String, Node>);

/// One of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// What it has said last.
    pub(super) report: Option<Report>,
    /// When it was heard last.
    pub(super) seen: Option<BootTime>,
}

impl Nodes {
    /// These are the nodes now. What is known of those that stay is kept.
    pub(super) fn follow(&mut self, names: &BTreeSet<String>) {
        self.0.retain(|name, _| names.contains(name));
        for name in names {
            self.0.entry(name.clone()).or_default();
        }
    }

    /// Whether this is one of them.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A node asks for the ring.
    pub(super) fn heard(&mut self, name: &str, now: BootTime) {
        if let Some(node) = self.0.get_mut(name) {
            node.seen = Some(now);
        }
    }

    /// A node says how it stands; returns the report of before.
    pub(super) fn report(&mut self, name: &str, report: Report, now: BootTime) -> Option<Report> {
        let node = self.0.get_mut(name)?;
        node.seen = Some(now);
        node.report.replace(report)
    }

    /// How many have the ring of this version, of those that were ever heard. Others have not been set up yet, or ask another agent.
    pub(super) fn readiness(&self, version: Version) -> Readiness {
        let heard = self.0.values().filter(|node| node.seen.is_some());
        let (ready, late): (Vec<_>, Vec<_>) = heard.partition(|node| node.version() == Some(version));
        Readiness { ready: ready.len(), expected: ready.len() + late.len() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Node)> {
        self.0.iter()
    }
}

impl Node {
    /// Which of the cluster's rings it has.
    pub(super) fn version(&self) -> Option<Version> {
        self.report.as_ref().filter(|report| report.state == NodeState::Cluster)?.version
    }

    /// By how many shifts it is behind; `None` when it has no ring of this term.
    pub(super) fn lag(&self, version: Version) -> Option<u64> {
        self.version()?.behind(version)
    }
}

/// A report without what would move a terminal's cursor, and not longer than anybody reads.
pub(super) fn shortened(report: &Report) -> Report {
    let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>();
    Report { driver: short(&report.driver), error: report.error.as_deref().map(short), ..report.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(term: u64, epoch: u64, state: NodeState) -> Report {
        Report { version: Some(Version { term, epoch }), state, driver: "nginx".to_owned(), error: None }
    }

    #[test]
    fn only_nodes_with_the_very_ring_are_ready() {
        let now = BootTime::after_start(std::time::Duration::from_secs(1));
        let mut nodes = Nodes::default();
        nodes.follow(&["a", "b", "c", "d"].map(str::to_owned).into());
        let version = Version { term: 2, epoch: 5 };
        nodes.report("a", report(2, 5, NodeState::Cluster), now);
        nodes.report("b", report(2, 3, NodeState::Cluster), now);
        nodes.report("c", report(2, 5, NodeState::Local), now);
        nodes.report("nobody", report(2, 5, NodeState::Cluster), now);
        assert_eq!(nodes.readiness(version), Readiness { ready: 1, expected: 3 });
        let lags: Vec<_> = nodes.iter().map(|(_, node)| node.lag(version)).collect();
        assert_eq!(lags, [Some(0), Some(2), None, None]);
        nodes.follow(&["a".to_owned()].into());
        assert_eq!(nodes.readiness(version), Readiness { ready: 1, expected: 1 });
    }

    #[test]
    fn what_a_node_says_is_kept_short_and_harmless() {
        let report =
            Report { error: Some("\x1b[2J".to_owned() + &"x".repeat(10_000)), ..report(1, 1, NodeState::Cluster) };
        let error = shortened(&report).error.unwrap();
        assert!(error.starts_with("[2Jxx") && error.len() == LONGEST, "{error}");
    }
}
