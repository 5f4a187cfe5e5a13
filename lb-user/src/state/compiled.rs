//! The rings that were compiled last. Making them takes milliseconds, and mostly nothing has changed since.

use crate::schedule::{Candidate, consistent_ring, ring};
use lb_common::abi::{Scheduler, ServiceKey};
use std::collections::BTreeMap;

/// The rings of services, and what each was made from.
#[derive(Clone, Debug, Default)]
pub struct CompiledRings {
    services: BTreeMap<ServiceKey, Compiled>,
}

#[derive(Clone, Debug)]
struct Compiled {
    scheduler: Scheduler,
    candidates: Vec<Candidate>,
    expected_flows: u64,
    ring: Vec<u16>,
    consistent: Vec<u16>,
}

impl CompiledRings {
    /// The scheduler's ring and the consistent ring of a service.
    pub(super) fn of(
        &mut self,
        key: ServiceKey,
        scheduler: Scheduler,
        candidates: Vec<Candidate>,
        expected_flows: u64,
    ) -> (&[u16], &[u16]) {
        let former = self.services.remove(&key);
        let compiled = match former {
            Some(former) if former.is_for(scheduler, &candidates, expected_flows) => former,
            former => {
                let consistent = former
                    .filter(|former| same_shares(&former.candidates, &candidates))
                    .map_or_else(|| consistent_ring(&candidates), |former| former.consistent);
                let ring = ring(scheduler, &candidates, expected_flows);
                Compiled { scheduler, candidates, expected_flows, ring, consistent }
            }
        };
        let compiled = self.services.entry(key).insert_entry(compiled).into_mut();
        (&compiled.ring, &compiled.consistent)
    }

    /// Forgets the rings of services that are gone.
    pub(super) fn keep(&mut self, is_service: impl Fn(&ServiceKey) -> bool) {
        self.services.retain(|key, _| is_service(key));
    }
}

impl Compiled {
    fn is_for(&self, scheduler: Scheduler, candidates: &[Candidate], expected_flows: u64) -> bool {
        let same_load = self.candidates == candidates && self.expected_flows == expected_flows;
        let ramps = |candidates: &[Candidate]| candidates.iter().map(|candidate| candidate.ramp).collect::<Vec<_>>();
        self.scheduler == scheduler
            && same_shares(&self.candidates, candidates)
            && ramps(&self.candidates) == ramps(candidates)
            && (same_load || !scheduler.heeds_load())
    }
}

/// Whether all is the same but for load and ramps.
fn same_shares(one: &[Candidate], other: &[Candidate]) -> bool {
    let share = |candidate: &Candidate| (candidate.slot, candidate.address, candidate.weight);
    one.iter().map(share).eq(other.iter().map(share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Ramp;
    use lb_common::abi::{Address, ServiceKind};
    use lb_common::wire::{Be16, protocol};

    /// What no compilation comes to: where it is found again, nothing was compiled.
    const MARK: u16 = u16::MAX;

    const SCHEDULERS: [Scheduler; 6] = [
        Scheduler::ROUND_ROBIN,
        Scheduler::WEIGHTED_ROUND_ROBIN,
        Scheduler::LEAST_CONNECTIONS,
        Scheduler::WEIGHTED_LEAST_CONNECTIONS,
        Scheduler::SOURCE_HASH,
        Scheduler::MAGLEV,
    ];

    fn key(port: u16) -> ServiceKey {
        let address = Address::from_v4([192, 0, 2, 10]);
        ServiceKey { address, port: Be16::new(port), protocol: protocol::TCP, kind: ServiceKind::PORT }
    }

    /// Two back-ends of these weights and live flows.
    fn candidates(backends: [(u16, u64); 2]) -> Vec<Candidate> {
        let candidate = |(slot, (weight, live_flows))| {
            let address = Address::from_v4([10, 0, 0, slot as u8]);
            Candidate { slot, address, weight, ramp: Ramp::FULL, live_flows }
        };
        (0..).zip(backends).map(candidate).collect()
    }

    /// Rings of two idle back-ends, marked.
    fn marked(scheduler: Scheduler) -> CompiledRings {
        let mut rings = CompiledRings::default();
        rings.of(key(443), scheduler, candidates([(1, 0), (1, 0)]), 100);
        for compiled in rings.services.values_mut() {
            (compiled.ring[0], compiled.consistent[0]) = (MARK, MARK);
        }
        rings
    }

    /// Whether the ring and the consistent ring for these back-ends are the marked ones.
    fn are_kept(
        rings: &mut CompiledRings,
        scheduler: Scheduler,
        backends: [(u16, u64); 2],
        expected: u64,
    ) -> [bool; 2] {
        let (ring, consistent) = rings.of(key(443), scheduler, candidates(backends), expected);
        [ring, consistent].map(|ring| ring[0] == MARK)
    }

    #[test]
    fn rings_are_not_compiled_anew_while_nothing_changes() {
        for scheduler in SCHEDULERS {
            let kept = are_kept(&mut marked(scheduler), scheduler, [(1, 0), (1, 0)], 100);
            assert_eq!(kept, [true, true], "{scheduler:?}");
        }
    }

    #[test]
    fn load_matters_to_least_connections_only_and_never_to_the_consistent_ring() {
        for scheduler in SCHEDULERS {
            for (backends, expected) in [([(1, 7), (1, 0)], 100), ([(1, 0), (1, 0)], 101)] {
                let kept = are_kept(&mut marked(scheduler), scheduler, backends, expected);
                assert_eq!(kept, [!scheduler.heeds_load(), true], "{scheduler:?}");
            }
        }
    }

    #[test]
    fn another_weight_is_another_ring() {
        for scheduler in SCHEDULERS {
            let kept = are_kept(&mut marked(scheduler), scheduler, [(1, 0), (2, 0)], 100);
            assert_eq!(kept, [false, false], "{scheduler:?}");
        }
    }

    #[test]
    fn another_scheduler_keeps_the_consistent_ring() {
        let mut rings = marked(Scheduler::ROUND_ROBIN);
        assert_eq!(are_kept(&mut rings, Scheduler::MAGLEV, [(1, 0), (1, 0)], 100), [false, true]);
    }

    #[test]
    fn services_have_rings_of_their_own_until_they_are_gone() {
        let mut rings = marked(Scheduler::ROUND_ROBIN);
        let (ring, _) = rings.of(key(80), Scheduler::ROUND_ROBIN, candidates([(1, 0), (1, 0)]), 100);
        assert_eq!(ring, [0, 1]);
        rings.keep(|it| *it == key(80));
        assert_eq!(are_kept(&mut rings, Scheduler::ROUND_ROBIN, [(1, 0), (1, 0)], 100), [false, false]);
        assert_eq!(rings.services.len(), 2);
    }
}
