use super::*;
use crate::schedule::ring;
use crate::schedule::testing::{candidates, loaded, shares};
use lb_common::abi::Scheduler;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What each back-end gets of the new flows, in multiples of what its weight says.
fn favours(backends: &[Candidate], expected_flows: u64) -> Vec<f64> {
    let ring = least_connections_ring(backends, expected_flows);
    let shares = shares(&ring);
    let plain = |backend: &Candidate| ring.len() as f64 * f64::from(backend.weight) / all_weights(backends);
    backends.iter().map(|backend| shares[&backend.slot] as f64 / plain(backend)).collect()
}

#[test]
fn even_counts_are_round_robin() {
    for flows in [[0, 0, 0], [0, 1, 0], [1, 1, 2], [1_000, 1_040, 970]] {
        let backends = loaded(flows.map(|flows| (1, flows)));
        assert_eq!(least_connections_ring(&backends, 1_000), [0, 1, 2]);
    }
}

#[test]
fn counts_as_uneven_as_the_weights_are_weighted_round_robin() {
    let backends = loaded([(1, 102), (2, 199), (3, 301)]);
    assert_eq!(least_connections_ring(&backends, 1_000), weighted_round_robin_ring(&backends));
}

#[test]
fn the_expected_flows_even_a_difference_out() {
    // The back-ends are 100 flows apart: of 1,000 new ones they need 450 and 550.
    let favours = favours(&loaded([(1, 1_000), (1, 900)]), 1_000);
    assert!((favours[0] - 0.9).abs() < 0.01 && (favours[1] - 1.1).abs() < 0.01, "{favours:?}");
}

#[test]
fn who_is_new_gets_no_more_than_twice_its_share() {
    for count in [2, 10, 1_000] {
        let backends = loaded((0..count).map(|index| (1, if index == 0 { 0 } else { 10_000 })));
        let favours = favours(&backends, 100);
        assert!((1.85..2.01).contains(&favours[0]), "{} of {count}", favours[0]);
    }
}

#[test]
fn who_has_too_many_is_not_forgotten() {
    let favours = favours(&loaded([(1, 1_000_000), (1, 10), (1, 10)]), 1_000);
    assert!((0.12..0.13).contains(&favours[0]), "{}", favours[0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn everybody_is_within_bounds(
        backends in prop::collection::vec((1u16..=256, 0u64..10_000), 1..50),
        expected_flows in 0u64..100_000,
    ) {
        let backends = loaded(backends);
        let ring = least_connections_ring(&backends, expected_flows);
        prop_assert!(ring.len() <= MAX_POSITIONS);
        let shares = shares(&ring);
        for backend in &backends {
            let plain = ring.len() as f64 * f64::from(backend.weight) / all_weights(&backends);
            let share = shares[&backend.slot] as f64;
            // One position more or less is rounding.
            prop_assert!((LEAST * plain - 1.0..=MOST * plain + 1.0).contains(&share), "{share} instead of {plain}");
        }
    }

    #[test]
    fn who_has_more_flows_for_its_weight_gets_fewer_new_ones(
        flows in prop::collection::vec(0u64..10_000, 2..50),
        expected_flows in 0u64..100_000,
    ) {
        let mut backends = loaded(flows.into_iter().map(|flows| (1, flows)));
        let shares = shares(&least_connections_ring(&backends, expected_flows));
        backends.sort_by_key(|backend| backend.live_flows);
        // One position more is rounding.
        prop_assert!(backends.is_sorted_by(|few, many| shares[&few.slot] + 1 >= shares[&many.slot]));
    }
}

/// A service that gets a ring each second, and whose flows live as long as they like.
struct Simulation {
    scheduler: Scheduler,
    backends: Vec<Candidate>,
    /// When the live flows end, in milliseconds.
    ends: BinaryHeap<Reverse<(u64, u16)>>,
    /// In milliseconds.
    now: u64,
    turn: usize,
    expected_flows: u64,
}

impl Simulation {
    fn new(scheduler: Scheduler, weights: &[u16]) -> Self {
        let backends = candidates(weights.iter().copied());
        Self { scheduler, backends, ends: BinaryHeap::new(), now: 0, turn: 0, expected_flows: 0 }
    }

    /// A second of so many new flows, with their lifetimes in milliseconds on a back-end.
    fn second(&mut self, new_flows: u64, mut lifetime: impl FnMut(u16) -> u64) {
        let ring = ring(self.scheduler, &self.backends, self.expected_flows);
        let start = self.now;
        for flow in 0..new_flows {
            self.pass_until(start + flow * 1_000 / new_flows);
            let slot = ring[self.turn % ring.len()];
            self.turn += 1;
            self.ends.push(Reverse((self.now + lifetime(slot), slot)));
            self.backends[usize::from(slot)].live_flows += 1;
        }
        self.pass_until(start + 1_000);
        self.expected_flows = new_flows;
    }

    fn pass_until(&mut self, now: u64) {
        self.now = now;
        while let Some(&Reverse((end, slot))) = self.ends.peek()
            && end <= now
        {
            self.ends.pop();
            self.backends[usize::from(slot)].live_flows -= 1;
        }
    }

    /// The most live flows for the weight of any back-end, in multiples of the mean.
    fn most_by_mean(&self) -> f64 {
        let live: u64 = self.backends.iter().map(|backend| backend.live_flows).sum();
        let mean = live as f64 / all_weights(&self.backends);
        let height = |backend: &Candidate| backend.live_flows as f64 / f64::from(backend.weight);
        self.backends.iter().map(height).fold(0.0, f64::max) / mean
    }

    /// [`Self::most_by_mean`] on average over two minutes, after two minutes.
    fn run(mut self, new_flows: u64, mut lifetime: impl FnMut(u16) -> u64) -> f64 {
        let mut sum = 0.0;
        for second in 0..240 {
            self.second(new_flows, &mut lifetime);
            if second >= 120 {
                sum += self.most_by_mean();
            }
        }
        sum / 120.0
    }
}

/// Nine of ten flows live for a second, the others for one minute: these are what a back-end has.
fn short_and_long(seed: u64) -> impl FnMut(u16) -> u64 {
    let mut random = StdRng::seed_from_u64(seed);
    move |_| if random.random_bool(0.9) { 1_000 } else { 60_000 }
}

/// One back-end takes five times as long as the others.
fn slow_backend(slot: u16) -> u64 {
    if slot == 3 { 25_000 } else { 5_000 }
}

#[test]
fn flows_of_different_lifetimes_are_spread_better_than_by_turns() {
    for weights in [[1; 10], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]] {
        for seed in [1, 2] {
            let excess = |scheduler| Simulation::new(scheduler, &weights).run(100, short_and_long(seed)) - 1.0;
            let by_turns = excess(Scheduler::WEIGHTED_ROUND_ROBIN);
            let by_flows = excess(Scheduler::WEIGHTED_LEAST_CONNECTIONS);
            assert!(by_flows < 0.7 * by_turns, "{by_flows} of {by_turns}");
        }
    }
}

#[test]
fn a_slow_backend_gets_fewer_flows() {
    let most_by_mean = |scheduler| Simulation::new(scheduler, &[1; 10]).run(50, slow_backend);
    assert!(most_by_mean(Scheduler::ROUND_ROBIN) > 3.0);
    let by_flows = most_by_mean(Scheduler::LEAST_CONNECTIONS);
    assert!(by_flows < 1.3, "{by_flows}");
}

#[test]
fn flows_that_end_before_the_next_ring_do_not_make_it_swing() {
    for most in [500, 1_000, 2_000] {
        let most_by_mean = |scheduler| {
            let mut random = StdRng::seed_from_u64(1);
            Simulation::new(scheduler, &[1; 10]).run(100, move |_| random.random_range(1..most))
        };
        let (by_turns, by_flows) = (most_by_mean(Scheduler::ROUND_ROBIN), most_by_mean(Scheduler::LEAST_CONNECTIONS));
        assert!(by_flows < 1.1 * by_turns, "{by_flows} after {by_turns}");
    }
}

#[test]
fn bursts_that_nobody_expects_do_not_make_it_swing() {
    let most_by_mean = |scheduler| {
        let mut random = StdRng::seed_from_u64(1);
        let mut service = Simulation::new(scheduler, &[1; 10]);
        let mut sum = 0.0;
        for second in 0..300 {
            service.second(if second % 10 == 0 { 500 } else { 10 }, |_| random.random_range(1..60_000));
            sum += service.most_by_mean();
        }
        sum / 300.0
    };
    let (by_turns, by_flows) = (most_by_mean(Scheduler::ROUND_ROBIN), most_by_mean(Scheduler::LEAST_CONNECTIONS));
    assert!(by_flows < 1.1 * by_turns, "{by_flows} after {by_turns}");
}

#[test]
fn a_new_backend_fills_up_by_twice_its_share() {
    let mut service = Simulation::new(Scheduler::LEAST_CONNECTIONS, &[1; 10]);
    let newcomer = service.backends.pop().expect("there are ten");
    for _ in 0..60 {
        service.second(100, |_| 20_000);
    }
    service.backends.push(newcomer);
    for second in 1..=11 {
        service.second(100, |_| 20_000);
        assert!(service.backends[9].live_flows <= 20 * second + 1);
    }
    // By its share alone it would have 110 of 200.
    assert!(service.backends[9].live_flows >= 190, "{}", service.backends[9].live_flows);
}
