//! Step 9, for flows that are not known: the back-end that takes the flow, and the memory of it.
//!
//! A new flow goes where its client was before, or takes what the scheduler's ring says. A packet in the middle of a connection that
//! nobody remembers was given to some back-end by another balancer, or before a restart: the consistent ring, which depends on nothing
//! but the flow and the set of back-ends, is the best guess at which.

use super::flow::Found;
use super::{Matter, Plan, Reading, Situation, admit, affinity, service};
use crate::abi::{Backend, BackendState, Limiter, Scheduler, Service, ServiceFlags};
use crate::flow::{CONSISTENT_SECRET, hash_address};
use crate::flow_table::{FlowRecord, FlowState, Phase};
use crate::tables::{Flow, FlowTable, Tables};
use crate::verdict::{Dropped, Forwarded, Passed, Subject, Verdict};

#[inline(always)]
pub(super) fn backend<'t, T: Tables>(
    situation: &Situation<'t, T>,
    reading: &Reading,
    flow: &Flow,
) -> Result<Plan<'t>, Verdict> {
    let service = service::lookup(situation.tables, situation.settings, &flow.key)?;
    let dropped = |why| Verdict::Dropped(why, Subject(service.id));
    admit::can_be(reading).map_err(dropped)?;
    admit::access(situation, service, reading.key.source).map_err(dropped)?;
    if service.flags.has(ServiceFlags::PASSING) {
        return Err(Verdict::Passed(Passed::AllDown));
    }
    let (found, how) = match reading.matter {
        Matter::Open | Matter::Datagram => {
            admit::rate(situation, service, reading).map_err(dropped)?;
            new_flow(situation, service, reading, flow)
        }
        Matter::Continue if admit::is_calm(situation, service, Limiter::unknown_flows(service.id)) => {
            situation.tables.flows().anticipate(situation.settings, flow);
            (consistent(situation, service, flow), Forwarded::UnknownFlow)
        }
        // Nothing will follow that would be worth remembering, or too much.
        _ => {
            let found = consistent(situation, service, flow).ok_or(dropped(Dropped::NoBackend))?;
            return Ok(found.plan(Forwarded::UnknownFlow, reading, flow));
        }
    };
    let found = found.ok_or(dropped(Dropped::NoBackend))?;
    if matches!(how, Forwarded::Flood | Forwarded::OnePacket) {
        return Ok(found.plan(how, reading, flow));
    }
    if !remember(situation, service, reading, flow, found) && how != Forwarded::UnknownFlow {
        // Its later packets will not be known: let this one go where they will go.
        let found = consistent(situation, service, flow).ok_or(dropped(Dropped::NoBackend))?;
        return Ok(found.plan(Forwarded::TableFull, reading, flow));
    }
    if how == Forwarded::NewFlow {
        affinity::remember(situation, service, reading, found);
    }
    Ok(found.plan(how, reading, flow))
}

/// Who takes a new flow, and why.
#[inline(always)]
fn new_flow<'t, T: Tables>(
    situation: &Situation<'t, T>,
    service: &Service,
    reading: &Reading,
    flow: &Flow,
) -> (Option<Found<'t>>, Forwarded) {
    if service.flags.has(ServiceFlags::ONE_PACKET) {
        return (scheduled(situation, service, flow), Forwarded::OnePacket);
    }
    if !admit::is_calm(situation, service, Limiter::half_open(service.id)) {
        return (consistent(situation, service, flow), Forwarded::Flood);
    }
    situation.tables.flows().anticipate(situation.settings, flow);
    match affinity::recall(situation, service, reading) {
        Some(found) => (Some(found), Forwarded::Affinity),
        None => (scheduled(situation, service, flow), Forwarded::NewFlow),
    }
}

#[inline(always)]
pub(super) fn remember<T: Tables>(
    situation: &Situation<'_, T>,
    service: &Service,
    reading: &Reading,
    flow: &Flow,
    found: Found<'_>,
) -> bool {
    let phase = if reading.matter == Matter::Datagram { Phase::FIRST_DATAGRAM } else { Phase::HALF_OPEN };
    let state = FlowState::new(phase, service.timeouts);
    let record = FlowRecord::new(found.slot, found.backend.generation, state, situation.ticks());
    situation.tables.flows().remember(situation.settings, flow, record)
}

/// The back-end that the scheduler gives the flow to.
#[inline(always)]
fn scheduled<'t, T: Tables>(situation: &Situation<'t, T>, service: &Service, flow: &Flow) -> Option<Found<'t>> {
    let offset = match service.scheduler {
        Scheduler::SOURCE_HASH => scale(hash_address(flow.key.source.words(), CONSISTENT_SECRET), service.ring_len),
        Scheduler::MAGLEV => scale(flow.key.hash(CONSISTENT_SECRET), service.ring_len),
        _ => {
            let turn = situation.tables.cursor(service.id)?.fetch_add(1);
            turn.checked_rem(u64::from(service.ring_len))? as u32
        }
    };
    if service.ring_len == 0 {
        return None;
    }
    at(situation, service, service.ring_start + offset)
}

/// The back-end that the flow has by its hash, on every balancer that has the same back-ends.
#[inline(always)]
pub(super) fn consistent<'t, T: Tables>(
    situation: &Situation<'t, T>,
    service: &Service,
    flow: &Flow,
) -> Option<Found<'t>> {
    if service.consistent_len == 0 {
        return None;
    }
    let offset = scale(flow.key.hash(CONSISTENT_SECRET), service.consistent_len);
    at(situation, service, service.consistent_start + offset)
}

/// A number below `len` by the upper half of a hash.
#[inline(always)]
fn scale(hash: u64, len: u32) -> u32 {
    (((hash >> 32) * u64::from(len)) >> 32) as u32
}

#[inline(always)]
fn at<'t, T: Tables>(situation: &Situation<'t, T>, service: &Service, position: u32) -> Option<Found<'t>> {
    let slot = situation.tables.ring(position)?;
    // The agent may be giving the ring's positions, or the service's entry, to another service at this moment.
    let is_own = |backend: &&Backend| backend.state != BackendState::FREE && backend.service == service.id;
    let backend = situation.tables.backend(slot).filter(is_own)?;
    Some(Found { slot, backend })
}
