//! Step 6, for flows that are not known: the back-end that takes the flow, and the memory of it.
//!
//! A new flow takes the next position of the scheduler's ring. A packet in the middle of a TCP connection that nobody remembers was
//! given to some back-end by another balancer, or before a restart: the consistent ring, which depends on nothing
//! but the flow and the set of back-ends, is the best guess at which.

use super::hand_off::Plan;
use super::parse::{Packet, Signal};
use crate::abi::{Backend, BackendState, Service, Settings, Ticks};
use crate::flow::CONSISTENT_SECRET;
use crate::flow_table::FlowRecord;
use crate::tables::{Flow, FlowTable, Tables};
use crate::verdict::{Dropped, Forwarded, Verdict};

#[inline(always)]
pub(super) fn backend<'t, T: Tables>(
    tables: &'t T,
    settings: &Settings,
    service: &Service,
    packet: &Packet,
    flow: &Flow,
    now: Ticks,
) -> Result<Plan<'t>, Verdict> {
    let (position, how) = match packet.signal {
        Signal::Open | Signal::Datagram => (scheduled(tables, service), Forwarded::NewFlow),
        Signal::Continue | Signal::Close => (consistent(service, flow), Forwarded::UnknownFlow),
    };
    let plan = plan(tables, service, position, how)?;
    let remembered = packet.signal != Signal::Close
        && tables.flows().remember(settings, flow, FlowRecord::new(plan.slot, plan.backend.generation, now));
    if how == Forwarded::NewFlow && !remembered {
        // Its later packets will not be known: let this one go where they will go.
        return self::plan(tables, service, consistent(service, flow), Forwarded::TableFull);
    }
    Ok(plan)
}

/// The ring position whose turn it is.
#[inline(always)]
fn scheduled<T: Tables>(tables: &T, service: &Service) -> Option<u32> {
    let turn = tables.cursor(service.id)?.fetch_add(1);
    let offset = turn.checked_rem(u64::from(service.ring_len))?;
    Some(service.ring_start + offset as u32)
}

/// The ring position that the flow has by its hash, on every balancer that has the same back-ends.
#[inline(always)]
fn consistent(service: &Service, flow: &Flow) -> Option<u32> {
    if service.consistent_len == 0 {
        return None;
    }
    let hash = flow.key.hash(CONSISTENT_SECRET) >> 32;
    Some(service.consistent_start + ((hash * u64::from(service.consistent_len)) >> 32) as u32)
}

#[inline(always)]
fn plan<'t, T: Tables>(
    tables: &'t T,
    service: &Service,
    position: Option<u32>,
    how: Forwarded,
) -> Result<Plan<'t>, Verdict> {
    let no_backend = Verdict::Dropped(Dropped::NoBackend, service.id);
    let slot = position.and_then(|position| tables.ring(position)).ok_or(no_backend)?;
    // The agent may be giving the ring's positions, or the service's entry, to another service at this moment.
    let is_own = |backend: &&Backend| backend.state != BackendState::FREE && backend.service == service.id;
    let backend = tables.backend(slot).filter(is_own).ok_or(no_backend)?;
    Ok(Plan { slot, backend, how })
}
