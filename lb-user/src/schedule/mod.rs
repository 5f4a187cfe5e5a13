//! Schedulers. Each compiles the back-ends of a service to a ring of their slots, which the XDP program walks or indexes.
//!
//! Back-ends of weight 0 get no position; each of the others gets one at least.

mod apportion;
mod least_connections;
mod maglev;
mod ramp;
mod smooth;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod weighted_round_robin;

use lb_common::abi::{Address, Scheduler};
use least_connections::least_connections_ring;
use maglev::maglev_ring;
use ramp::ramped;
use weighted_round_robin::{exact_positions, weighted_round_robin_ring};

pub use ramp::Ramp;

/// A back-end that can take new flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its slot.
    pub slot: u16,
    /// Its own address.
    pub address: Address,
    /// Its share of the new flows, in proportion to the weights of the others; 0 for none.
    pub weight: u16,
    /// How much of that counts, after it was out of service.
    pub ramp: Ramp,
    /// Flows that it has now.
    pub live_flows: u64,
}

/// The ring of `scheduler` for these back-ends, in whatever order they come. Empty when none has weight. A scheduler that nobody knows
/// is round robin.
///
/// `expected_flows` is how many new flows will come before the service gets its next ring, rather too many than too few. Only the
/// least-connections schedulers mind: too many even the live flows out more slowly, too few make them swing.
pub fn ring(scheduler: Scheduler, backends: &[Candidate], expected_flows: u64) -> Vec<u16> {
    let mut backends = with_weight(backends);
    if !is_weighted(scheduler) {
        backends.iter_mut().for_each(|backend| backend.weight = 1);
    }
    let backends = ramped(backends);
    match scheduler {
        Scheduler::LEAST_CONNECTIONS | Scheduler::WEIGHTED_LEAST_CONNECTIONS => {
            least_connections_ring(&backends, expected_flows)
        }
        Scheduler::SOURCE_HASH => maglev::consistent_ring(&backends),
        Scheduler::MAGLEV => maglev_ring(&backends),
        _ => weighted_round_robin_ring(&backends),
    }
}

/// The ring for packets in the middle of a flow that nobody remembers. It depends on nothing but the addresses and their weights:
/// balancers that know the same ones agree on it, though they keep them in other slots.
pub fn consistent_ring(backends: &[Candidate]) -> Vec<u16> {
    maglev::consistent_ring(&with_weight(backends))
}

/// Positions that the ring of `scheduler` for these back-ends has at most, and those of their consistent ring. When some of them cannot
/// take new flows, the rings are no longer. Those that ramp may do so to any degree.
pub fn most_positions(scheduler: Scheduler, backends: &[Candidate]) -> [usize; 2] {
    let backends = with_weight(backends);
    if backends.is_empty() {
        return [0; 2];
    }
    let consistent = maglev::consistent_size(backends.len());
    let walked = if backends.iter().any(|backend| backend.ramp != Ramp::FULL) {
        let weight = |backend: &Candidate| if is_weighted(scheduler) { usize::from(backend.weight) } else { 1 };
        backends.iter().map(weight).sum::<usize>() * usize::from(Ramp::STEPS)
    } else if is_weighted(scheduler) {
        exact_positions(&backends)
    } else {
        backends.len()
    };
    let scheduled = match scheduler {
        Scheduler::SOURCE_HASH => consistent,
        Scheduler::MAGLEV => maglev::MAGLEV_SIZE,
        Scheduler::LEAST_CONNECTIONS | Scheduler::WEIGHTED_LEAST_CONNECTIONS => {
            least_connections::most_positions(walked)
        }
        _ => walked.min(weighted_round_robin::MAX_POSITIONS),
    };
    [scheduled, consistent]
}

/// Whether back-ends get shares by their weights, or equal ones. A scheduler that nobody knows is round robin.
fn is_weighted(scheduler: Scheduler) -> bool {
    !matches!(scheduler, Scheduler::LEAST_CONNECTIONS) && scheduler != Scheduler::ROUND_ROBIN
}

/// Those that get a share, in the order of their slots.
fn with_weight(backends: &[Candidate]) -> Vec<Candidate> {
    let mut backends: Vec<Candidate> = backends.iter().filter(|backend| backend.weight > 0).copied().collect();
    backends.sort_unstable_by_key(|backend| backend.slot);
    backends
}
