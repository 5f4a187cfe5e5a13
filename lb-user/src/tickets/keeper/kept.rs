//! One ring in the hands of the agent.

use super::due::{Due, due};
use super::nodes::{Node, Nodes, shortened};
use super::record::{Actor, Notice, Record, Transition};
use crate::config::TicketRing;
use crate::tickets::wire::{NodeState, Report};
use crate::tickets::{BootTime, KeyId, NoKey, Ring, Timing};

/// A ring, and who has it.
pub(super) struct Kept {
    pub(super) settings: TicketRing,
    pub(super) ring: Ring,
    /// How long things last until the next shift: nodes have been told so.
    pub(super) timing: Timing,
    pub(super) nodes: Nodes,
    /// Whether the rotation waits for nodes.
    pub(super) held: bool,
    pub(super) rotations: u64,
    /// Counts whenever a key is another: what is kept elsewhere is out of date then.
    pub(super) revision: u64,
}

/// What came of something: to be written down, and to be told.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) records: Vec<Record>,
    pub(super) notices: Vec<Notice>,
}

impl Kept {
    /// Keeps this ring from now on.
    pub(super) fn new(settings: TicketRing, ring: Ring, timing: Timing) -> Self {
        Self { settings, ring, timing, nodes: Nodes::default(), held: false, rotations: 0, revision: 0 }
    }

    /// Does what is due. `term` is the one of fresh keys, should they be needed.
    pub(super) fn tick(&mut self, term: u64, now: BootTime, outcome: &mut Outcome) -> Result<(), NoKey> {
        if now >= self.ring.expires(self.timing) {
            // This machine has slept, and nodes have given the ring up meanwhile: its keys would only get older than they may.
            return self.replace(term, Actor::Clock, now, outcome);
        }
        self.destroy_expired(now, outcome)?;
        let is_ready = self.nodes.readiness(self.ring.version).reaches(self.settings.min_ready);
        match due(&self.ring, self.hurried(), is_ready, now) {
            Due::Wait => Ok(()),
            Due::Hold => {
                self.hold(outcome);
                Ok(())
            }
            Due::Shift { unready } => {
                if unready {
                    let message = format!(
                        "tickets: ring {}: rotated without waiting longer for: {}",
                        self.settings.name,
                        self.missing()
                    );
                    outcome.notices.push(Notice { alarming: true, message });
                }
                self.shift(term, Actor::Clock, now, outcome)
            }
        }
    }

    /// Puts fresh keys, under which there are no tickets, in the place of those that are too old: a rotation that waited for nodes was late.
    pub(super) fn destroy_expired(&mut self, now: BootTime, outcome: &mut Outcome) -> Result<(), NoKey> {
        for id in self.ring.replace_expired(self.timing, now)? {
            let record = Record::of(&self.settings.name, self.ring.version, Transition::Destroyed, Actor::Clock);
            outcome.records.push(record.about_key(id));
            self.revision += 1;
        }
        Ok(())
    }

    /// The times that the next shift goes by: a shorter period is followed at once, a longer one after the nodes have heard of it.
    pub(super) fn hurried(&self) -> Timing {
        let wanted = self.settings.timing;
        if wanted.rotation() < self.timing.rotation() { wanted } else { self.timing }
    }

    /// Moves each key up, or makes all of them anew when they are too old for a shorter period.
    pub(super) fn shift(&mut self, term: u64, actor: Actor, now: BootTime, outcome: &mut Outcome) -> Result<(), NoKey> {
        let wanted = self.settings.timing;
        let shifted = self.ring.shift(now)?;
        let is_too_old = shifted.slots().iter().any(|(_, slot)| now >= slot.destroyed_by(wanted));
        if is_too_old {
            self.replace(term, actor, now, outcome)?;
        } else {
            self.install(shifted, actor, outcome);
        }
        self.timing = wanted;
        self.rotations += 1;
        Ok(())
    }

    /// Makes all keys anew.
    pub(super) fn replace(
        &mut self,
        term: u64,
        actor: Actor,
        now: BootTime,
        outcome: &mut Outcome,
    ) -> Result<(), NoKey> {
        let fresh = Ring::begin(term, now)?;
        self.timing = self.settings.timing;
        self.install(fresh, actor, outcome);
        Ok(())
    }

    /// Takes what a node says.
    pub(super) fn report(&mut self, node: &str, report: &Report, now: BootTime, outcome: &mut Outcome) {
        let report = &shortened(report);
        let (name, version) = (&self.settings.name, report.version.unwrap_or(self.ring.version));
        let (state, error) = (report.state, report.error.clone());
        let before = self.nodes.report(node, report.clone(), now);
        if before.as_ref() == Some(report) {
            return;
        }
        let former = before.as_ref().map(|it| (it.state, it.error.is_some()));
        let record = |transition, result| Record::of(name, version, transition, Actor::Node).about_node(node, result);
        let notice = |alarming, message: String| Notice {
            alarming,
            message: format!("tickets: ring {name}: {node}: {message}"),
        };
        match (state, error) {
            (_, Some(error)) => {
                if former.is_none_or(|(_, had_error)| !had_error) {
                    outcome.notices.push(notice(true, error.clone()));
                }
                outcome.records.push(record(Transition::Failed, error));
            }
            (NodeState::Cluster, None) => {
                if former.is_some_and(|(state, had_error)| had_error || state == NodeState::Local) {
                    outcome.notices.push(notice(false, "has the ring again".to_owned()));
                }
                outcome.records.push(record(Transition::Installed, "ok".to_owned()));
            }
            (NodeState::Local, None) => {
                outcome.notices.push(notice(true, "has given the ring up: it works with keys of its own".to_owned()));
                outcome.records.push(record(Transition::FellBack, "ok".to_owned()));
            }
            (NodeState::Waiting, None) => {}
        }
    }

    fn hold(&mut self, outcome: &mut Outcome) {
        if self.held {
            return;
        }
        self.held = true;
        let name = &self.settings.name;
        let message = format!("tickets: ring {name}: the rotation waits for: {}", self.missing());
        outcome.notices.push(Notice { alarming: true, message });
        outcome.records.push(Record::of(name, self.ring.version, Transition::Held, Actor::Clock));
    }

    /// The nodes that do not have the ring.
    fn missing(&self) -> String {
        let is_late = |node: &Node| node.seen.is_some() && node.version() != Some(self.ring.version);
        let missing = self.nodes.iter().filter(|(_, node)| is_late(node));
        missing.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Puts a ring into the place of the one that is there.
    pub(super) fn install(&mut self, ring: Ring, actor: Actor, outcome: &mut Outcome) {
        let name = &self.settings.name;
        let mut note = |transition, key: KeyId| {
            outcome.records.push(Record::of(name, ring.version, transition, actor).about_key(key));
        };
        for (_, slot) in self.ring.slots() {
            let id = slot.key.id();
            if !ring.holds(&id) {
                note(Transition::Destroyed, id);
            }
        }
        for (state, slot) in ring.slots() {
            note(Transition::of(state), slot.key.id());
        }
        self.ring = ring;
        self.held = false;
        self.revision += 1;
    }
}
