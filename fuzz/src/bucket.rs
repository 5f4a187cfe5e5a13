//! What a bucket of the flow table must do, told without one: a list of flows, and who gives way when there is no room.

use lb_common::abi::{TICK_BITS, TIMEOUT_CLASSES, Ticks, TimeoutClass, Timeouts};
use lb_common::flow_table::{Bucket, FlowRecord, FlowState, Lifetimes, Phase, WAYS};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Something that happens to a bucket.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A flow is given to a back-end: slot and generation.
    Remember(Flow, u16, u16, FlowState),
    /// A packet of a flow comes.
    See(Flow, FlowState),
    /// A packet of a flow comes, but another CPU changes the record first.
    SeeTooLate(Flow, FlowState),
    /// The agent forgets a flow.
    Forget(Flow),
    /// Time passes.
    Wait(Ticks),
}

/// One of [`FLOWS`].
#[derive(Clone, Copy, Debug)]
struct Flow(u8);

/// Twice as many flows as have room.
const FLOWS: u8 = 2 * WAYS as u8;

/// A bucket, and what must be in it.
pub struct Trial {
    bucket: Bucket,
    flows: BTreeMap<u64, FlowRecord>,
    timeouts: Timeouts,
    now: Ticks,
}

impl Default for Trial {
    /// An empty bucket. Each class has a timeout of its own.
    fn default() -> Self {
        let mut timeouts = Timeouts::DEFAULT;
        for class in 1..TIMEOUT_CLASSES as u8 {
            timeouts.set_class(TimeoutClass(class), 1 << (class % 24));
        }
        Self { bucket: Bucket::default(), flows: BTreeMap::new(), timeouts, now: 0 }
    }
}

impl Trial {
    /// Lets all happen that `input` says, 8 bytes an event.
    ///
    /// # Panics
    /// When the bucket is not as it must be after one of them.
    pub fn play(&mut self, input: &[u8]) {
        for bytes in input.as_chunks().0 {
            self.happen(Event::of(*bytes));
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Remember(flow, slot, generation, state) => {
                self.remember(flow.hash(), FlowRecord::new(slot, generation, state, self.now));
            }
            Event::See(flow, state) => {
                if let Some((entry, record)) = self.bucket.find(flow.hash()) {
                    entry.update(record, record.seen(state, self.now));
                    let seen = FlowRecord::new(record.slot(), record.generation(), state, self.now);
                    self.flows.insert(flow.hash(), seen);
                }
            }
            Event::SeeTooLate(flow, state) => {
                if let Some((entry, record)) = self.bucket.find(flow.hash()) {
                    let other =
                        FlowRecord::new(!record.slot(), record.generation(), record.state(), record.last_seen());
                    entry.update(other, other.seen(state, self.now));
                }
            }
            Event::Forget(flow) => {
                if let Some((entry, record)) = self.bucket.find(flow.hash()) {
                    entry.forget(record);
                    self.flows.remove(&flow.hash());
                }
            }
            Event::Wait(ticks) => self.now = self.now.wrapping_add(ticks) & ((1 << TICK_BITS) - 1),
        }
        for flow in (0..FLOWS).map(Flow) {
            let found = self.bucket.find(flow.hash()).map(|(_, record)| record);
            assert_eq!(found, self.flows.get(&flow.hash()).copied(), "{flow:?} after {event:?}");
        }
    }

    fn remember(&mut self, hash: u64, record: FlowRecord) {
        let has_room = self.flows.contains_key(&hash) || self.flows.len() < WAYS;
        let cheapest = self.flows.values().filter_map(|&record| self.price(record)).min();
        let is_remembered = self.bucket.remember(hash, record, &self.timeouts).is_some();
        assert_eq!(is_remembered, has_room || cheapest.is_some(), "{:?}", self.flows);
        if !is_remembered {
            return;
        }
        if !has_room {
            let mut gone = self.flows.extract_if(.., |&hash, _| self.bucket.find(hash).is_none());
            let (gone, none) = (gone.next(), gone.next());
            assert_eq!(none, None, "two flows gave way to one, besides {gone:?}");
            assert_eq!(gone.and_then(|(_, record)| self.price(record)), cheapest, "{gone:?} gave way");
        }
        self.flows.insert(hash, record);
    }

    /// What it costs to forget a flow, among equals the less the longer it is silent; `None` for one that must stay.
    fn price(&self, record: FlowRecord) -> Option<(u8, Reverse<Ticks>)> {
        let silence = record.silence(self.now);
        let kind = match record.state().phase() {
            _ if record.is_expired(self.now, &self.timeouts) => 0,
            Phase::HALF_OPEN | Phase::FIRST_DATAGRAM => 1,
            _ if silence >= self.timeouts.idle(record.state()) => 2,
            _ => return None,
        };
        Some((kind, Reverse(silence)))
    }
}

impl Event {
    fn of([kind, flow, phase, class, number @ ..]: [u8; 8]) -> Self {
        const PHASES: [Phase; 5] =
            [Phase::HALF_OPEN, Phase::ESTABLISHED, Phase::CLOSING, Phase::DATAGRAMS, Phase::FIRST_DATAGRAM];
        let flow = Flow(flow % FLOWS);
        let phase = PHASES[usize::from(phase) % PHASES.len()];
        let state = FlowState::new(phase, TimeoutClass(class % TIMEOUT_CLASSES as u8));
        let [a, b, c, d] = number;
        match kind % 5 {
            0 => Self::Remember(flow, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]), state),
            1 => Self::See(flow, state),
            2 => Self::SeeTooLate(flow, state),
            3 => Self::Forget(flow),
            _ => Self::Wait(Ticks::from_be_bytes(number)),
        }
    }
}

impl Flow {
    /// The lowest bit of a hash means nothing.
    fn hash(self) -> u64 {
        u64::from(self.0) << 1
    }
}
