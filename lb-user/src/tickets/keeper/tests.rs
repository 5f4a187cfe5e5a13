//! The invariants of rings, whatever happens to the agent and its nodes, in whichever order.

use super::kept::{Kept, Outcome};
use crate::config::{ServerKind, TicketRing};
use crate::tickets::node::Holder;
use crate::tickets::wire::{NodeState, Report, RingMessage};
use crate::tickets::{BootTime, KeyId, Ring, RingName, Timing, Version};
use proptest::prelude::*;
use rustls::pki_types::DnsName;
use std::collections::BTreeSet;
use std::time::Duration;

const NODES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Event {
    /// Time passes, in seconds, a second at a time.
    Wait(u8),
    /// A node hears of the latest ring, and may tell the agent so.
    Fetch { node: usize, tells: bool },
    /// An agent that has missed what came since offers a former ring.
    Offer { node: usize, which: usize },
    /// An operator rotates.
    Rotate,
    /// An operator replaces all keys.
    Revoke,
    /// The machine of a node, or of the agent, sleeps for long: nothing is done, but time passes.
    Sleep(u16),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1..60_u8).prop_map(Event::Wait),
        6 => (0..NODES.len(), any::<bool>()).prop_map(|(node, tells)| Event::Fetch { node, tells }),
        1 => (0..NODES.len(), 0..100_usize).prop_map(|(node, which)| Event::Offer { node, which }),
        1 => Just(Event::Rotate),
        1 => Just(Event::Revoke),
        1 => (60..500_u16).prop_map(Event::Sleep),
    ]
}

struct World {
    kept: Kept,
    holders: Vec<Holder>,
    now: BootTime,
    outcome: Outcome,
    /// Everything that was ever sent.
    sent: Vec<Ring>,
    /// Every version, and the keys that it had.
    rings: Vec<Ring>,
}

impl World {
    fn new() -> Self {
        let seconds = Duration::from_secs;
        let timing = Timing::new(seconds(100), seconds(100), seconds(10)).unwrap();
        let now = BootTime::after_start(seconds(1_000_000));
        let settings = TicketRing {
            name: name(),
            services: vec!["web".to_owned()],
            identity: DnsName::try_from("shop.example").unwrap().to_owned(),
            server: ServerKind::Nginx,
            timing,
            min_ready: 50,
            probe_interval: None,
        };
        let ring = Ring::begin(1, now).unwrap();
        let mut kept = Kept::new(settings, ring.clone(), timing);
        kept.nodes.follow(&NODES.map(str::to_owned).into());
        let holders = NODES.map(|_| Holder::default()).into();
        Self { kept, holders, now, outcome: Outcome::default(), sent: Vec::new(), rings: vec![ring] }
    }

    fn step(&mut self, event: &Event) {
        match *event {
            Event::Wait(seconds) => (0..seconds).for_each(|_| self.pass(1)),
            Event::Sleep(seconds) => self.pass(seconds.into()),
            Event::Fetch { node, tells } => {
                let message = RingMessage::new(&name(), &self.kept.ring, self.kept.timing, self.now);
                let ring = message.ring(&name(), self.now).expect("what the agent sends is a ring");
                self.offer(node, &ring);
                self.sent.push(ring);
                self.kept.nodes.heard(NODES[node], self.now);
                if tells {
                    let (version, driver) = (self.holders[node].version(), "nginx".to_owned());
                    let state = if version.is_some() { NodeState::Cluster } else { NodeState::Local };
                    let report = Report { version, state, driver, error: None };
                    self.kept.report(NODES[node], &report, self.now, &mut self.outcome);
                }
            }
            Event::Offer { node, which } if !self.sent.is_empty() => {
                let ring = self.sent.swap_remove(which % self.sent.len());
                self.offer(node, &ring);
            }
            Event::Offer { .. } => {}
            Event::Rotate => {
                let term = self.kept.ring.version.term + 1;
                self.kept.shift(term, super::record::Actor::Operator, self.now, &mut self.outcome).unwrap();
            }
            Event::Revoke => {
                let term = self.kept.ring.version.term + 1;
                self.kept.replace(term, super::record::Actor::Operator, self.now, &mut self.outcome).unwrap();
            }
        }
        self.note();
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
        let term = self.kept.ring.version.term + 1;
        self.kept.tick(term, self.now, &mut self.outcome).unwrap();
        self.note();
        for holder in &mut self.holders {
            while holder.tick(self.now).unwrap().is_some() {}
        }
    }

    fn offer(&mut self, node: usize, ring: &Ring) {
        let timing = self.kept.timing;
        let holder = &mut self.holders[node];
        let before = holder.highest();
        if holder.considers(ring, timing, self.now) == Ok(true) {
            holder.take(ring.clone(), timing);
        }
        assert!(holder.highest() >= before, "a node went back from {before:?} to {:?}", holder.highest());
        while holder.tick(self.now).unwrap().is_some() {}
    }

    fn note(&mut self) {
        if self.rings.last().map(|ring| ring.version) != Some(self.kept.ring.version) {
            let last = self.rings.last().unwrap();
            assert!(self.kept.ring.version > last.version, "{} after {}", self.kept.ring.version, last.version);
            self.rings.push(self.kept.ring.clone());
        }
    }

    fn check(&self) {
        for (_, slot) in self.kept.ring.slots() {
            assert!(self.now < slot.destroyed_by(self.kept.timing), "the agent kept a key for too long");
        }
        for holder in &self.holders {
            let Some(held) = holder.held() else { continue };
            let keys: BTreeSet<KeyId> = held.ring.slots().iter().map(|(_, slot)| slot.key.id()).collect();
            assert_eq!(keys.len(), 3, "three keys, and no two of them the same");
            for (_, slot) in held.ring.slots() {
                assert!(self.now < slot.destroyed_by(held.timing), "a key outlived its time");
            }
            assert!(self.now < held.ring.expires(held.timing) || !held.is_shared(), "a ring outlived its time");
            assert!(holder.deadline().unwrap() > self.now, "something is overdue");
        }
        for one in &self.holders {
            for other in &self.holders {
                let (Some(one), Some(other)) = (one.held(), other.held()) else { continue };
                let near = one.ring.version.behind(other.ring.version).is_some_and(|lag| lag <= 1);
                if near && one.is_shared() && other.ring.version >= one.ring.version {
                    let resumes = |a: &Ring, b: &Ring| b.holds(&a.active.key.id());
                    assert!(resumes(&one.ring, &other.ring) && resumes(&other.ring, &one.ring), "tickets get lost");
                }
            }
        }
        // The key that closes tickets was with everybody before, but for the first ring of a term.
        for pair in self.rings.windows(2) {
            if pair[1].version.epoch > 1 {
                assert_eq!(pair[1].active.key, pair[0].next.key);
                assert_eq!(pair[1].old.key, pair[0].active.key);
                assert!(!pair[0].holds(&pair[1].next.key.id()));
            } else {
                assert!(pair[1].slots().iter().all(|(_, slot)| !pair[0].holds(&slot.key.id())), "a key was used again");
            }
        }
    }
}

fn name() -> RingName {
    RingName::try_from("shop".to_owned()).unwrap()
}

proptest! {
    #[test]
    fn rings_keep_what_they_promise(events in prop::collection::vec(event(), 1..80)) {
        let mut world = World::new();
        for event in &events {
            world.step(event);
            world.check();
        }
    }
}

#[test]
fn rotation_waits_for_nodes_that_were_heard_and_not_for_ever() {
    let mut world = World::new();
    let version = |world: &World| world.kept.ring.version;
    // Nobody was heard: there is nobody to wait for.
    world.step(&Event::Wait(100));
    assert_eq!(version(&world), Version { term: 1, epoch: 2 });
    for node in &NODES[..2] {
        world.kept.nodes.heard(node, world.now);
    }
    world.step(&Event::Wait(140));
    assert_eq!(version(&world), Version { term: 1, epoch: 2 });
    assert!(world.kept.held);
    assert_eq!(world.outcome.notices.len(), 1);
    assert!(world.outcome.notices[0].message.ends_with("the rotation waits for: a, b"), "{:?}", world.outcome.notices);
    world.step(&Event::Wait(10));
    assert_eq!(version(&world), Version { term: 1, epoch: 3 });
    assert!(world.outcome.notices[1].message.contains("rotated without waiting longer for: a, b"));
    // With one of the two that were heard, there are enough.
    world.step(&Event::Fetch { node: 0, tells: true });
    world.step(&Event::Wait(100));
    assert_eq!(version(&world), Version { term: 1, epoch: 4 });
}

#[test]
fn a_shorter_period_is_followed_at_once_and_a_much_shorter_one_with_fresh_keys() {
    let mut world = World::new();
    let seconds = Duration::from_secs;
    for _ in 0..3 {
        world.step(&Event::Wait(100));
    }
    let before = world.kept.ring.clone();
    world.kept.settings.timing = Timing::new(seconds(60), seconds(60), seconds(10)).unwrap();
    world.step(&Event::Wait(60));
    assert_eq!(world.kept.ring.active.key, before.next.key, "their keys are young enough");
    world.kept.settings.timing = Timing::new(seconds(5), seconds(5), seconds(1)).unwrap();
    world.step(&Event::Wait(5));
    assert!(world.kept.ring.version.term > before.version.term, "keys would be older than they may be");
    // A longer one begins with the next shift: until then, nodes go by the shorter one.
    world.kept.settings.timing = Timing::new(seconds(1_000), seconds(1_000), seconds(1)).unwrap();
    world.step(&Event::Wait(5));
    assert_eq!((world.kept.ring.version.epoch, world.kept.timing.rotation()), (2, seconds(1_000)));
}
