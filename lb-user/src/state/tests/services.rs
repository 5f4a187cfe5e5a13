//! Services that come, change and go.

use super::*;

#[test]
fn a_service_comes_after_its_backends_and_counts_from_0() {
    let mut world = World::new();
    let state = desired([(1, vec![ready(1), ready(2)])]);
    let changes = world.follow(&state);
    let expected = [
        set_settings(&state),
        Change::ResetBackendCounters { slot: 0 },
        set(0, active(0, 1, 0)),
        Change::ResetBackendCounters { slot: 1 },
        set(1, active(0, 2, 0)),
        Change::ResetServiceCounters { id: 0 },
        Change::SetService { key: key(1), service: world.service(1) },
    ];
    assert_eq!(changes, expected);
    assert_eq!(world.service(1).ring, [0, 1]);
}

#[test]
fn another_scheduler_switches_the_service() {
    let mut world = World::new();
    let mut state = desired([(1, vec![ready(1)])]);
    world.follow(&state);
    let before = world.service(1);
    for service in state.services.values_mut() {
        service.scheduler = Scheduler(1);
    }
    let changes = world.follow(&state);
    assert_eq!(changes, [Change::SetService { key: key(1), service: world.service(1) }]);
    assert_eq!((world.service(1).service.scheduler, world.service(1).ring), (Scheduler(1), before.ring));
}

#[test]
fn a_consistent_ring_that_another_version_made_is_replaced() {
    let mut world = World::new();
    let state = desired([(1, vec![ready(1), ready(2)])]);
    world.follow(&state);
    let right = world.service(1).consistent;
    let mut other = world.service(1);
    other.consistent.reverse();
    world.make(&Change::SetService { key: key(1), service: other });
    world.follow(&state);
    assert_eq!(world.service(1).consistent, right);
}

#[test]
fn other_settings_change_nothing_else() {
    let mut world = World::new();
    let mut state = desired([(1, vec![ready(1)])]);
    world.follow(&state);
    state.settings.timeouts = Timeouts::new(1, 2, 3, 4, 5);
    assert_eq!(world.follow(&state), [set_settings(&state)]);
}

#[test]
fn a_removed_service_goes_before_its_backends() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1)]), (2, vec![ready(1)])]));
    let changes = world.follow(&desired([(2, vec![ready(1)])]));
    assert_eq!(changes, [Change::RemoveService { key: key(1) }, set(0, leaving(0, 1, 0))]);
}

#[test]
fn the_vip_of_a_removed_service_is_known_until_its_backends_are_freed() {
    let mut world = World::new();
    let both = desired([(1, vec![ready(1)]), (2, vec![ready(1)])]);
    let one = desired([(2, vec![ready(1)])]);
    world.follow(&both);
    world.follow(&one);
    assert_eq!(world.observed().settings, Some(both.settings));
    world.wait(GRACE);
    assert_eq!(world.follow(&one), [set(0, freed(1)), forget([0]), set_settings(&one)]);
}

#[test]
fn a_new_vip_is_known_before_its_service_comes() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1)])]));
    world.follow(&desired([]));
    let state = desired([(2, vec![ready(1)])]);
    let changes = world.follow(&state);
    let both = desired([(1, vec![]), (2, vec![])]);
    assert_eq!(changes.first(), Some(&set_settings(&both)));
}

#[test]
fn a_service_number_is_not_used_again_while_a_backend_leaves_with_it() {
    let mut world = World::new();
    let none = desired([]);
    world.follow(&desired([(1, vec![ready(1)])]));
    world.follow(&none);
    world.follow(&desired([(2, vec![ready(1)])]));
    assert_eq!(world.service(2).service.id, 1);
    world.follow(&none);
    world.wait(GRACE);
    world.follow(&none);
    world.follow(&desired([(3, vec![ready(1)])]));
    assert_eq!(world.service(3).service.id, 0);
}

#[test]
fn one_backend_of_two_services_has_two_slots() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1)]), (2, vec![ready(1)])]));
    assert_eq!((world.backend(0), world.backend(1)), (active(0, 1, 0), active(1, 1, 0)));
    assert_eq!((world.service(1).ring, world.service(2).ring), (vec![0], vec![1]));
}
