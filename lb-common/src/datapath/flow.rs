//! Step 6: whether the flow is known, and what this packet tells of it.

use super::{Matter, Plan, Reading};
use crate::abi::{Backend, BackendState, Settings, Ticks};
use crate::flow::FlowKey;
use crate::flow_table::{FlowRecord, FlowState, Phase};
use crate::tables::{Flow, FlowTable, Tables};
use crate::verdict::Forwarded;

#[inline(always)]
pub(super) fn identify(settings: &Settings, key: FlowKey) -> Flow {
    Flow { hash: key.hash(settings.flow_secret), key }
}

/// A back-end that was found, and its slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'t> {
    pub(super) slot: u16,
    pub(super) backend: &'t Backend,
}

impl<'t> Found<'t> {
    /// The back-end that a record names, if it is still there.
    #[inline(always)]
    pub(super) fn of_record<T: Tables>(tables: &'t T, record: FlowRecord) -> Option<Self> {
        Self::of_slot(tables, record.slot(), record.generation())
    }

    /// The back-end that a slot was given to at this generation, if it is still there.
    #[inline(always)]
    pub(super) fn of_slot<T: Tables>(tables: &'t T, slot: u16, generation: u16) -> Option<Self> {
        let backend = tables.backend(slot)?;
        let is_there = backend.generation == generation && backend.state != BackendState::FREE;
        is_there.then_some(Self { slot, backend })
    }

    /// Sends a packet of `flow` there.
    #[inline(always)]
    pub(super) fn plan(self, how: Forwarded, reading: &Reading, flow: &Flow) -> Plan<'t> {
        Plan { slot: self.slot, backend: self.backend, how, network: reading.network, hash: flow.hash }
    }
}

/// The back-end that the flow was given to. `None` for a flow that is not known, whose back-end is gone, or that this
/// packet begins anew.
#[inline(always)]
pub(super) fn recall<'t, T: Tables>(
    tables: &'t T,
    settings: &Settings,
    matter: Matter,
    flow: &Flow,
    now: Ticks,
) -> Option<Found<'t>> {
    let (place, record) = tables.flows().find(settings, flow)?;
    let found = Found::of_record(tables, record)?;
    if begins_anew(settings, matter, record, now) {
        // Whatever becomes of the new flow: its packets are not to follow the old one.
        tables.flows().update(&place, record, FlowRecord::NONE);
        return None;
    }
    let state = next_state(record.state(), matter);
    // Writing only what changed keeps a busy flow's cache line shared between CPUs.
    if state != record.state() || record.last_seen() != now {
        tables.flows().update(&place, record, record.seen(state, now));
    }
    Some(found)
}

/// Whether the packet opens a new flow with a port that the client has used before. While an old connection may be alive a SYN goes to
/// its back-end, which knows what to make of it (RFC 9293, 3.10.7.4): anybody could have sent it. Datagrams after a long silence
/// have nothing to do with those before.
#[inline(always)]
fn begins_anew(settings: &Settings, matter: Matter, record: FlowRecord, now: Ticks) -> bool {
    match matter {
        Matter::Open => record.state().phase() == Phase::CLOSING || record.is_expired(now, &settings.timeouts),
        Matter::Datagram => record.is_expired(now, &settings.timeouts),
        _ => false,
    }
}

/// With direct server return only the client's half of a flow is seen: its second packet makes a flow established.
#[inline(always)]
fn next_state(state: FlowState, matter: Matter) -> FlowState {
    match matter {
        Matter::Close => state.in_phase(Phase::CLOSING),
        Matter::Continue if state.phase() != Phase::CLOSING => state.in_phase(Phase::ESTABLISHED),
        Matter::Datagram => state.in_phase(Phase::DATAGRAMS),
        _ => state,
    }
}
