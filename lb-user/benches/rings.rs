//! How long the schedulers take to build their rings: `cargo bench -p lb-user`.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use lb_common::abi::{Address, Scheduler};
use lb_user::schedule::{Candidate, Ramp, consistent_ring, ring};
use std::hint::black_box;

const SCHEDULERS: [(&str, Scheduler); 4] = [
    ("maglev", Scheduler::MAGLEV),
    ("weighted-round-robin", Scheduler::WEIGHTED_ROUND_ROBIN),
    ("least-connections", Scheduler::LEAST_CONNECTIONS),
    ("weighted-least-connections", Scheduler::WEIGHTED_LEAST_CONNECTIONS),
];

/// The weight of a back-end, by its number.
type Weight = fn(u16) -> u16;

const WEIGHTS: [(&str, Weight); 3] = [
    ("equal", |_| 1),
    ("1..=256", |index| index.wrapping_mul(40_503) % 256 + 1),
    ("one heavy", |index| if index == 0 { 256 } else { 1 }),
];

fn candidates(count: u16, weight: Weight) -> Vec<Candidate> {
    let candidate = |slot: u16| {
        let [high, low] = slot.to_be_bytes();
        let live_flows = u64::from(slot % 100);
        Candidate {
            slot,
            address: Address::from_v4([10, 0, high, low]),
            weight: weight(slot),
            ramp: Ramp::FULL,
            live_flows,
        }
    };
    (0..count).map(candidate).collect()
}

fn rings(criterion: &mut Criterion) {
    let mut bench = |name: &str, build: &dyn Fn(&[Candidate]) -> Vec<u16>| {
        let mut group = criterion.benchmark_group(name);
        for count in [10, 100, 1_024] {
            for (weights, weight) in WEIGHTS {
                let backends = candidates(count, weight);
                group.bench_function(BenchmarkId::new(weights, count), |bencher| {
                    bencher.iter(|| build(black_box(&backends)));
                });
            }
        }
        group.finish();
    };
    bench("consistent", &consistent_ring);
    for (name, scheduler) in SCHEDULERS {
        bench(name, &|backends| ring(scheduler, backends, 1_000));
    }
}

criterion_group!(benches, rings);
criterion_main!(benches);
