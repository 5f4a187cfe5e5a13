use super::*;
use crate::abi::Timeouts;
use proptest::prelude::*;
use std::{thread, vec::Vec};

const TIMEOUTS: Timeouts = Timeouts::DEFAULT;

const HALF_OPEN: FlowState = FlowState::new(Phase::HALF_OPEN, TimeoutClass::DEFAULT);
const ESTABLISHED: FlowState = FlowState::new(Phase::ESTABLISHED, TimeoutClass::DEFAULT);
const CLOSING: FlowState = FlowState::new(Phase::CLOSING, TimeoutClass::DEFAULT);

/// A bucket whose four entries hold the flows 1, 3, 5 and 7 in these states, last seen at these ticks.
fn filled(flows: [(FlowState, Ticks); WAYS]) -> Bucket {
    let bucket = Bucket::default();
    for (index, (state, seen)) in flows.into_iter().enumerate() {
        let record = FlowRecord::new(index as u16, 0, state, seen);
        assert!(bucket.remember(2 * index as u64 + 1, record, &TIMEOUTS).is_some());
    }
    bucket
}

/// Which of the flows 1, 3, 5, 7 a new one at `now` would push out.
fn victim(flows: [(FlowState, Ticks); WAYS], now: Ticks) -> Option<usize> {
    let bucket = filled(flows);
    bucket.remember(99, FlowRecord::new(9, 0, HALF_OPEN, now), &TIMEOUTS).inspect(|&way| {
        let gone: Vec<_> = (0..WAYS).filter(|&index| bucket.find(2 * index as u64 + 1).is_none()).collect();
        assert_eq!(gone, [way]);
        assert!(bucket.entries()[way].is_of(99));
    })
}

#[test]
fn a_record_keeps_what_is_put_in() {
    let record = FlowRecord::new(8_191, 65_535, HALF_OPEN, 0xff_ffff).seen(CLOSING, 0xab_cdef);
    assert_eq!((record.slot(), record.generation()), (8_191, 65_535));
    assert_eq!((record.state(), record.last_seen()), (CLOSING, 0xab_cdef));
}

#[test]
fn a_flow_is_found_until_forgotten() {
    let bucket = Bucket::default();
    let record = FlowRecord::new(3, 1, HALF_OPEN, 10);
    assert!(bucket.find(42).is_none());
    assert!(bucket.remember(42, record, &TIMEOUTS).is_some());
    let (entry, found) = bucket.find(42).expect("just remembered");
    assert_eq!(found, record);
    entry.forget(record);
    assert!(bucket.find(42).is_none());
}

#[test]
fn a_flow_remembered_again_keeps_its_place() {
    let bucket = filled([(ESTABLISHED, 10); WAYS]);
    assert_eq!(bucket.remember(5, FlowRecord::new(7, 0, HALF_OPEN, 11), &TIMEOUTS), Some(2));
    assert_eq!(bucket.find(5).map(|(_, record)| record.slot()), Some(7));
    assert!([1, 3, 7].iter().all(|&hash| bucket.find(hash).is_some()));
}

#[test]
fn victims_by_state_then_by_silence() {
    let now = 1_000;
    let live = (ESTABLISHED, now);
    assert_eq!(victim([live, live, (ESTABLISHED, now - 300), (HALF_OPEN, now)], now), Some(3), "half-open before idle");
    assert_eq!(
        victim([live, (HALF_OPEN, now - 1), (CLOSING, now - 3), live], now),
        Some(2),
        "closing before half-open"
    );
    assert_eq!(victim([(HALF_OPEN, now - 2), live, (HALF_OPEN, now - 5), live], now), Some(2), "the oldest half-open");
    assert_eq!(
        victim([live, (ESTABLISHED, now - 400), (ESTABLISHED, now - 301), live], now),
        Some(1),
        "the oldest idle"
    );
    assert_eq!(victim([(CLOSING, now - 2), live, live, (ESTABLISHED, now - 299)], now), None, "all of them live");
}

#[test]
fn silence_is_measured_across_the_wrap_of_the_clock() {
    let before_wrap = (1 << TICK_BITS) - 5;
    let flows = [(ESTABLISHED, before_wrap), (HALF_OPEN, 2), (ESTABLISHED, 1), (HALF_OPEN, before_wrap)];
    assert_eq!(victim(flows, 3), Some(3));
}

#[test]
fn an_empty_place_goes_first_at_any_time() {
    for now in [5_000, 1 << (TICK_BITS - 1), (1 << TICK_BITS) - 1] {
        let bucket = Bucket::default();
        let expired = FlowRecord::new(1, 0, HALF_OPEN, now - 4_000);
        assert!(bucket.remember(1, expired, &TIMEOUTS).is_some());
        assert!(bucket.remember(99, FlowRecord::new(9, 0, HALF_OPEN, now), &TIMEOUTS).is_some());
        assert!(bucket.find(1).is_some(), "at {now}");
    }
}

#[test]
fn a_flow_that_another_cpu_saw_in_the_next_tick_is_live() {
    assert_eq!(victim([(ESTABLISHED, 11); WAYS], 10), None);
}

#[test]
fn an_update_with_an_outdated_record_changes_nothing() {
    let bucket = Bucket::default();
    let record = FlowRecord::new(1, 0, HALF_OPEN, 5);
    bucket.remember(42, record, &TIMEOUTS);
    let (entry, _) = bucket.find(42).expect("just remembered");
    entry.update(record.seen(CLOSING, 4), record.seen(ESTABLISHED, 6));
    assert_eq!(entry.record(), Some(record));
}

#[test]
fn racing_inserters_never_mix_two_flows() {
    // Every flow's slot is its hash, so a record under another flow's tag would show.
    let bucket = Bucket::default();
    thread::scope(|scope| {
        for worker in 0..4u64 {
            let bucket = &bucket;
            scope.spawn(move || {
                for round in 0..50_000u64 {
                    let flow = (round * 4 + worker) % 1_000;
                    bucket.remember(flow << 1, FlowRecord::new(flow as u16, 0, HALF_OPEN, round as Ticks), &TIMEOUTS);
                    for probe in 0..8 {
                        let flow = (round * 7 + probe) % 1_000;
                        if let Some((entry, record)) = bucket.find(flow << 1) {
                            assert_eq!(u64::from(record.slot()), flow);
                            entry.update(record, record.seen(HALF_OPEN, round as Ticks));
                        }
                    }
                }
            });
        }
    });
}

proptest! {
    #[test]
    fn an_established_active_flow_is_never_a_victim(
        seen in prop::array::uniform4(700u32..1_000),
        flood in prop::collection::vec(any::<u64>(), 1..100),
    ) {
        let bucket = filled(seen.map(|seen| (ESTABLISHED, seen)));
        let now = 999;
        for hash in flood {
            bucket.remember(hash | 1 << 40, FlowRecord::new(9, 0, HALF_OPEN, now), &TIMEOUTS);
        }
        prop_assert!((0..WAYS).all(|index| bucket.find(2 * index as u64 + 1).is_some()));
    }
}
