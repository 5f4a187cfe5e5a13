//! What the packet logic may ask of the world: the maps, the clock, and where the packet came in.
//!
//! The XDP program implements these traits over its maps, the agent's in-memory data plane over plain vectors.

use crate::abi::{Backend, BackendCounters, Service, ServiceCounters, ServiceKey, Settings, Ticks};
use crate::atomic::SharedWord;
use crate::flow::FlowKey;
use crate::flow_table::FlowRecord;

/// Everything that a decision reads.
pub trait Tables {
    /// The memory of flows.
    type Flows: FlowTable;

    /// The memory of flows.
    fn flows(&self) -> &Self::Flows;

    /// What holds for the whole program; `None` before the agent wrote it.
    fn settings(&self) -> Option<&Settings>;

    /// Index of the interface that the packet came in by.
    fn ingress(&self) -> u32;

    /// The present.
    fn now(&self) -> Ticks;

    /// The service with this key.
    fn service(&self, key: &ServiceKey) -> Option<&Service>;

    /// The round-robin cursor of the service with this id.
    fn cursor(&self, service: u32) -> Option<&SharedWord>;

    /// The back-end slot at a ring position.
    fn ring(&self, position: u32) -> Option<u16>;

    /// The back-end in a slot, in use or not.
    fn backend(&self, slot: u16) -> Option<&Backend>;
}

/// A memory of which back-end each flow was given to.
pub trait FlowTable {
    /// Where a flow is kept.
    type Place<'a>
    where
        Self: 'a;

    /// The place and the record of a flow, if it is remembered.
    fn find(&self, settings: &Settings, flow: &Flow) -> Option<(Self::Place<'_>, FlowRecord)>;

    /// Replaces the record of a flow that was found, unless another CPU changed it since.
    fn update(&self, place: &Self::Place<'_>, current: FlowRecord, new: FlowRecord);

    /// Remembers a flow, in the place of one that is not needed any more; returns whether there was one.
    fn remember(&self, settings: &Settings, flow: &Flow, record: FlowRecord) -> bool;
}

/// A flow on its way through a decision.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// Its 5-tuple.
    pub key: FlowKey,
    /// [`FlowKey::hash`] under [`Settings::flow_secret`].
    pub hash: u64,
}

/// Where outcomes are counted. Each counter belongs to the current CPU alone.
pub trait Counters {
    /// Counts a packet of `bytes` bytes under the verdict with this number.
    fn verdict(&self, number: u32, bytes: u64);

    /// Counts in the counters of the service with this id.
    fn service(&self, service: u32, count: impl FnOnce(&mut ServiceCounters));

    /// Counts in the counters of the back-end in this slot.
    fn backend(&self, slot: u16, count: impl FnOnce(&mut BackendCounters));
}
