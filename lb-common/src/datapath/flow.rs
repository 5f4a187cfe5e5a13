//! Step 4: whether the flow is known, and what this packet tells of it.

use super::hand_off::Plan;
use super::parse::{Packet, Signal};
use crate::abi::{BackendState, Settings, Ticks};
use crate::flow_table::{FlowRecord, FlowState};
use crate::tables::{Flow, FlowTable, Tables};
use crate::verdict::Forwarded;

#[inline(always)]
pub(super) fn identify(settings: &Settings, packet: &Packet) -> Flow {
    Flow { key: packet.key, hash: packet.key.hash(settings.flow_secret) }
}

/// The back-end that the flow was given to. `None` for a flow that is not known, whose back-end is gone, or that this
/// packet begins anew.
#[inline(always)]
pub(super) fn recall<'t, T: Tables>(
    tables: &'t T,
    settings: &Settings,
    packet: &Packet,
    flow: &Flow,
    now: Ticks,
) -> Option<Plan<'t>> {
    let (place, record) = tables.flows().find(settings, flow)?;
    let backend = tables.backend(record.slot())?;
    if backend.generation != record.generation() || backend.state == BackendState::FREE {
        return None;
    }
    if packet.signal == Signal::Open && begins_anew(settings, record, now) {
        return None;
    }
    let state = next_state(record.state(), packet.signal);
    // Writing only what changed keeps a busy flow's cache line shared between CPUs.
    if state != record.state() || record.last_seen() != now {
        tables.flows().update(&place, record, record.seen(state, now));
    }
    Some(Plan { slot: record.slot(), backend, how: Forwarded::Remembered })
}

/// Whether a SYN opens a new connection with a port that the client has used before. While the old one may be alive the SYN goes to
/// its back-end, which knows what to make of it (RFC 9293, 3.10.7.4): anybody could have sent it.
#[inline(always)]
fn begins_anew(settings: &Settings, record: FlowRecord, now: Ticks) -> bool {
    record.state() == FlowState::CLOSING || record.is_expired(now, &settings.timeouts)
}

/// With direct server return only the client's half of a flow is seen: its second packet makes a flow established.
#[inline(always)]
fn next_state(state: FlowState, signal: Signal) -> FlowState {
    match signal {
        Signal::Open => state,
        Signal::Close => FlowState::CLOSING,
        Signal::Continue if state == FlowState::CLOSING => state,
        Signal::Continue => FlowState::ESTABLISHED,
        Signal::Datagram => FlowState::DATAGRAMS,
    }
}
