//! Affinity: within a window, a client's new flows go where its flows were before, so that its TLS sessions are resumed there; at the
//! window's end that memory is initialised (the paper, II.B). Both are a trade-off: longer windows reuse more sessions and
//! spread the load less evenly.

use super::flow::Found;
use super::{Reading, Situation};
use crate::abi::{AffinityReset, BackendState, Service, Ticks, TimeoutClass, ticks_between};
use crate::flow::hash_address;
use crate::flow_table::{FlowRecord, FlowState, Phase};
use crate::tables::Tables;

/// The back-end that the client was sent to in this window, unless it is leaving or has more than its share of load.
#[inline(always)]
pub(super) fn recall<'t, T: Tables>(
    situation: &Situation<'t, T>,
    service: &Service,
    reading: &Reading,
) -> Option<Found<'t>> {
    if service.affinity_window == 0 {
        return None;
    }
    let record = situation.tables.client(situation.settings, hash(situation, service, reading))?;
    if !is_same_window(service, record.last_seen(), situation.ticks()) {
        return None;
    }
    let found = Found::of_record(situation.tables, record)?;
    let may_take = found.backend.state == BackendState::ACTIVE && found.backend.is_overloaded == 0;
    may_take.then_some(found)
}

/// Remembers for the rest of the window where the client went. A client that is remembered is not remembered anew: its window goes on.
#[inline(always)]
pub(super) fn remember<T: Tables>(
    situation: &Situation<'_, T>,
    service: &Service,
    reading: &Reading,
    found: Found<'_>,
) {
    if service.affinity_window == 0 {
        return;
    }
    let hash = hash(situation, service, reading);
    let state = FlowState::new(Phase::ESTABLISHED, TimeoutClass::DEFAULT);
    let record = FlowRecord::new(found.slot, found.backend.generation, state, situation.ticks());
    situation.tables.remember_client(situation.settings, hash, record, service.affinity_window);
}

#[inline(always)]
fn hash<T>(situation: &Situation<'_, T>, service: &Service, reading: &Reading) -> u64 {
    let prefix = reading.family.of(service.affinity_prefix);
    let client = reading.key.source.prefix(prefix.into()).words();
    let [first, second] = situation.settings.flow_secret;
    hash_address(client, [first, second ^ u64::from(service.id)])
}

/// Whether what was remembered at `then` still holds at `now`.
#[inline(always)]
fn is_same_window(service: &Service, then: Ticks, now: Ticks) -> bool {
    let silence = ticks_between(then, now);
    match service.affinity_reset {
        AffinityReset::EPOCH => {
            // Windows are the same on all balancers that were started together, and do not move with an agent's restart.
            let window = |moment: Ticks| moment.checked_div(service.affinity_window);
            silence < service.affinity_window && window(then) == window(now)
        }
        _ => silence < service.affinity_window,
    }
}
