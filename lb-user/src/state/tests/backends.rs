//! Back-ends that come, change and go.

use super::*;

#[test]
fn an_added_backend_is_written_before_the_ring_that_names_it() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1)])]));
    let changes = world.follow(&desired([(1, vec![ready(2), ready(1)])]));
    let expected = [Change::ResetBackendCounters { slot: 1 }, set(1, active(0, 2, 0)), world.set_service(1)];
    assert_eq!(changes, expected);
    assert_eq!(world.service(1).ring, [0, 1]);
}

#[test]
fn a_removed_backend_leaves_the_ring_first_and_is_freed_after_the_grace() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1), ready(2)])]));
    world.wait(5);
    let without = desired([(1, vec![ready(2)])]);
    let changes = world.follow(&without);
    let service = world.set_service(1);
    assert_eq!(changes, [service, set(0, leaving(0, 1, 5))]);
    assert_eq!(world.service(1).ring, [1]);
    world.wait(GRACE - 1);
    assert_eq!(world.follow(&without), []);
    world.wait(1);
    assert_eq!(world.follow(&without), [set(0, freed(1)), forget([0])]);
}

#[test]
fn without_a_grace_a_removed_backend_is_freed_at_once() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1), ready(2)])]));
    let without = Desired { removal_grace: 0, ..desired([(1, vec![])]) };
    let changes = world.follow(&without);
    let service = world.set_service(1);
    let expected = [
        service,
        set(0, leaving(0, 1, 0)),
        set(1, leaving(0, 2, 0)),
        set(0, freed(1)),
        set(1, freed(1)),
        forget([0, 1]),
    ];
    assert_eq!(changes, expected);
}

#[test]
fn the_grace_is_measured_across_the_wrap_of_the_clock() {
    let mut world = World::new();
    world.wait((1 << TICK_BITS) - 1);
    world.follow(&desired([(1, vec![ready(1)])]));
    let without = desired([(1, vec![])]);
    world.follow(&without);
    world.wait(GRACE - 1);
    assert_eq!(world.follow(&without), []);
    world.wait(1);
    assert_eq!(world.follow(&without), [set(0, freed(1)), forget([0])]);
}

#[test]
fn a_backend_that_returns_while_leaving_keeps_slot_generation_and_counters() {
    let mut world = World::new();
    let both = desired([(1, vec![ready(1), ready(2)])]);
    world.follow(&both);
    world.follow(&desired([(1, vec![ready(2)])]));
    world.wait(GRACE);
    let changes = world.follow(&both);
    let service = world.set_service(1);
    assert_eq!(changes, [set(0, active(0, 1, 0)), service]);
}

#[test]
fn a_slot_with_a_new_owner_has_the_next_generation_and_counts_from_0() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1), ready(2)])]));
    world.follow(&desired([(1, vec![ready(2)])]));
    world.wait(GRACE);
    world.follow(&desired([(1, vec![ready(2)])]));
    let changes = world.follow(&desired([(1, vec![ready(2), ready(3)])]));
    assert_eq!(changes[..2], [Change::ResetBackendCounters { slot: 0 }, set(0, active(0, 3, 1))]);
}

#[test]
fn the_generation_wraps() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1)])]));
    world.make(&set(0, active(0, 1, u16::MAX)));
    let without = Desired { removal_grace: 0, ..desired([(1, vec![])]) };
    let changes = world.follow(&without);
    assert!(changes.contains(&set(0, freed(0))), "{changes:?}");
}

#[test]
fn another_way_to_a_backend_changes_the_backend_alone() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1), ready(2)])]));
    let moved = DesiredBackend { delivery: Some(delivery(9)), ..ready(2) };
    let changes = world.follow(&desired([(1, vec![ready(1), moved])]));
    assert_eq!(changes, [set(1, Backend { mac: delivery(9).mac, ..active(0, 2, 0) })]);
}

#[test]
fn an_unresolved_backend_is_off_the_ring_and_keeps_its_slot() {
    let mut world = World::new();
    let both = desired([(1, vec![ready(1), ready(2)])]);
    world.follow(&both);
    let changes = world.follow(&desired([(1, vec![unresolved(1), ready(2)])]));
    assert_eq!(changes, [set(0, overloaded(0, 1)), world.set_service(1)]);
    assert_eq!((world.service(1).ring, world.backend(0)), (vec![1], overloaded(0, 1)));
    let changes = world.follow(&both);
    assert_eq!(changes, [set(0, active(0, 1, 0)), world.set_service(1)]);
}

#[test]
fn a_backend_that_was_never_resolved_takes_no_slot() {
    let mut world = World::new();
    let state = desired([(1, vec![unresolved(1)])]);
    let changes = world.follow(&state);
    let expected =
        [set_settings(&state), Change::AddVip(vip(1)), Change::ResetServiceCounters { id: 0 }, world.set_service(1)];
    assert_eq!(changes, expected);
    assert_eq!((world.service(1).ring, world.service(1).consistent), (vec![], vec![]));
}

#[test]
fn a_backend_that_returns_unresolved_stops_leaving() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1), ready(2)])]));
    world.follow(&desired([(1, vec![ready(2)])]));
    let changes = world.follow(&desired([(1, vec![unresolved(1), ready(2)])]));
    assert_eq!(changes, [set(0, overloaded(0, 1))]);
}
