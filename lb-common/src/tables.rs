//! What the packet logic may ask of the world: the maps, the clock, and where the packet came in.
//!
//! The XDP program implements these traits over its maps, the agent's in-memory data plane over plain vectors.

use crate::abi::{
    AccessKey, Action, Address, Backend, BackendCounters, Limiter, PortsKey, QuicKey, QuicServer, QuicServerKey,
    Service, ServiceCounters, ServiceKey, Settings, SourceKey, Ticks, TrafficClass,
};
use crate::atomic::SharedWord;
use crate::flow::FlowKey;
use crate::flow_table::FlowRecord;
use crate::frame::Frame;
use crate::quic::QuicConfig;
use crate::wire::Be16;

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

    /// The present, in nanoseconds of `CLOCK_MONOTONIC_COARSE`.
    fn now(&self) -> u64;

    /// The service with this key.
    fn service(&self, key: &ServiceKey) -> Option<&Service>;

    /// Whether services have this address.
    fn is_vip(&self, address: &Address) -> bool;

    /// First port of the service that has this one among its ports.
    fn ports(&self, key: &PortsKey) -> Option<Be16>;

    /// The round-robin cursor of the service with this id.
    fn cursor(&self, service: u32) -> Option<&SharedWord>;

    /// The back-end slot at a ring position.
    fn ring(&self, position: u32) -> Option<u16>;

    /// The back-end in a slot, in use or not.
    fn backend(&self, slot: u16) -> Option<&Backend>;

    /// What an access list says about a source.
    fn access(&self, key: &AccessKey) -> Option<Action>;

    /// The state of a limiter.
    fn limiter(&self, limiter: Limiter) -> Option<&SharedWord>;

    /// What `admit` makes of the state of a source's limiter, which is made anew for a source that is not known; `None` when there is
    /// no room for it.
    fn source_limiter(&self, key: &SourceKey, admit: impl FnOnce(&SharedWord) -> bool) -> Option<bool>;

    /// How QUIC connection IDs of a codepoint name servers.
    fn quic(&self, key: &QuicKey) -> Option<&QuicConfig>;

    /// The server that a QUIC connection ID names.
    fn quic_server(&self, key: &QuicServerKey) -> Option<QuicServer>;

    /// What is remembered of the client with this hash.
    fn client(&self, settings: &Settings, hash: u64) -> Option<FlowRecord>;

    /// Remembers a client for so long, in the place of one that was not heard of for longer.
    fn remember_client(&self, settings: &Settings, hash: u64, record: FlowRecord, lifetime: Ticks);

    /// What is remembered of the packet in pieces with this hash.
    fn fragment(&self, hash: u64) -> Option<FlowRecord>;

    /// Remembers a packet in pieces for so long, in the place of one that was not heard of for longer.
    fn remember_fragment(&self, hash: u64, record: FlowRecord, lifetime: Ticks);
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

    /// Says that this flow will be remembered: what that needs of memory can come in meanwhile.
    #[inline(always)]
    fn anticipate(&self, _settings: &Settings, _flow: &Flow) {}

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
    /// Counts a frame of `bytes` bytes of this class, and returns how many there were.
    fn count_class(&self, class: TrafficClass, bytes: u64) -> u64;

    /// Counts a packet of `bytes` bytes under the verdict with this number.
    fn count_verdict(&self, number: u32, bytes: u64);

    /// Counts in the counters of the service with this id, if there is one.
    fn count_service(&self, service: u32, count: impl FnOnce(&mut ServiceCounters));

    /// Counts in the counters of the back-end in this slot.
    fn count_backend(&self, slot: u16, count: impl FnOnce(&mut BackendCounters));
}

/// A packet whose ends can be moved.
pub trait Buffer {
    /// The packet as it is now.
    fn frame(&mut self) -> Frame<'_>;

    /// Moves the start of the packet: by a positive number of bytes to make room in front of it, by a negative one to cut it off.
    /// Returns whether there was room; if not, the packet is as it was. New bytes may have any content.
    fn grow_head(&mut self, bytes: i32) -> bool;

    /// Cuts the packet off behind `len` bytes, which it must have. Returns whether that was done.
    fn truncate(&mut self, len: usize) -> bool;
}
