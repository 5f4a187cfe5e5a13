use super::testing::{candidates, loaded, shares};
use super::*;
use proptest::prelude::*;

const ALL: [Scheduler; 6] = [
    Scheduler::ROUND_ROBIN,
    Scheduler::WEIGHTED_ROUND_ROBIN,
    Scheduler::LEAST_CONNECTIONS,
    Scheduler::WEIGHTED_LEAST_CONNECTIONS,
    Scheduler::SOURCE_HASH,
    Scheduler::MAGLEV,
];

/// The rings of all schedulers, and the consistent ring.
fn rings(backends: &[Candidate]) -> Vec<Vec<u16>> {
    let scheduled = ALL.into_iter().map(|scheduler| ring(scheduler, backends, 100));
    scheduled.chain([consistent_ring(backends)]).collect()
}

#[test]
fn nobody_makes_no_ring() {
    assert!(rings(&[]).iter().all(Vec::is_empty));
    assert!(rings(&candidates([0, 0])).iter().all(Vec::is_empty));
}

#[test]
fn weights_count_for_those_that_are_called_weighted() {
    let backends = candidates([1, 3]);
    let ring = |scheduler| ring(scheduler, &backends, 100);
    assert_eq!(ring(Scheduler::ROUND_ROBIN), [0, 1]);
    assert_eq!(ring(Scheduler::WEIGHTED_ROUND_ROBIN), [1, 1, 0, 1]);
    assert_eq!(ring(Scheduler::LEAST_CONNECTIONS), [0, 1]);
    assert_eq!(ring(Scheduler::WEIGHTED_LEAST_CONNECTIONS), [1, 1, 0, 1]);
}

#[test]
fn live_flows_count_for_those_that_are_called_least_connections() {
    let mut backends = candidates([1, 1]);
    backends[0].live_flows = 100;
    for scheduler in ALL {
        let minds = ring(scheduler, &backends, 100) != ring(scheduler, &candidates([1, 1]), 100);
        let least_connections = [Scheduler::LEAST_CONNECTIONS, Scheduler::WEIGHTED_LEAST_CONNECTIONS];
        assert_eq!(minds, least_connections.contains(&scheduler), "{scheduler:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_ring_is_longer_than_foreseen(backends in prop::collection::vec((0u16..=256, 0u64..1_000), 1..100)) {
        let candidates = loaded(backends);
        for scheduler in ALL {
            let [scheduled, consistent] = most_positions(scheduler, &candidates);
            for ready in [&candidates[..], &candidates[1..]] {
                prop_assert!(ring(scheduler, ready, 100).len() <= scheduled, "{scheduler:?}");
                prop_assert!(consistent_ring(ready).len() <= consistent);
            }
        }
    }

    #[test]
    fn exactly_those_with_weight_are_on_the_ring(
        backends in prop::collection::vec((0u16..=256, 0u64..1_000), 1..100),
    ) {
        let candidates = loaded(backends);
        let with_weight: Vec<u16> = with_weight(&candidates).iter().map(|candidate| candidate.slot).collect();
        for ring in rings(&candidates) {
            prop_assert!(shares(&ring).into_keys().eq(with_weight.iter().copied()));
        }
    }

    #[test]
    fn the_order_of_the_backends_does_not_matter(
        backends in prop::collection::vec((0u16..=256, 0u64..1_000), 1..50),
        shuffled in Just((0..50).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let candidates = loaded(backends);
        let before = rings(&candidates);
        let shuffled: Vec<Candidate> = shuffled.iter().filter_map(|&index| candidates.get(index)).copied().collect();
        prop_assert!(before == rings(&shuffled));
    }
}
