//! All rings of the agent. Knows the time only as it is told, and nothing of files and connections.

use super::kept::{Kept, Outcome};
use super::record::{Actor, Notice, Record, Transition};
use super::results::Results;
use crate::config::{Config, TicketRing};
use crate::tickets::stored;
use crate::tickets::wire::{Report, RingMessage};
use crate::tickets::{BootTime, NoKey, Ring, RingName, Timing, Version};
use std::collections::{BTreeMap, BTreeSet};

/// The present, on the clocks that rings go by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// That of all deadlines.
    pub(super) boot: BootTime,
    /// Seconds since 1970: terms are made of it, so that they go up even if nothing is known of those before.
    pub(super) calendar: u64,
}

/// The rings, and what is to be told of them.
pub(super) struct Rings {
    rings: BTreeMap<RingName, Kept>,
    /// The rings of the configuration, and their nodes. While another agent leads, there may be some that are not there yet.
    wanted: BTreeMap<RingName, (TicketRing, BTreeSet<String>)>,
    /// Whether this agent makes the keys.
    part: Part,
    /// Why nothing is rotated, as it was told.
    fault: Option<String>,
    /// The highest term that each ring ever had, as far as is known.
    terms: BTreeMap<RingName, u64>,
    /// What has not been written down and told yet.
    pub(super) outcome: Outcome,
    /// What came of trying to resume sessions.
    pub(super) results: Results,
}

/// What this agent is among those that serve the same rings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It makes the keys.
    Leads,
    /// It takes the keys of another, if there is one that leads.
    Follows(Option<String>),
}

/// Why a ring is not rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotRotated {
    /// There is none of this name.
    Unknown,
    /// It is for another agent to do so.
    Follows(Option<String>),
    /// Not every node has had the time to fetch the next key.
    TooEarly(String),
    /// There is no fresh key.
    NoKey(String),
}

impl Rings {
    /// Rings whose terms are above these, for an agent that plays this part at first.
    pub(super) fn above(terms: BTreeMap<RingName, u64>, part: Part) -> Self {
        let (rings, wanted) = (BTreeMap::new(), BTreeMap::new());
        Self { rings, wanted, part, fault: None, terms, outcome: Outcome::default(), results: Results::default() }
    }

    /// The highest terms.
    pub(super) fn terms(&self) -> &BTreeMap<RingName, u64> {
        &self.terms
    }

    /// Keeps the rings of this configuration and no others. A ring that was not there goes on where `stored` left it, or begins.
    ///
    /// # Errors
    /// When there is no fresh key for a ring: the others are kept.
    pub(super) fn follow(
        &mut self,
        config: &Config,
        mut stored: impl FnMut(&RingName) -> Option<stored::Kept>,
        now: Now,
    ) -> Result<(), NoKey> {
        let wanted = config.tickets.as_ref().map_or(&[][..], |tickets| &tickets.rings);
        let is_wanted = |name: &RingName| wanted.iter().any(|ring| ring.name == *name);
        let gone: Vec<_> = self.rings.keys().filter(|name| !is_wanted(name)).cloned().collect();
        for name in gone {
            self.end(&name);
        }
        self.wanted = wanted.iter().map(|ring| (ring.name.clone(), (ring.clone(), ring.nodes(config)))).collect();
        self.results.follow(wanted);
        for name in self.wanted.keys().cloned().collect::<Vec<_>>() {
            if self.rings.contains_key(&name) {
                self.follow_settings(&name);
            } else if let Some(stored) = stored(&name).filter(|kept| now.boot < kept.ring.expires(kept.timing)) {
                let record = Record::of(&name, stored.ring.version, Transition::Resumed, Actor::Clock);
                self.outcome.records.push(record);
                self.insert(&name, stored.ring, stored.timing);
            }
        }
        self.begin_missing(now)
    }

    /// What this agent is.
    pub(super) fn part(&self) -> &Part {
        &self.part
    }

    /// Follows another agent from now on, if there is one that leads.
    pub(super) fn obey(&mut self, leader: Option<String>) {
        self.part = Part::Follows(leader);
    }

    /// Leads from now on: goes on from the rings that are there, above the versions that were published.
    ///
    /// # Errors
    /// When there is no fresh key for a ring that is not there: the others are kept.
    pub(super) fn lead(&mut self, published: &BTreeMap<RingName, Version>, now: Now) -> Result<(), NoKey> {
        self.part = Part::Leads;
        for (name, version) in published {
            note_term(&mut self.terms, name, *version);
        }
        for (name, kept) in &mut self.rings {
            kept.ring.version.term = next_term(&self.terms, name, now);
            note_term(&mut self.terms, name, kept.ring.version);
            self.outcome.records.push(Record::of(name, kept.ring.version, Transition::Resumed, Actor::Leader));
        }
        self.begin_missing(now)
    }

    /// Takes a ring of the agent that leads, if it is newer than what is there.
    pub(super) fn adopt(&mut self, name: &RingName, ring: Ring, now: Now) {
        let Some((settings, _)) = self.wanted.get(name).filter(|_| self.part != Part::Leads) else { return };
        let timing = settings.timing;
        if now.boot >= ring.expires(timing) {
            return;
        }
        note_term(&mut self.terms, name, ring.version);
        match self.rings.get_mut(name) {
            Some(kept) if kept.ring.version < ring.version => {
                kept.timing = timing;
                kept.install(ring, Actor::Leader, &mut self.outcome);
            }
            Some(_) => {}
            None => self.insert(name, ring, timing),
        }
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Now) {
        if self.part != Part::Leads {
            self.expire(now);
        }
        let fault = self.rotate_due(now).err().map(|error| format!("tickets: keys are not rotated: {error}"));
        // It is tried again with each tick: one line is enough.
        if let Some(message) = fault.clone().filter(|_| fault != self.fault) {
            self.outcome.notices.push(Notice { alarming: true, message });
        }
        self.fault = fault;
    }

    fn rotate_due(&mut self, now: Now) -> Result<(), NoKey> {
        for (name, kept) in &mut self.rings {
            match self.part {
                Part::Leads => kept.tick(next_term(&self.terms, name, now), now.boot, &mut self.outcome)?,
                Part::Follows(_) => kept.destroy_expired(now.boot, &mut self.outcome)?,
            }
            note_term(&mut self.terms, name, kept.ring.version);
        }
        self.begin_missing(now)
    }

    /// Destroys rings that nobody rotates, as nodes do.
    fn expire(&mut self, now: Now) {
        let expired = self.rings.iter().filter(|(_, kept)| now.boot >= kept.ring.expires(kept.timing));
        let expired: Vec<_> = expired.map(|(name, _)| name.clone()).collect();
        for name in expired {
            let message = format!("tickets: ring {name}: destroyed, since no agent leads that would rotate it");
            self.outcome.notices.push(Notice { alarming: true, message });
            self.end(&name);
        }
    }

    /// Shifts a ring before its time.
    pub(super) fn rotate(&mut self, name: &RingName, force: bool, now: Now) -> Result<(), NotRotated> {
        let term = next_term(&self.terms, name, now);
        let kept = own(&self.part, &mut self.rings, name)?;
        let (age, guard) = (now.boot.since(kept.ring.next.created), kept.timing.guard());
        let is_ready = kept.nodes.readiness(kept.ring.version).reaches(100);
        if !force && (age < guard || !is_ready) {
            let (age, guard) = (age.as_secs(), guard.as_secs());
            let why = if is_ready { "" } else { " and not every node has said that it has it" };
            let reason = format!(
                "the next key is {age} s old (guard: {guard} s){why}: sessions made under it would not be resumed everywhere"
            );
            return Err(NotRotated::TooEarly(reason));
        }
        let done = kept.shift(term, Actor::Operator, now.boot, &mut self.outcome);
        note_term(&mut self.terms, name, kept.ring.version);
        done.map_err(|error| NotRotated::NoKey(error.to_string()))
    }

    /// Replaces all keys of a ring at once.
    pub(super) fn revoke(&mut self, name: &RingName, now: Now) -> Result<(), NotRotated> {
        let term = next_term(&self.terms, name, now);
        let kept = own(&self.part, &mut self.rings, name)?;
        let done = kept.replace(term, Actor::Operator, now.boot, &mut self.outcome);
        note_term(&mut self.terms, name, kept.ring.version);
        done.map_err(|error| NotRotated::NoKey(error.to_string()))?;
        let message = format!("tickets: ring {name}: revoked, all keys are new: no session of before is resumed");
        self.outcome.notices.push(Notice { alarming: true, message });
        Ok(())
    }

    /// The ring for a node that has `after`, if it is one of the ring's nodes; `Ok(None)` when it has the latest.
    pub(super) fn message(
        &mut self,
        name: &RingName,
        node: &str,
        after: Option<Version>,
        now: Now,
    ) -> Option<Option<RingMessage>> {
        let kept = self.rings.get_mut(name)?;
        kept.nodes.contains(node).then(|| {
            kept.nodes.heard(node, now.boot);
            (after != Some(kept.ring.version)).then(|| RingMessage::new(name, &kept.ring, kept.timing, now.boot))
        })
    }

    /// Takes what a node says; returns whether it is one of the ring's.
    pub(super) fn report(&mut self, name: &RingName, node: &str, report: &Report, now: Now) -> bool {
        let Some(kept) = self.rings.get_mut(name).filter(|kept| kept.nodes.contains(node)) else { return false };
        kept.report(node, report, now.boot, &mut self.outcome);
        true
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&RingName, &Kept)> {
        self.rings.iter()
    }

    pub(super) fn get(&self, name: &RingName) -> Option<&Kept> {
        self.rings.get(name)
    }

    /// Begins the rings of the configuration that are not there, if that is for this agent to do.
    fn begin_missing(&mut self, now: Now) -> Result<(), NoKey> {
        if self.part != Part::Leads {
            return Ok(());
        }
        let missing = self.wanted.iter().filter(|(name, _)| !self.rings.contains_key(name));
        let missing: Vec<_> = missing.map(|(name, (ring, _))| (name.clone(), ring.timing)).collect();
        for (name, timing) in missing {
            let ring = Ring::begin(next_term(&self.terms, &name, now), now.boot)?;
            for (state, slot) in ring.slots() {
                let record = Record::of(&name, ring.version, Transition::of(state), Actor::Config);
                self.outcome.records.push(record.about_key(slot.key.id()));
            }
            self.insert(&name, ring, timing);
        }
        Ok(())
    }

    fn insert(&mut self, name: &RingName, ring: Ring, timing: Timing) {
        let Some((settings, _)) = self.wanted.get(name) else { return };
        note_term(&mut self.terms, name, ring.version);
        self.rings.insert(name.clone(), Kept::new(settings.clone(), ring, timing));
        self.follow_settings(name);
    }

    fn follow_settings(&mut self, name: &RingName) {
        if let (Some(kept), Some((settings, nodes))) = (self.rings.get_mut(name), self.wanted.get(name)) {
            kept.settings = settings.clone();
            kept.nodes.follow(nodes);
        }
    }

    fn end(&mut self, name: &RingName) {
        let Some(kept) = self.rings.remove(name) else { return };
        for (_, slot) in kept.ring.slots() {
            let record = Record::of(name, kept.ring.version, Transition::Destroyed, Actor::Config);
            self.outcome.records.push(record.about_key(slot.key.id()));
        }
    }
}

/// A ring that this agent may rotate.
fn own<'a>(part: &Part, rings: &'a mut BTreeMap<RingName, Kept>, name: &RingName) -> Result<&'a mut Kept, NotRotated> {
    match part {
        Part::Leads => rings.get_mut(name).ok_or(NotRotated::Unknown),
        Part::Follows(leader) => Err(NotRotated::Follows(leader.clone())),
    }
}

/// The term of fresh keys: above all that were.
fn next_term(terms: &BTreeMap<RingName, u64>, name: &RingName, now: Now) -> u64 {
    let last = terms.get(name).copied().unwrap_or(Version::OWN_TERM);
    now.calendar.max(last.saturating_add(1))
}

fn note_term(terms: &mut BTreeMap<RingName, u64>, name: &RingName, version: Version) {
    let highest = terms.entry(name.clone()).or_default();
    *highest = version.term.max(*highest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn terms_go_up_whatever_the_calendar_says() {
        let name = RingName::try_from("shop".to_owned()).unwrap();
        let at = |calendar| Now { boot: BootTime::after_start(Duration::ZERO), calendar };
        let mut terms = BTreeMap::new();
        let mut begin = |calendar| {
            let term = next_term(&terms, &name, at(calendar));
            note_term(&mut terms, &name, Version { term, epoch: 1 });
            term
        };
        assert_eq!(begin(1_700_000_000), 1_700_000_000);
        // The clock of a machine without a battery begins in 1970; another one is set to a wrong year and back.
        assert_eq!(begin(5), 1_700_000_001);
        assert_eq!(begin(4_000_000_000), 4_000_000_000);
        assert_eq!(begin(1_700_000_100), 4_000_000_001);
    }
}
