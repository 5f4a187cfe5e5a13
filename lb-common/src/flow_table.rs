//! The set-associative flow table: which back-end each flow was given to. Packets in pieces and clients with affinity are remembered
//! in smaller tables of the same kind.
//!
//! A bucket is one cache line of four entries, so that a look-up costs one cache miss whatever the size of the table. An entry is a
//! tag, the flow's keyed hash, and a [`FlowRecord`] packed into one word. There is no lock:
//!
//! 1. An inserting CPU picks a victim in the bucket and *claims* it by a compare-exchange on its record. That fails when
//!    the victim's own flow, or another inserter, was quicker.
//! 2. It writes the new tag, then the new record.
//! 3. A reader takes a record only if the tag is the same before and after reading it, and never a claimed one. It changes a
//!    record by compare-exchange too, so it never writes over somebody else's.
//!
//! Victims, in this order: empty, expired, half-open, idle. Among equals, the longest silent; of those, one by the hash. A flow that is established and active
//! is never a victim, so a flood of first packets pushes out first packets, not connections.

mod key;

pub use key::StoredKey;

use crate::abi::{TICK_BITS, Ticks, TimeoutClass, ticks_between};
use crate::atomic::SharedWord;

/// Entries of one bucket.
pub const WAYS: usize = 4;

/// One cache line of flows. Value of the map `FLOWS`.
#[repr(C, align(64))]
#[cfg_attr(not(target_arch = "bpf"), derive(Default))]
pub struct Bucket {
    entries: [Entry; WAYS],
}

const _: () = assert!(size_of::<Bucket>() == 64);

/// One remembered flow.
#[repr(C)]
#[cfg_attr(not(target_arch = "bpf"), derive(Default))]
pub struct Entry {
    /// The flow's hash with the lowest bit set; 0 for an entry that was never used.
    tag: SharedWord,
    record: SharedWord,
}

/// Index of the bucket that a flow with this hash lives in.
#[inline(always)]
pub const fn bucket_index(hash: u64, bucket_mask: u32) -> u32 {
    (hash >> 32) as u32 & bucket_mask
}

impl Bucket {
    /// The entry and the record of the flow with this hash.
    #[inline(always)]
    pub fn find(&self, hash: u64) -> Option<(&Entry, FlowRecord)> {
        let tag = tag(hash);
        let [a, b, c, d] = &self.entries;
        for entry in [a, b, c, d] {
            if entry.tag.load() == tag {
                let record = FlowRecord(entry.record.load());
                // The record of another flow that took the entry between the two loads is not this flow's, and a flow that was
                // forgotten has left its tag.
                if record.is_flow() && entry.tag.load() == tag {
                    return Some((entry, record));
                }
            }
        }
        None
    }

    /// Remembers the flow with this hash, where it already is or in the best victim's place; returns which entry that is, below
    /// [`WAYS`], if there was one.
    #[inline(always)]
    pub fn remember<L: Lifetimes>(&self, hash: u64, record: FlowRecord, lifetimes: &L) -> Option<usize> {
        let (tag, now) = (tag(hash), record.last_seen());
        let [a, b, c, d] = &self.entries;
        // The index rides in the lowest bits, so that choosing a price is choosing a victim. Turned by the hash, or of equals it would
        // always be the first: in a flood, every new flow would go in the place of the one just before.
        let turn = hash >> 1 & (WAYS as u64 - 1);
        let price = |entry: &Entry, index| entry.price(tag, now, lifetimes) << 2 | index ^ turn;
        let cheapest = price(a, 0).min(price(b, 1)).min(price(c, 2)).min(price(d, 3)) ^ turn;
        // The mask keeps the index inside the array, for the compiler as for the verifier.
        let way = cheapest as usize & (WAYS - 1);
        let victim = &self.entries[way];
        let current = FlowRecord(victim.record.load());
        let own = victim.tag.load() == tag && current.state().phase() != Phase::CLAIMED;
        // Another CPU may have changed the record since: what counts is what the claim replaces.
        if !(own || current.price(now, lifetimes) < NEVER) || !victim.record.replace(current.0, FlowRecord::CLAIMED.0) {
            return None;
        }
        victim.tag.store(tag);
        victim.record.store(record.0);
        Some(way)
    }

    /// What it holds at this moment, apart from it.
    #[cfg(not(target_arch = "bpf"))]
    pub fn copy(&self) -> Self {
        let copy = |entry: &Entry| Entry {
            tag: SharedWord::new(entry.tag.load()),
            record: SharedWord::new(entry.record.load()),
        };
        Self { entries: self.entries.each_ref().map(copy) }
    }

    /// The four entries, for the agent to look through.
    pub fn entries(&self) -> &[Entry; WAYS] {
        &self.entries
    }
}

impl Entry {
    /// What it would cost to give the entry to the flow with this tag.
    #[inline(always)]
    fn price<L: Lifetimes>(&self, tag: u64, now: Ticks, lifetimes: &L) -> u64 {
        if self.tag.load() == tag { 0 } else { FlowRecord(self.record.load()).price(now, lifetimes) }
    }

    /// Replaces the record, unless it is not `current` any more.
    #[inline(always)]
    pub fn update(&self, current: FlowRecord, new: FlowRecord) {
        self.record.replace(current.0, new.0);
    }

    /// The record, if the entry holds one.
    pub fn record(&self) -> Option<FlowRecord> {
        let record = FlowRecord(self.record.load());
        record.is_flow().then_some(record)
    }

    /// Whether the entry is that of the flow with this hash.
    pub fn is_of(&self, hash: u64) -> bool {
        self.tag.load() == tag(hash)
    }

    /// Forgets the flow, unless its record is not `current` any more.
    pub fn forget(&self, current: FlowRecord) {
        self.update(current, FlowRecord::NONE);
    }
}

/// The lowest bit tells a used entry from one that never was.
#[inline(always)]
const fn tag(hash: u64) -> u64 {
    hash | 1
}

/// What is remembered of a flow, in one word: from the lowest bit, back-end slot (16 bits), the slot's generation (16), last seen
/// (24), state (8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowRecord(u64);

/// State of a flow: its phase, and which timeouts hold for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowState(u8);

impl FlowState {
    /// A flow in `phase` with the timeouts of `class`.
    #[inline(always)]
    pub const fn new(phase: Phase, class: TimeoutClass) -> Self {
        Self(phase.0 | class.0 << Phase::BITS)
    }

    /// How far along the flow is.
    #[inline(always)]
    pub const fn phase(self) -> Phase {
        Phase(self.0 & Phase::MASK)
    }

    /// Which timeouts it has.
    #[inline(always)]
    pub const fn class(self) -> TimeoutClass {
        TimeoutClass(self.0 >> Phase::BITS)
    }

    /// The same flow in another phase.
    #[inline(always)]
    #[must_use]
    pub const fn in_phase(self, phase: Phase) -> Self {
        Self(self.0 & !Phase::MASK | phase.0)
    }
}

/// How far along a flow is, as far as the client's half of it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Phase(u8);

impl Phase {
    /// There is no flow.
    pub const EMPTY: Self = Self(0);
    /// Only the first segment of a TCP connection, or packet of an SCTP association, was seen.
    pub const HALF_OPEN: Self = Self(1);
    /// More packets of a TCP connection or an SCTP association were seen.
    pub const ESTABLISHED: Self = Self(2);
    /// The client said that it is done. It may go on acknowledging what it still receives.
    pub const CLOSING: Self = Self(3);
    /// More UDP packets were seen.
    pub const DATAGRAMS: Self = Self(4);
    /// Only one UDP packet was seen.
    pub const FIRST_DATAGRAM: Self = Self(5);
    /// Another CPU is replacing the flow at this moment.
    const CLAIMED: Self = Self(7);

    const BITS: u32 = 3;
    const MASK: u8 = Self::COUNT as u8 - 1;

    /// Phases are below this, a power of two.
    pub const COUNT: usize = 1 << Self::BITS;

    /// Index of the phase in tables by phase. The mask is for the verifier, which does not know what is in a record.
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.0 as usize & (Self::COUNT - 1)
    }

    /// Its name, as in every listing.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EMPTY => "empty",
            Self::HALF_OPEN => "half-open",
            Self::ESTABLISHED => "established",
            Self::CLOSING => "closing",
            Self::DATAGRAMS => "datagrams",
            Self::FIRST_DATAGRAM => "first-datagram",
            _ => "claimed",
        }
    }
}

/// When entries of a set-associative table may go.
pub trait Lifetimes {
    /// After how much silence an entry in this state counts as over.
    fn expired(&self, state: FlowState) -> Ticks;

    /// After how much silence an entry in this state may give way to a new one when nothing else can.
    fn idle(&self, state: FlowState) -> Ticks;
}

/// Entries that all live equally long, and may give way at any time.
#[derive(Clone, Copy, Debug)]
pub struct Forgetful {
    /// After how much silence an entry counts as over.
    pub after: Ticks,
}

impl Lifetimes for Forgetful {
    #[inline(always)]
    fn expired(&self, state: FlowState) -> Ticks {
        if matches!(state.phase(), Phase::CLAIMED) { Ticks::MAX } else { self.after }
    }

    #[inline(always)]
    fn idle(&self, state: FlowState) -> Ticks {
        if matches!(state.phase(), Phase::CLAIMED) { Ticks::MAX } else { 0 }
    }
}

const GENERATION_SHIFT: u32 = 16;
const SEEN_SHIFT: u32 = 32;
const STATE_SHIFT: u32 = SEEN_SHIFT + TICK_BITS;
const SEEN_MASK: u64 = ((1 << TICK_BITS) - 1) << SEEN_SHIFT;
const STATE_MASK: u64 = 0xff << STATE_SHIFT;

/// As high as the price of a flow that is no victim, or lower.
const NEVER: u64 = 3 << TICK_BITS;

impl FlowRecord {
    /// No flow.
    pub const NONE: Self = Self(0);

    const CLAIMED: Self = Self((Phase::CLAIMED.0 as u64) << STATE_SHIFT);

    /// A flow that was given to generation `generation` of the back-end in `slot`, just seen.
    #[inline(always)]
    pub const fn new(slot: u16, generation: u16, state: FlowState, now: Ticks) -> Self {
        let state = (state.0 as u64) << STATE_SHIFT;
        Self(slot as u64 | (generation as u64) << GENERATION_SHIFT | (now as u64) << SEEN_SHIFT | state)
    }

    /// The record in this word.
    #[inline(always)]
    pub const fn from_bits(word: u64) -> Self {
        Self(word)
    }

    /// The record as a word.
    #[inline(always)]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The same flow in another state, seen now.
    #[inline(always)]
    pub const fn seen(self, state: FlowState, now: Ticks) -> Self {
        let rest = self.0 & !(SEEN_MASK | STATE_MASK);
        Self(rest | (now as u64) << SEEN_SHIFT | (state.0 as u64) << STATE_SHIFT)
    }

    /// Slot of the back-end.
    #[inline(always)]
    pub const fn slot(self) -> u16 {
        self.0 as u16
    }

    /// The slot's generation when the flow was given to it.
    #[inline(always)]
    pub const fn generation(self) -> u16 {
        (self.0 >> GENERATION_SHIFT) as u16
    }

    /// When its last packet came, to the tick.
    #[inline(always)]
    pub const fn last_seen(self) -> Ticks {
        ((self.0 & SEEN_MASK) >> SEEN_SHIFT) as Ticks
    }

    /// How far along the flow is.
    #[inline(always)]
    pub const fn state(self) -> FlowState {
        FlowState((self.0 >> STATE_SHIFT) as u8)
    }

    /// Whether there is a flow, and not an empty place or one that is being replaced.
    #[inline(always)]
    fn is_flow(self) -> bool {
        self.state().phase() != Phase::EMPTY && self.state().phase() != Phase::CLAIMED
    }

    /// How long it has been silent.
    #[inline(always)]
    pub const fn silence(self, now: Ticks) -> Ticks {
        ticks_between(self.last_seen(), now)
    }

    /// Whether the flow has been silent for longer than its state allows: it does not count as live any more. Its packets are
    /// still forwarded to its back-end until another flow needs the place.
    #[inline(always)]
    pub fn is_expired<L: Lifetimes>(self, now: Ticks, lifetimes: &L) -> bool {
        self.silence(now) >= lifetimes.expired(self.state())
    }

    /// What it would cost to forget the flow: nothing to speak of when it is expired, more when it is half open, most when it is idle;
    /// [`NEVER`] or above when it is live. Among equals, the longest silent is the cheapest.
    #[inline(always)]
    fn price<L: Lifetimes>(self, now: Ticks, lifetimes: &L) -> u64 {
        // An empty place has no silence to compare. 0 is kept for the flow's own former place.
        if self.state().phase() == Phase::EMPTY {
            return 1;
        }
        let silence = self.silence(now);
        let class = if self.is_expired(now, lifetimes) {
            0
        } else if matches!(self.state().phase(), Phase::HALF_OPEN | Phase::FIRST_DATAGRAM) {
            1
        } else if silence >= lifetimes.idle(self.state()) {
            2
        } else {
            3
        };
        (class << TICK_BITS) + u64::from((1 << TICK_BITS) - 1 - silence)
    }
}

#[cfg(test)]
mod tests;
