//! Access lists: a service that names one never meets half of it.

use super::*;

/// A list that denies the sources 11.0.0.0/8 to 11.0.0.0/8 plus `more`.
fn list(more: u8) -> Arc<AccessRules> {
    let rule = |network| AccessRule { source: Address::from_v4([network, 0, 0, 0]), bits: 96 + 8, is_allowed: false };
    Arc::new(AccessRules::new((11..=11 + more).map(rule).collect()))
}

/// A service with this list.
fn guarded(rules: &Arc<AccessRules>) -> DesiredService {
    let entry = Service { flags: ServiceFlags::ACCESS, access: rules.list(), ..ENTRY };
    DesiredService { entry, access: Some(rules.clone()), ..serving(vec![ready(1)]) }
}

#[test]
fn a_list_is_written_before_a_service_names_it() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1)])]));
    let rules = list(0);
    let changes = world.follow(&desired_services([(1, guarded(&rules))]));
    assert_eq!(changes, [Change::SetAccess(rules), world.set_service(1)]);
}

#[test]
fn another_list_replaces_the_former_one_in_one_step() {
    let mut world = World::new();
    let (former, rules) = (list(0), list(1));
    world.follow(&desired_services([(1, guarded(&former))]));
    let changes = world.follow(&desired_services([(1, guarded(&rules))]));
    assert_eq!(changes, [Change::SetAccess(rules), world.set_service(1), Change::RemoveAccess(former.list())]);
}

#[test]
fn a_list_goes_after_the_last_service_that_names_it() {
    let mut world = World::new();
    let rules = list(0);
    let (first, second) = ((1, guarded(&rules)), (2, guarded(&rules)));
    let changes = world.follow(&desired_services([first, second.clone()]));
    let written = changes.iter().filter(|change| matches!(change, Change::SetAccess(_))).count();
    assert_eq!(written, 1, "equal lists are one");
    let changes = world.follow(&desired_services([second]));
    assert_eq!(changes, [Change::RemoveService { key: key(1) }, set(0, leaving(0, 1, 0))]);
    let changes = world.follow(&desired([(2, vec![ready(1)])]));
    assert_eq!(changes, [world.set_service(2), Change::RemoveAccess(rules.list())]);
}

#[test]
fn a_list_that_no_service_names_may_be_incomplete_and_is_written_again() {
    let mut world = World::new();
    world.follow(&desired([(1, vec![ready(1)])]));
    let rules = list(0);
    // An agent that died over it left it behind.
    world.make(&Change::SetAccess(rules.clone()));
    let changes = world.follow(&desired_services([(1, guarded(&rules))]));
    assert_eq!(changes, [Change::RemoveAccess(rules.list()), Change::SetAccess(rules), world.set_service(1)]);
}

#[test]
fn what_is_left_of_a_list_that_did_not_fit_makes_room_before_the_next_is_written() {
    let mut world = World::new();
    let (former, too_large, rules) = (list(0), list(2), list(1));
    world.follow(&desired_services([(1, guarded(&former))]));
    // Its writing failed half way.
    world.make(&Change::SetAccess(too_large.clone()));
    let changes = world.follow(&desired_services([(1, guarded(&rules))]));
    let expected = [
        Change::RemoveAccess(too_large.list()),
        Change::SetAccess(rules),
        world.set_service(1),
        Change::RemoveAccess(former.list()),
    ];
    assert_eq!(changes, expected);
}

#[test]
fn what_is_left_of_an_unwanted_list_is_taken_away() {
    let mut world = World::new();
    let state = desired([(1, vec![ready(1)])]);
    world.follow(&state);
    let rules = list(0);
    world.make(&Change::SetAccess(rules.clone()));
    assert_eq!(world.follow(&state), [Change::RemoveAccess(rules.list())]);
}

#[test]
fn a_list_that_is_missing_though_a_service_names_it_is_written() {
    let mut world = World::new();
    let rules = list(0);
    let state = desired_services([(1, guarded(&rules))]);
    world.follow(&state);
    world.make(&Change::RemoveAccess(rules.list()));
    assert_eq!(world.follow(&state), [Change::SetAccess(rules)]);
}
